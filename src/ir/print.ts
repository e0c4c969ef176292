/** Graphs as text: readable let-programs, equal for equal programs. */
import type { Node, Primitive } from "./node.js";
import { topological } from "./rewrite.js";
import { show } from "./shape.js";
import { keyOf } from "../util/key.js";

const primitiveIds = new WeakMap<Primitive, number>();
let nextPrimitive = 0;

/** A number for each primitive: names may repeat in different folders. */
function idOf(primitive: Primitive): number {
  const known = primitiveIds.get(primitive);
  if (known !== undefined) return known;
  primitiveIds.set(primitive, nextPrimitive);
  return nextPrimitive++;
}

/** Values as `a`, `b`, …, `z`, `a1`, …, in the order they appear. */
const variable = (k: number): string => String.fromCharCode(97 + (k % 26)) + (k < 26 ? "" : String(Math.floor(k / 26)));

function params(node: Node): string {
  if (Object.keys(node.params ?? {}).length === 0) return "";
  const text = keyOf(node.params);
  return text === "{}" ? "" : ` ${text}`;
}

/** The program that computes `outputs` from `inputs`; other leaves appear as constants. */
export function printGraph(inputs: readonly Node[], outputs: readonly Node[], withIds = true): string {
  const names = new Map<Node, string>();
  const nameOf = (node: Node): string => {
    const known = names.get(node);
    if (known !== undefined) return known;
    const fresh = variable(names.size);
    names.set(node, fresh);
    return fresh;
  };
  const isLeaf = new Set(inputs);
  const head = inputs.map((x) => `${nameOf(x)}:${show(x.aval)}`).join(", ");
  const lines = topological(outputs, (n) => !isLeaf.has(n) && n.value === null)
    .filter((n) => !isLeaf.has(n))
    .map((n) => {
      const result = `${nameOf(n)}:${n.outputs.map(show).join(",")}`;
      if (n.value !== null) return `  ${result} = constant`;
      if (n.part !== null) return `  ${result} = ${nameOf(n.inputs[0])}[${n.part}]`;
      const id = withIds ? `#${idOf(n.primitive)}` : "";
      return `  ${result} = ${n.primitive.name}${id}(${n.inputs.map(nameOf).join(", ")})${params(n)}`;
    });
  return [`(${head}) =>`, ...lines, `  return ${outputs.map(nameOf).join(", ")}`].join("\n");
}

/**
 * A text that is equal for graphs of one form, made for speed: dtypes and shapes stand at the leaves only, as primitives
 * derive all others from them. `order` is topological; nodes with a value are leaves.
 */
export function graphKey(order: readonly Node[], outputs: readonly Node[]): string {
  const places = new Map<Node, number>();
  let key = "";
  for (const node of order) {
    places.set(node, places.size);
    if (node.value !== null) {
      const { dtype, shape } = node.aval;
      key += `${dtype}${shape.join()};`;
      continue;
    }
    key += node.part ?? `#${idOf(node.primitive)}`;
    for (const x of node.inputs) key += ` ${places.get(x)}`;
    key += `${params(node)};`;
  }
  for (const node of outputs) key += ` ${places.get(node)}`;
  return key;
}
