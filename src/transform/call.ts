/**
 * A function applied as one node. Transforms may treat it by its body, or by a derivative rule of its own; the compiler
 * always sees the body. Composites, `customVjp` and `checkpoint` are calls.
 */
import { type DType, floats, isFloat } from "../ir/dtype.js";
import { interpret } from "../ir/interpret.js";
import { Node, type Primitive, avalsOf } from "../ir/node.js";
import { Graph } from "../ir/graph.js";
import { substitute } from "../ir/rewrite.js";
import { sameAval, show } from "../ir/shape.js";
import { mul, sub } from "../primitive/arithmetic.js";
import { add, broadcast, sum } from "../primitive/define.js";
import { barrier } from "../primitive/leaf.js";
import { avals, refusal, sample } from "../primitive/ndarray.js";
import { zip } from "../util/arrays.js";
import { ShapeError, TraceError } from "../util/errors.js";
import {
  batchGraphTo,
  type Closed,
  dense,
  jvpGraph,
  replaceInputs,
  sparse,
  trace,
  traceClosed,
  vjpGraph,
  zeros,
} from "./graphs.js";

/** What a call carries: its graphs are closed. */
export interface Call {
  readonly label: string;
  readonly body: Graph;
  /** From inputs, outputs and cotangents of the outputs to cotangents of all inputs; `null` differentiates the body. */
  readonly rule: Graph | null;
  /** Whether the derivative computes the body again from its inputs, so that nothing inside has to be kept. */
  readonly recompute: boolean;
}

const sampleShape = [2, 3];

export const callPrimitive: Primitive<Call> = {
  name: "call",
  infer(inputs, { body, label }) {
    for (const [x, own] of zip(inputs, body.inputs))
      if (!sameAval(x, own))
        throw new ShapeError(`${label}: inputs must be as traced, ${show(own.aval)}, got ${show(x)}. trace it anew`);
    return avalsOf(body.outputs);
  },
  vjp(node, cotangents) {
    const { body, rule, recompute } = node.params;
    const seeds = cotangents.map((g, i) => g ?? zeros(node.outputs[i]));
    if (rule !== null) {
      const cts = substitute(rule, [...node.inputs, ...Node.parts(node), ...seeds]);
      return cts.map((ct, i) => (isFloat(node.inputs[i].dtype) ? ct : null));
    }
    const { graph, positions } = vjpGraph(body);
    const inputs = recompute ? node.inputs.map((x) => barrier(x, seeds[0])) : node.inputs;
    const values = substitute(graph, [...inputs, ...seeds.filter((g) => isFloat(g.dtype))]);
    return dense({ positions, values }, inputs.length);
  },
  jvp(node, tangents) {
    const { graph, positions } = jvpGraph(
      node.params.body,
      tangents.map((t) => t !== null),
    );
    const values = substitute(graph, [...node.inputs, ...sparse(tangents).values]);
    return dense({ positions, values }, node.outputs.length);
  },
  batch(inputs, flags, size, call) {
    const everyOutput = call.body.outputs.map(() => true);
    const body = batchGraphTo(call.body, flags, size);
    const rule = call.rule && batchRule(call.rule, flags, [...flags, ...everyOutput, ...everyOutput], size);
    return Node.parts(Node.apply(callPrimitive, inputs, { ...call, body, rule }));
  },
  lower: (_inputs, { body }) => ({ form: "inline", body }),
  reference: (inputs, { body }) => interpret(body.inputs, body.outputs, inputs),
  samples: floats.flatMap((dtype) =>
    [false, true].map((recompute) => sample(dtype, [sampleShape, sampleShape], sampleCall(dtype, recompute))),
  ),
  errors: [refusal(avals("float32", [2], [2]), sampleCall("float32", false), "sample: inputs must be as traced")],
};

