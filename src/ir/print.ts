/** Graphs as text, equal for equal programs. */
import type { Node } from "./node.js";
import { topological } from "./rewrite.js";
import { identity, keyOf } from "../util/key.js";

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
  // A few nodes are found sooner one by one.
  const places = order.length > 16 ? new Map(order.map((node, i) => [node, i])) : null;
  const placeOf = (x: Node): number | undefined => (places === null ? order.indexOf(x) : places.get(x));
  let key = "";
  for (const node of order) {
    if (node.value !== null || leaves?.has(node)) {
      const { dtype, shape } = node.aval;
      key += `${dtype}${shape.join()};`;
      continue;
    }
    key += node.part ?? `#${identity(node.primitive)}`;
    for (const x of node.inputs) key += ` ${placeOf(x)}`;
    key += `${keyOf(node.params)};`;
  }
  for (const node of outputs) key += ` ${placeOf(node)}`;
  return key;
}
