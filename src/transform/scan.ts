/** A loop as one node: a carried state, a slice of each sequence in, a slice of each result out. */
import { type DType, floats, isFloat } from "../ir/dtype.js";
import { interpret } from "../ir/interpret.js";
import { type NdArray, Node, type Primitive, avalsOf } from "../ir/node.js";
import { Graph } from "../ir/graph.js";
import { substitute } from "../ir/rewrite.js";
import { s } from "../ir/scalar.js";
import { type Aval, type Shape, sameAval, show, sizeOf } from "../ir/shape.js";
import { convert, mul, sub } from "../primitive/arithmetic.js";
import { add, broadcast } from "../primitive/define.js";
import { fillLike } from "../primitive/leaf.js";
import { moveAxis } from "../primitive/movement.js";
import { avals, refusal } from "../primitive/ndarray.js";
import { range } from "../util/arrays.js";
import { ShapeError } from "../util/errors.js";
import { dependents, stretch } from "./passes.js";
import { batchGraph, batchGraphTo, dense, jvpLoop, trace, traceClosed, vjpGraph, zeros } from "./graphs.js";

/**
 * `body` maps (constants, carry, a slice of each sequence) to (carry, a slice of each result) and runs `length` times,
 * from the last slice to the first when `reverse`.
 */
export interface Scan {
  readonly body: Graph;
  readonly length: number;
  readonly reverse: boolean;
  readonly constants: number;
  readonly carries: number;
  /** How many of the last results are there for a reverse pass to use: entering carries, then sums. */
  readonly saved: number;
}

/** The three groups that inputs of a scan, or of its body, consist of. */
function groups<T>(all: readonly T[], { constants, carries }: Scan): [T[], T[], T[]] {
  return [all.slice(0, constants), all.slice(constants, constants + carries), all.slice(constants + carries)];
}
const stackedAval = (x: Aval, length: number): Aval => ({ dtype: x.dtype, shape: [length, ...x.shape] });

export const scanPrimitive: Primitive<Scan> = {
  name: "scan",
  infer(inputs, scan) {
    const { body, length, carries } = scan;
    const [, carry, sequences] = groups(avalsOf(body.inputs), scan);
    const [, , given] = groups(inputs, scan);
    given.forEach((x, i) => {
      if (!sameAval(x, stackedAval(sequences[i], length)))
        throw new ShapeError(
          `scan: sequence ${i} must be ${show(stackedAval(sequences[i], length))}, got ${show(x)}. all sequences have one length`,
        );
    });
    carry.forEach((x, i) => {
      const next = body.outputs[i].aval;
      if (!sameAval(x, next))
        throw new ShapeError(
          `scan: the carried state must keep its dtype and shape, got ${show(x)} and then ${show(next)}. convert or reshape it`,
        );
    });
    const results = body.outputs.slice(carries).map((y) => stackedAval(y.aval, length));
    return [...carry, ...results];
  },
  vjp: scanVjp,
  jvp: scanJvp,
  batch(inputs, flags, size, scan) {
    const [constants, carry, sequences] = groups(inputs, scan);
    const [constantFlags, carryStart, sequenceFlags] = groups(flags, scan);
    const carryFlags = settledFlags(scan, constantFlags, carryStart, sequenceFlags, size);
    const all = [...constantFlags, ...carryFlags, ...sequenceFlags];
    const body = batchGraphTo(
      scan.body,
      all,
      size,
      scan.body.outputs.map((_, i) => i >= scan.carries || carryFlags[i]),
    );
    const results = scanNodes(
      { ...scan, body, saved: 0 },
      constants,
      carry.map((node, i) => (carryFlags[i] ? stretch({ node, batched: carryStart[i] }, size) : node)),
      sequences.map((x, i) => (sequenceFlags[i] ? moveAxis(x, 0, 1) : x)),
    );
    return results.map((y, i) =>
      i < scan.carries ? stretch({ node: y, batched: carryFlags[i] }, size) : moveAxis(y, 1, 0),
    );
  },
  lower: (_inputs, { body, length, reverse, constants, carries }) => ({
    form: "loop",
    body,
    length,
    reverse,
    constants,
    carries,
  }),
  reference: scanReference,
  samples: floats.flatMap((dtype) => [
    scanSample(dtype, 4, false),
    scanSample(dtype, 3, true),
    scanSample(dtype, 0, false),
    countingSample(dtype),
  ]),
  errors: [
    refusal(
      avals("float32", [2], [2], [5, 2]),
      scanSample("float32", 4, false).params,
      "scan: sequence 0 must be float32[4,2], got float32[5,2]",
    ),
  ],
};

