/** Loops whose length depends on values, and prefixes of associative operations. */
import type { Device, Executable } from "../backend/backend.js";
import { hostArray } from "../ir/dtype.js";
import { Graph } from "../ir/graph.js";
import { interpret } from "../ir/interpret.js";
import { type NdArray, Node, type Primitive, avalsOf } from "../ir/node.js";
import { substitute } from "../ir/rewrite.js";
import { normalizeAxis, sameAval, show } from "../ir/shape.js";
import { select } from "../primitive/arithmetic.js";
import { broadcast } from "../primitive/define.js";
import { any } from "../primitive/reduction.js";
import { prefixes } from "../tensor/cumulative.js";
import { getDevice } from "../tensor/device.js";
import type { Tensor } from "../tensor/tensor.js";
import { batchGraphTo, jvpLoop, replaceInputs, trace, traceClosed } from "../transform/graphs.js";
import { stretch } from "../transform/passes.js";
import { leaves, unflatten } from "../tree/index.js";
import { range, zip } from "../util/arrays.js";
import { ArgumentError, DTypeError, ShapeError, TraceError, shown } from "../util/errors.js";
import { cond, scan } from "./custom.js";
import { nodesOf, withNodes } from "./marks.js";
import { vmap } from "./vmap.js";

/** Both graphs take (constants, carry): `condition` gives a bool, `body` the next carry. */
interface While {
  readonly condition: Graph;
  readonly body: Graph;
  readonly constants: number;
}

/**
 * `body` applied as long as `condition` holds. How long that is no compiled loop can say in advance, so the host turns it:
 * each turn is one program on the current device.
 */
const whilePrimitive: Primitive<While> = {
  name: "while",
  infer(inputs, { condition, body, constants }) {
    const [test] = condition.outputs;
    if (test.dtype !== "bool" || test.shape.length > 0)
      throw new DTypeError(
        `whileLoop: the condition must give a bool scalar, got ${show(test.aval)}. compare, and reduce with any or all`,
      );
    const carry = inputs.slice(constants);
    if (carry.length !== body.outputs.length)
      throw new ArgumentError(
        `whileLoop: the body must return as many tensors as it is given, got ${carry.length} and then ${body.outputs.length}. return the whole state`,
      );
    for (const [x, y] of zip(carry, body.outputs))
      if (!sameAval(x, y))
        throw new ShapeError(
          `whileLoop: the state must keep its dtypes and shapes, got ${show(x)} and then ${show(y.aval)}. convert or reshape it`,
        );
    return carry;
  },
  vjp() {
    throw new TraceError(
      "whileLoop: reverse mode needs to know how many steps there may be, got a loop without maxIterations. pass { maxIterations }, or use scan",
    );
  },
  jvp(node, tangents) {
    const { condition, body, constants } = node.params;
    const carries = node.inputs.length - constants;
    const derived = jvpLoop(body, { constants, carries }, node.inputs, tangents);
    const start = derived.inputs[0].length;
    const all = derived.inputs.flat();
    const primal = [...range(constants), ...range(carries).map((i) => start + i)];
    const avals = avalsOf(all);
    const test = replaceInputs(condition, avals, primal);
    return derived.tangentsIn(whileNodes({ condition: test, body: derived.body, constants: start }, all));
  },
  // as long as any element goes on; those that have stopped keep their state
  batch(inputs, flags, size, { condition, body, constants }) {
    const all = inputs.map((node, i) => (i < constants ? node : stretch({ node, batched: flags[i] }, size)));
    const batched = flags.map((flag, i) => i >= constants || flag);
    const test = batchGraphTo(condition, batched, size);
    const turn = batchGraphTo(body, batched, size);
    const avals = avalsOf(all);
    const goesOn = trace(avals, (xs) => [any(substitute(test, xs)[0], [0])]);
    const next = trace(avals, (xs) => {
      const [own] = substitute(test, xs);
      return substitute(turn, xs).map((y, i) => select(broadcast(own, y.shape, [0]), y, xs[constants + i]));
    });
    return whileNodes({ condition: goesOn, body: next, constants }, all);
  },
  lower: (_inputs, params) => ({ form: "routine", run: turning(params) }),
  reference(inputs, { condition, body, constants }) {
    const consts = inputs.slice(0, constants);
    let carry: readonly NdArray[] = inputs.slice(constants);
    const holds = () => interpret(condition.inputs, condition.outputs, [...consts, ...carry])[0].data[0] !== 0;
    while (holds()) carry = interpret(body.inputs, body.outputs, [...consts, ...carry]);
    return carry;
  },
  samples: [],
  errors: [],
};

const whileNodes = (params: While, inputs: readonly Node[]): readonly Node[] =>
  Node.parts(Node.apply(whilePrimitive, inputs, params));

/** What a loop runs on a device: a program for the first test, and one for a turn and the next test. */
interface Programs {
  readonly first: Executable;
  readonly step: Executable;
}

