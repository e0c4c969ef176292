/** Computing a graph by its primitives' `reference` rules, one node after the other, rounded to each node's dtype. */
import { zip } from "../util/arrays.js";
import { invariant } from "../util/errors.js";
import { roundTo } from "./dtype.js";
import type { NdArray, Node } from "./node.js";
import { topological } from "./rewrite.js";

/** The values of `outputs` when `inputs`, leaves of their graph, have `values`. */
export function interpret(inputs: readonly Node[], outputs: readonly Node[], values: readonly NdArray[]): NdArray[] {
  const known = new Map<Node, readonly NdArray[]>(zip(inputs, values).map(([node, x]) => [node, [x]]));
  const valueOf = (node: Node): readonly NdArray[] => {
    const found = known.get(node);
    invariant(found !== undefined, `${node.toString()} has no value`);
    return found;
  };
  for (const node of topological(outputs, (n) => !known.has(n))) {
    if (known.has(node)) continue;
    if (node.part !== null) known.set(node, [valueOf(node.inputs[0])[node.part]]);
    else {
      const args = node.inputs.map((x) => valueOf(x)[0]);
      known.set(node, applyReference(node, args));
    }
  }
  return outputs.map((node) => valueOf(node)[0]);
}

/** The results of one application, rounded to their dtypes. */
function applyReference(node: Node, args: readonly NdArray[]): readonly NdArray[] {
  const results = node.primitive.reference(args, node.params, node.outputs);
  return zip(results, node.outputs).map(([result, aval]) => ({
    shape: aval.shape,
    data: result.data.map((x) => roundTo(aval.dtype, x)),
  }));
}
