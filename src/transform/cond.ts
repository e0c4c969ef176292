/** A choice between functions as one node; only the chosen one is computed. */
import { type DType, floats, isFloat } from "../ir/dtype.js";
import { interpret } from "../ir/interpret.js";
import { Node, type Primitive, avalsOf } from "../ir/node.js";
import { Graph } from "../ir/graph.js";
import { type Aval, sameAval, show } from "../ir/shape.js";
import { substitute } from "../ir/rewrite.js";
import { lessEqual, mul, select } from "../primitive/arithmetic.js";
import { add, broadcast } from "../primitive/define.js";
import { fillLike } from "../primitive/leaf.js";
import { avals, refusal } from "../primitive/ndarray.js";
import { range } from "../util/arrays.js";
import { DTypeError, ShapeError } from "../util/errors.js";
import {
  batchGraphTo,
  dense,
  type Derived,
  jvpGraph,
  replaceInputs,
  sparse,
  trace,
  traceClosed,
  vjpGraph,
  zeros,
} from "./graphs.js";

/** The bodies take the operands and give results of the same dtypes and shapes. */
export interface Cond {
  readonly bodies: readonly Graph[];
}

const list = (values: readonly Aval[]): string => values.map(show).join(", ");

export const condPrimitive: Primitive<Cond> = {
  name: "cond",
  infer([selector], { bodies }) {
    if (selector.shape.length !== 0 || isFloat(selector.dtype))
      throw new DTypeError(
        `cond: the condition must be a bool or int32 scalar, got ${show(selector)}. reduce it, or use where for element-wise choice`,
      );
    const [first, ...others] = bodies.map((b) => avalsOf(b.outputs));
    for (const other of others)
      if (other.length !== first.length || other.some((y, i) => !sameAval(y, first[i])))
        throw new ShapeError(
          `cond: the branches must give the same dtypes and shapes, got (${list(first)}) and (${list(other)}). convert or reshape one`,
        );
    return first;
  },
  vjp(node, cotangents) {
    const [selector, ...operands] = node.inputs;
    const seeds = cotangents.flatMap((g, i) => (isFloat(node.outputs[i].dtype) ? [g ?? zeros(node.outputs[i])] : []));
    const derived = node.params.bodies.map(vjpGraph);
    const { bodies, positions } = aligned(derived, avalsOf(operands));
    if (positions.length === 0) return node.inputs.map(() => null);
    const values = condNodes(selector, bodies, [...operands, ...seeds]);
    return [null, ...dense({ positions, values }, operands.length)];
  },
  jvp(node, [, ...tangents]) {
    const [selector, ...operands] = node.inputs;
    const active = tangents.map((t) => t !== null);
    const derived = node.params.bodies.map((b) => jvpGraph(b, active));
    const { bodies, positions } = aligned(derived, node.outputs);
    if (positions.length === 0) return node.outputs.map(() => null);
    const values = condNodes(selector, bodies, [...operands, ...sparse(tangents).values]);
    return dense({ positions, values }, node.outputs.length);
  },
  batch([selector, ...operands], [chooses, ...flags], size, { bodies }) {
    const everyOutput = bodies[0].outputs.map(() => true);
    const batched = bodies.map((b) => batchGraphTo(b, flags, size));
    if (!chooses) return condNodes(selector, batched, operands);
    // Each element chooses for itself: all branches are computed.
    const results = batched.map((b) => substitute(b, operands));
    return range(everyOutput.length).map((i) =>
      results
        .map((r) => r[i])
        .reduceRight((rest, here, k) => {
          // An integer is clamped: what is at most 0 chooses body 0, what is beyond the end the last.
          const chosen = selector.dtype === "bool" ? selector : lessEqual(selector, fillLike(selector, k));
          const first = selector.dtype === "bool" ? rest : here;
          const second = selector.dtype === "bool" ? here : rest;
          return select(broadcast(chosen, here.shape, [0]), first, second);
        }),
    );
  },
  lower: (_inputs, { bodies }) => ({ form: "branch", bodies }),
  reference([selector, ...operands], { bodies }) {
    const chosen = Math.min(Math.max(selector.data[0], 0), bodies.length - 1);
    return interpret(bodies[chosen].inputs, bodies[chosen].outputs, operands);
  },
  samples: floats.flatMap((dtype) => [
    condSample(dtype, "bool", 0),
    condSample(dtype, "bool", 1),
    condSample(dtype, "int32", 2),
    condSample(dtype, "int32", -3),
    partialSample(dtype, 0),
    partialSample(dtype, 1),
  ]),
  errors: [
    refusal(
      avals("float32", [], [2]),
      condSample("float32", "bool", 0).params,
      "cond: the condition must be a bool or int32 scalar",
    ),
  ],
};

/** The outputs of a choice. A bool selector picks body 1 when true, body 0 when false. */
export const condNodes = (selector: Node, bodies: readonly Graph[], operands: readonly Node[]): readonly Node[] =>
  Node.parts(Node.apply(condPrimitive, [selector, ...operands], { bodies }));

/** A choice between functions of the same nodes; what they use from outside becomes an operand of all. */
export function cond(
  selector: Node,
  functions: readonly ((operands: readonly Node[]) => readonly Node[])[],
  operands: readonly Node[],
): readonly Node[] {
  const traced = functions.map((f) => traceClosed("cond", avalsOf(operands), f));
  const captured = [...new Set(traced.flatMap((t) => t.captured))];
  const bodies = traced.map(({ graph, captured: own }) => {
    return replaceInputs(graph, avalsOf([...operands, ...captured]), [
      ...range(operands.length),
      ...own.map((x) => operands.length + captured.indexOf(x)),
    ]);
  });
  return condNodes(selector, bodies, [...operands, ...captured]);
}

/** Derived graphs of several branches, made to give the same outputs: zeros where only another branch has one. */
function aligned(
  derived: readonly Derived[],
  avals: readonly Aval[],
): { readonly bodies: readonly Graph[]; readonly positions: readonly number[] } {
  const positions = range(avals.length).filter((p) => derived.some((d) => d.positions.includes(p)));
  const bodies = derived.map((d) => {
    const all = dense({ positions: d.positions, values: d.graph.outputs }, avals.length);
    return new Graph(
      d.graph.inputs,
      positions.map((p) => all[p] ?? zeros(avals[p])),
    );
  });
  return { bodies, positions };
}

/** x ↦ x + x or x·x. */
function condSample(dtype: DType, selector: "bool" | "int32", value: number): Primitive<Cond>["samples"][number] {
  const aval: Aval = { dtype, shape: [2] };
  const bodies = [trace([aval], ([x]) => [add(x, x)]), trace([aval], ([x]) => [mul(x, x)])];
  return { inputs: [{ dtype: selector, shape: [], values: [value] }, aval], params: { bodies } };
}

/** (x, y) ↦ (x·x, 1) or (y, y + y): neither branch depends on all operands. */
function partialSample(dtype: DType, value: number): Primitive<Cond>["samples"][number] {
  const aval: Aval = { dtype, shape: [2] };
  const bodies = [
    trace([aval, aval], ([x]) => [mul(x, x), fillLike(x, 1)]),
    trace([aval, aval], ([, y]) => [y, add(y, y)]),
  ];
  return { inputs: [{ dtype: "bool", shape: [], values: [value] }, aval, aval], params: { bodies } };
}