function programsOf(device: Device, { condition, body, constants }: While): Programs {
  const turn = trace(avalsOf(body.inputs), (xs) => {
    const next = substitute(body, xs);
    return [...next, ...substitute(condition, [...xs.slice(0, constants), ...next])];
  });
  const isCarry = body.inputs.map((_, i) => i >= constants);
  return {
    first: device.prepare({ ...condition, donated: isCarry.map(() => false) }),
    step: device.prepare({ ...turn, donated: isCarry }),
  };
}

/** The loop on the current device, whose programs are kept for the next run. */
function turning(loop: While): (inputs: readonly NdArray[]) => readonly NdArray[] {
  const programs = new Map<Device, Programs>();
  return (inputs) => {
    const device = getDevice();
    const known = programs.get(device) ?? programsOf(device, loop);
    programs.set(device, known);
    return turned(inputs, loop, device, known);
  };
}

function turned(
  inputs: readonly NdArray[],
  { body, constants }: While,
  device: Device,
  { first, step }: Programs,
): readonly NdArray[] {
  const given = inputs.map((x, i) => {
    const { dtype, shape } = body.inputs[i];
    const data = hostArray(dtype, x.data.length);
    data.set(x.data);
    return device.upload({ device: "host", dtype, shape, data });
  });
  const consts = given.slice(0, constants);
  let state = [...given.slice(constants), ...first.run(given)];
  const count = state.length - 1;
  while (device.read(state[count])[0] !== 0) state = [...step.run([...consts, ...state.slice(0, count)])];
  const results = state
    .slice(0, count)
    .map((x): NdArray => ({ shape: x.shape, data: Float64Array.from(device.read(x)) }));
  for (const x of [...state, ...consts]) x.free();
  return results;
}

export interface WhileOptions {
  /** The loop ends after so many steps at the latest. Reverse mode needs it: the steps are then a scan. */
  readonly maxIterations?: number;
}

/**
 * `while (condition(state)) state = body(state)` for a state that is a tree of tensors of fixed dtypes and shapes. Under
 * `vmap` every element stops for itself. Forward mode always works; reverse mode with `maxIterations`, and is a
 * `TraceError` without.
 */
export function whileLoop<C>(
  condition: (state: C) => Tensor,
  body: (state: C) => C,
  initial: C,
  options: WhileOptions = {},
): C {
  const { maxIterations } = options;
  if (maxIterations !== undefined) return boundedLoop(condition, body, initial, maxIterations);
  const carry = nodesOf(initial);
  const avals = avalsOf(carry);
  const test = traceClosed("whileLoop", avals, (xs) => nodesOf(condition(withNodes(initial, xs))));
  const turn = traceClosed("whileLoop", avals, (xs) => nodesOf(body(withNodes(initial, xs))));
  const captured = [...new Set([...test.captured, ...turn.captured])];
  const all = [...captured, ...carry];
  const own = range(carry.length).map((i) => captured.length + i);
  const graphs = [test, turn].map((t) =>
    replaceInputs(t.graph, avalsOf(all), [...own, ...t.captured.map((x) => captured.indexOf(x))]),
  );
  return withNodes(initial, whileNodes({ condition: graphs[0], body: graphs[1], constants: captured.length }, all));
}

function boundedLoop<C>(condition: (state: C) => Tensor, body: (state: C) => C, initial: C, length: number): C {
  if (!Number.isInteger(length) || length < 0)
    throw new ArgumentError(
      `whileLoop: maxIterations must be a non-negative integer, got ${shown(length)}. round it, or leave it out`,
    );
  const step = (state: C): [C, []] => [cond(condition(state), body, (x: C) => x, state), []];
  return scan<C, [], []>(step, initial, [], { length })[0];
}

export interface AssociativeScanOptions {
  /** The axis along which elements follow each other; 0 unless given. */
  readonly axis?: number;
  /** From the last element to the first. */
  readonly reverse?: boolean;
}

/**
 * All prefixes `x₀, x₀∘x₁, x₀∘x₁∘x₂, …` of an associative operation on trees, in log n steps: `join(a, b)` gets two
 * elements (slices along the axis) and returns one like them. With `reverse` the suffixes, `join` still getting what was
 * joined before as its first argument.
 */
export function associativeScan<T>(join: (a: T, b: T) => T, elements: T, options: AssociativeScanOptions = {}): T {
  const { reverse = false } = options;
  const xs = leaves(elements);
  const axes = xs.map((x) => normalizeAxis("associativeScan", options.axis ?? 0, x.node.aval));
  const lengths = new Set(xs.map((x, i) => x.shape[axes[i]]));
  if (lengths.size !== 1)
    throw new ShapeError(
      `associativeScan: elements must have one length along the axis, got ${xs.map((x) => x.describe()).join(", ") || "none"}. cut them`,
    );
  const fronts = xs.map((x, i) => x.moveAxis(axes[i], 0)).map((x) => (reverse ? x.flip(0) : x));
  const mapped = vmap((a: T, b: T) => join(a, b));
  const all = prefixes((a, b) => leaves(mapped(unflatten(elements, a), unflatten(elements, b))), fronts);
  return unflatten(
    elements,
    all.map((y, i) => (reverse ? y.flip(0) : y).moveAxis(0, axes[i])),
  );
}
