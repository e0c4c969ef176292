/** Graphs as text, equal for equal programs. */
import type { Node } from "./node.js";
import { topological } from "./rewrite.js";
import { identity, keyOf } from "../util/key.js";

function params(node: Node): string {
  if (Object.keys(node.params ?? {}).length === 0) return "";
  const text = keyOf(node.params);
  return text === "{}" ? "" : ` ${text}`;
}

/** A text that is equal for programs of one form that compute `outputs` from `inputs`; other leaves are constants. */
export const programKey = (inputs: readonly Node[], outputs: readonly Node[]): string => {
  const isLeaf = new Set(inputs);
  const order = topological(outputs, (n) => !isLeaf.has(n) && n.value === null).filter((n) => !isLeaf.has(n));
  return graphKey([...inputs, ...order], outputs, isLeaf);
};

/**
 * A text that is equal for graphs of one form, made for speed: dtypes and shapes stand at the leaves only, as primitives
 * derive all others from them. `order` is topological; nodes with a value are leaves, as are others of `leaves`.
 */
export function graphKey(order: readonly Node[], outputs: readonly Node[], leaves?: ReadonlySet<Node>): string {
  const places = new Map<Node, number>();
  let key = "";
  for (const node of order) {
    places.set(node, places.size);
    if (node.value !== null || leaves?.has(node)) {
      const { dtype, shape } = node.aval;
      key += `${dtype}${shape.join()};`;
      continue;
    }
    key += node.part ?? `#${identity(node.primitive)}`;
    for (const x of node.inputs) key += ` ${places.get(x)}`;
    key += `${params(node)};`;
  }
  for (const node of outputs) key += ` ${places.get(node)}`;
  return key;
}