/** The outputs of a scan: last carry, then the stacked results. */
export const scanNodes = (
  scan: Scan,
  constants: readonly Node[],
  carry: readonly Node[],
  sequences: readonly Node[],
): readonly Node[] => Node.parts(Node.apply(scanPrimitive, [...constants, ...carry, ...sequences], scan));

/** A scan of a function of nodes; what it uses from outside becomes a constant. */
export function scan(
  f: (
    carry: readonly Node[],
    slices: readonly Node[],
  ) => { readonly carry: readonly Node[]; readonly results: readonly Node[] },
  initial: readonly Node[],
  sequences: readonly Node[],
  options: { readonly length: number; readonly reverse: boolean },
): { readonly carry: readonly Node[]; readonly results: readonly Node[] } {
  const { length, reverse } = options;
  const slices = sequences.map((x): Aval => ({ dtype: x.dtype, shape: x.shape.slice(1) }));
  const { graph, captured } = traceClosed("scan", [...avalsOf(initial), ...slices], (holes) => {
    const { carry, results } = f(holes.slice(0, initial.length), holes.slice(initial.length));
    return [...carry, ...results];
  });
  const given = initial.length + slices.length;
  const body = new Graph([...graph.inputs.slice(given), ...graph.inputs.slice(0, given)], graph.outputs);
  const params = saving({ body, length, reverse, constants: captured.length, carries: initial.length, saved: 0 });
  const outputs = scanNodes(params, captured, initial, sequences);
  return { carry: outputs.slice(0, initial.length), results: outputs.slice(initial.length, graph.outputs.length) };
}

/** Which carries are batched once a batched one has reached all it influences. */
function settledFlags(
  scan: Scan,
  constants: readonly boolean[],
  start: readonly boolean[],
  sequences: readonly boolean[],
  size: number,
): readonly boolean[] {
  let flags = start;
  for (;;) {
    const found = batchGraph(scan.body, [...constants, ...flags, ...sequences], size).flags;
    const next = flags.map((f, i) => f || found[i]);
    if (next.every((f, i) => f === flags[i])) return flags;
    flags = next;
  }
}

function scanJvp(node: Node<Scan>, tangents: readonly (Node | null)[]): readonly (Node | null)[] {
  const scan = node.params;
  const { body, inputs, tangentsIn } = jvpLoop(scan.body, scan, node.inputs, tangents);
  const [constants, carry, sequences] = inputs;
  const both = { ...scan, body, constants: constants.length, carries: carry.length, saved: 0 };
  return tangentsIn(scanNodes(both, constants, carry, sequences));
}

/** Whether a node sums, or otherwise folds, many elements into each of its own: dearer to compute again than to keep. */
const folds = ({ primitive, inputs, params, outputs }: Node): boolean =>
  primitive.lower(
    inputs.map(({ dtype, shape }) => ({ dtype, shape, at: (index) => s.load(dtype, 0, index) })),
    params,
    outputs,
  ).form === "reduce";

/** The scan with what the reverse pass uses of each step as further results. Programs leave out those nobody reads. */
function saving(scan: Scan): Scan {
  const { inputs, outputs } = scan.body;
  const [, carry] = groups(inputs, scan);
  const own = dependents(inputs.slice(scan.constants), outputs);
  const kept = [...carry, ...own.filter((x) => x.part === null && !x.isInput && folds(x))];
  return { ...scan, body: new Graph(inputs, [...outputs, ...kept]), saved: kept.length };
}