/** The cotangent of an input that all elements of the batch share is the sum over them. */
function batchRule(rule: Graph, inputs: readonly boolean[], flags: readonly boolean[], size: number): Graph {
  const batched = batchGraphTo(rule, flags, size);
  const outputs = batched.outputs.map((ct, i) => (inputs[i] ? ct : sum(ct, [0])));
  return new Graph(batched.inputs, outputs);
}

/** (x, y) ↦ (x·y, Σ (x - y)²), with its derivative written out or left to the body. */
function sampleCall(dtype: DType, withRule: boolean): Call {
  const aval = { dtype, shape: [2, 3] };
  const body = trace([aval, aval], ([x, y]) => [mul(x, y), sum(mul(sub(x, y), sub(x, y)), [1])]);
  const written = trace([aval, aval, ...avalsOf([...body.outputs, ...body.outputs])], ([x, y, , , g, h]) => {
    const difference = sub(x, y);
    const spreadH = broadcast(h, x.shape, [0]);
    const twice = mul(spreadH, add(difference, difference));
    return [add(mul(g, y), twice), sub(mul(g, x), twice)];
  });
  return { label: "sample", body, rule: withRule ? written : null, recompute: !withRule };
}

/** A function of nodes, with a derivative of its own: `rule` gets inputs, outputs and cotangents of the outputs. */
export function call(
  label: string,
  inputs: readonly Node[],
  f: (inputs: readonly Node[]) => readonly Node[],
  options: {
    readonly rule?: (inputs: readonly Node[], outputs: readonly Node[], cotangents: readonly Node[]) => readonly Node[];
    readonly recompute?: boolean;
  },
): readonly Node[] {
  const { rule, recompute = false } = options;
  const { graph, captured } = traceClosed(label, avalsOf(inputs), f);
  if (rule === undefined)
    return Node.parts(
      Node.apply(callPrimitive, [...inputs, ...captured], { label, body: graph, rule: null, recompute }),
    );
  const derived = traceRule(label, graph, inputs.length, rule);
  const outside = [...captured, ...derived.captured];
  const variable = outside.find((x) => isFloat(x.dtype) && x.scopes.some((scope) => scope.live));
  if (variable !== undefined)
    throw new TraceError(
      `${label}: a function with a derivative rule must only use its arguments and constants, got ${show(variable.aval)} from an enclosing ${variable.scopes[0].name}. pass it as an argument`,
    );
  const body = replaceInputs(
    graph,
    avalsOf([...inputs, ...outside]),
    graph.inputs.map((_, i) => i),
  );
  return Node.parts(
    Node.apply(callPrimitive, [...inputs, ...outside], { label, body, rule: derived.graph, recompute }),
  );
}

/**
 * The rule as a closed graph over the body's inputs, what the rule itself uses from outside, outputs and cotangents. What
 * comes from outside gets no derivative from it.
 */
function traceRule(
  label: string,
  body: Graph,
  given: number,
  rule: (inputs: readonly Node[], outputs: readonly Node[], cotangents: readonly Node[]) => readonly Node[],
): Closed {
  const [n, edge] = [body.inputs.length, body.inputs.length + body.outputs.length];
  const all = avalsOf([...body.inputs, ...body.outputs, ...body.outputs]);
  const { graph, captured } = traceClosed(label, all, (holes) => {
    const own = holes.slice(0, given);
    const cts = rule(own, holes.slice(n, edge), holes.slice(edge));
    for (const [x, ct] of zip(own, cts))
      if (!sameAval(x, ct))
        throw new ShapeError(
          `${label}: a cotangent must be as its input, ${show(x.aval)}, got ${show(ct.aval)}. sum, broadcast or convert it`,
        );
    return cts;
  });
  const inputs = [...graph.inputs.slice(0, n), ...graph.inputs.slice(all.length), ...graph.inputs.slice(n, all.length)];
  const constants = [...body.inputs.slice(given), ...captured];
  return { graph: new Graph(inputs, [...graph.outputs, ...constants.map((x) => zeros(x.aval))]), captured };
}