/** Runs the loop the other way round, each step pulling its cotangents back through a body that is partly recomputed. */
function scanVjp(node: Node<Scan>, cotangents: readonly (Node | null)[]): readonly (Node | null)[] {
  const scan = node.params.saved > 0 ? node.params : saving(node.params);
  const { body, carries, saved } = scan;
  const [constants, initial, sequences] = groups(node.inputs, scan);
  const forward = scan === node.params ? Node.parts(node) : scanNodes(scan, constants, initial, sequences);
  const kept = body.outputs.slice(body.outputs.length - saved);
  const wanted = range(body.outputs.length).filter((i) => i < carries || (cotangents[i] ?? null) !== null);
  const read = wanted.map((i) => body.outputs[i]);
  const derived = vjpGraph(new Graph(body.inputs, read));
  const floatsOf = (nodes: readonly Node[], offset: number) =>
    nodes.flatMap((x, i) => (isFloat(x.dtype) ? [offset + i] : []));
  const edge = constants.length + carries;
  const constantAt = floatsOf(constants, 0);
  const carryAt = floatsOf(node.inputs.slice(constants.length, edge), constants.length);
  const sequenceAt = floatsOf(sequences, edge);
  const resultAt = wanted.filter((i) => i >= carries && isFloat(body.outputs[i].dtype));
  const inputAval = (i: number) => body.inputs[i].aval;
  const avals = [
    ...avalsOf(constants),
    ...carryAt.map(inputAval), // cotangents of the carry
    ...constantAt.map(inputAval), // sums of the cotangents of the constants
    ...avalsOf([...kept, ...body.inputs.slice(edge)]), // entering carry and sums, slices
    ...resultAt.map((i) => body.outputs[i].aval), // cotangents of the result slices
  ];
  const back = trace(avals, (holes) => {
    const take = cutter(holes);
    const c = take(constants.length);
    const carryCt = take(carryAt.length);
    const totals = take(constantAt.length);
    const [carry, sums] = [take(carries), take(saved - carries)];
    const given = [...c, ...carry, ...take(sequences.length), ...carryCt, ...take(resultAt.length)];
    const graph = new Graph([...derived.graph.inputs, ...kept.slice(carries)], derived.graph.outputs);
    const values = substitute(graph, [...given, ...sums]);
    const cts = dense({ positions: derived.positions, values }, body.inputs.length);
    const at = (i: number) => cts[i] ?? zeros(inputAval(i));
    return [...carryAt.map(at), ...constantAt.map((i, k) => add(totals[k], at(i))), ...sequenceAt.map(at)];
  });
  const ctOf = (i: number) => cotangents[i] ?? zeros(node.outputs[i]);
  const outputs = scanNodes(
    {
      body: back,
      length: scan.length,
      reverse: !scan.reverse,
      constants: constants.length,
      carries: carryAt.length + constantAt.length,
      saved: 0,
    },
    constants,
    [...carryAt.map((i) => ctOf(i - constants.length)), ...constantAt.map((i) => zeros(node.inputs[i].aval))],
    [...forward.slice(forward.length - saved), ...sequences, ...resultAt.map(ctOf)],
  );
  return dense({ positions: [...carryAt, ...constantAt, ...sequenceAt], values: outputs }, node.inputs.length);
}

/** Takes the next few elements of a list, again and again. */
function cutter<T>(all: readonly T[]): (count: number) => T[] {
  let start = 0;
  return (count) => all.slice(start, (start += count));
}

function scanReference(inputs: readonly NdArray[], scan: Scan): readonly NdArray[] {
  const { body, length, carries, reverse } = scan;
  const [constants, initial, sequences] = groups(inputs, scan);
  const results = body.outputs.slice(carries).map((y) => ({
    shape: [length, ...y.shape] as Shape,
    data: new Float64Array(length * sizeOf(y.shape)),
  }));
  let carry = initial;
  for (const step of range(length)) {
    const t = reverse ? length - 1 - step : step;
    const slices = sequences.map(({ shape, data }) => {
      const size = sizeOf(shape.slice(1));
      return { shape: shape.slice(1), data: data.slice(t * size, (t + 1) * size) };
    });
    const outputs = interpret(body.inputs, body.outputs, [...constants, ...carry, ...slices]);
    carry = outputs.slice(0, carries);
    results.forEach((y, i) => y.data.set(outputs[carries + i].data, t * outputs[carries + i].data.length));
  }
  return [...carry, ...results];
}

/** h ↦ w·h + x with results h - x. */
function scanSample(dtype: DType, length: number, reverse: boolean): Primitive<Scan>["samples"][number] {
  const aval: Aval = { dtype, shape: [2] };
  const body = trace([aval, aval, aval], ([w, h, x]) => {
    const next = add(mul(w, h), x);
    return [next, sub(next, mul(x, h))];
  });
  return {
    inputs: [aval, aval, stackedAval(aval, length)],
    params: { body, length, reverse, constants: 1, carries: 1, saved: 0 },
  };
}

/** (n, s, m) ↦ (n + 1, s·x + n, m) over slices x and k, with results s, m·k and a constant. */
function countingSample(dtype: DType): Primitive<Scan>["samples"][number] {
  const [float, int]: Aval[] = [
    { dtype, shape: [2] },
    { dtype: "int32", shape: [] },
  ];
  const body = trace([int, float, float, float, float], ([n, s, m, x, k]) => [
    add(n, fillLike(n, 1)),
    add(mul(s, x), broadcast(convert(n, dtype), [2], [])),
    m,
    s,
    mul(m, k),
    fillLike(s, 7),
  ]);
  return {
    inputs: [int, float, float, stackedAval(float, 3), stackedAval(float, 3)],
    params: { body, length: 3, reverse: false, constants: 0, carries: 3, saved: 0 },
  };
}
