/** Graphs as data: tracing them, closing them over what they use, and deriving new ones from them. */
import type { Node, Scope } from "../ir/node.js";
import { detached, Graph } from "../ir/graph.js";
import { substitute, topological } from "../ir/rewrite.js";
import type { Aval } from "../ir/shape.js";
import { isFloat } from "../ir/dtype.js";
import { range } from "../util/arrays.js";
import { invariant } from "../util/errors.js";
import { fill, hole, placeholder } from "../primitive/leaf.js";
import { backward, batch, type Batched, dependents, forward, stretch } from "./passes.js";

/** Traces a function of nodes into a graph. */
export function trace(avals: readonly Aval[], f: (inputs: readonly Node[]) => readonly Node[]): Graph {
  const inputs = avals.map((aval, i) => hole(aval, `x${i}`));
  return new Graph(inputs, f(inputs));
}

/** A graph that names everything it uses, and what it took from outside for its last inputs. */
export interface Closed {
  readonly graph: Graph;
  readonly captured: readonly Node[];
}

/** Traces a user's function, inside which values cannot be read, into a graph that names everything it uses. */
export function traceClosed(
  name: string,
  avals: readonly Aval[],
  f: (inputs: readonly Node[]) => readonly Node[],
): Closed {
  const scope: Scope = { name, abstract: true, live: true };
  const inputs = avals.map((aval, i) => placeholder(aval, `argument ${i} of ${name}`, scope));
  try {
    return closed(new Graph(inputs, f(inputs)));
  } finally {
    scope.live = false;
  }
}

/**
 * The graph with what it uses from outside as further inputs, appended, so that no transform can overlook it. Nodes that
 * need no data (numbers, counters and what follows from them) are copied inside: nobody else can settle or free them.
 */
function closed(graph: Graph): Closed {
  const given = new Set(graph.inputs);
  const inner = new Set([...graph.inputs, ...dependents(graph.inputs, graph.outputs)]);
  const withData = new Set<Node>();
  const captured = new Set<Node>();
  for (const node of topological(graph.outputs, (n) => !given.has(n) && n.value === null)) {
    if (inner.has(node)) node.inputs.forEach((x) => withData.has(x) && captured.add(x));
    else if (isData(node) || node.inputs.some((x) => withData.has(x))) withData.add(node);
  }
  graph.outputs.forEach((y) => withData.has(y) && captured.add(y));
  const all = [...graph.inputs, ...captured];
  return { graph: detached(all, graph.outputs, (x) => hole(x.aval, "input")), captured: [...captured] };
}

const isData = (x: Node): boolean => x.value !== null || x.isInput;

/** `outputs` with `images` in place of `sources`. */
export function replace(outputs: readonly Node[], sources: readonly Node[], images: readonly Node[]): Node[] {
  return substitute(new Graph(sources, outputs), images);
}

/** Zeros of a dtype and shape. */
export const zeros = (aval: Aval): Node => fill(0, aval.dtype, aval.shape);

/** Which of several values are there, and those. */
export interface Sparse<T> {
  readonly positions: readonly number[];
  readonly values: readonly T[];
}
export function sparse<T>(all: readonly (T | null)[]): Sparse<T> {
  const values: T[] = [];
  const positions: number[] = [];
  all.forEach((x, i) => {
    if (x === null) return;
    values.push(x);
    positions.push(i);
  });
  return { positions, values };
}

/** The inverse of `sparse`. */
export function dense<T>({ positions, values }: Sparse<T>, length: number): (T | null)[] {
  const all = new Array<T | null>(length).fill(null);
  positions.forEach((p, i) => (all[p] = values[i]));
  return all;
}

/** A derived graph, and which inputs or outputs of the original its outputs belong to. */
export interface Derived {
  readonly graph: Graph;
  readonly positions: readonly number[];
}

/** From inputs of `body` and cotangents of its float outputs to the cotangents, where they are not zero, of its inputs. */
export function vjpGraph(body: Graph): Derived {
  const seeds = body.outputs.map((y, i) => (isFloat(y.dtype) ? hole(y.aval, `ct${i}`) : null));
  const { positions, values } = sparse(backward(body.outputs, seeds, body.inputs));
  return { graph: new Graph([...body.inputs, ...sparse(seeds).values], values), positions };
}

/** From inputs of `body` and tangents of those that are `active` to the non-zero tangents of its outputs. */
export function jvpGraph(body: Graph, active: readonly boolean[]): Derived {
  const seeds = body.inputs.map((x, i) => (active[i] ? hole(x.aval, `t${i}`) : null));
  const { positions, values } = sparse(forward(body.outputs, body.inputs, seeds));
  return { graph: new Graph([...body.inputs, ...sparse(seeds).values], values), positions };
}

/**
 * A loop's body together with its derivative: each group of inputs (constants, carry, sequences), with the tangents of those
 * that have any behind it, to each group of outputs (carry, results) with theirs. Carried floats always have tangents, which
 * may come to them from the others.
 */
export function jvpLoop(
  body: Graph,
  { constants, carries }: { readonly constants: number; readonly carries: number },
  inputs: readonly Node[],
  tangents: readonly (Node | null)[],
) {
  const ins = [constants, constants + carries, inputs.length];
  const outs = [carries, body.outputs.length];
  const isCarry = (i: number): boolean => i >= ins[0] && i < ins[1];
  const isActive = inputs.map((x, i) => isFloat(x.dtype) && (tangents[i] !== null || isCarry(i)));
  const derived = jvpGraph(body, isActive);
  const found = dense({ positions: derived.positions, values: derived.graph.outputs }, body.outputs.length);
  const active = range(inputs.length).filter((i) => isActive[i]);
  const floats = range(body.outputs.length).filter((i) => isFloat(body.outputs[i].dtype));
  /** Groups that end at `ends`, each followed by what belongs to its `positions`. */
  const grouped = <T>(ends: readonly number[], all: readonly T[], positions: readonly number[], more: readonly T[]) =>
    ends.map((end, k) => {
      const start = k === 0 ? 0 : ends[k - 1];
      return [...all.slice(start, end), ...more.filter((_, j) => positions[j] >= start && positions[j] < end)];
    });
  const dxs = active.map((i) => tangents[i] ?? zeros(inputs[i].aval));
  const dys = floats.map((i) => found[i] ?? zeros(body.outputs[i].aval));
  const places = sparse(grouped<number | null>(outs, new Array(body.outputs.length).fill(null), floats, floats).flat());
  return {
    body: new Graph(
      grouped(ins, body.inputs, active, derived.graph.inputs.slice(inputs.length)).flat(),
      grouped(outs, body.outputs, floats, dys).flat(),
    ),
    inputs: grouped(ins, inputs, active, dxs),
    /** Those of the original's outputs among the outputs of a loop with this body. */
    tangentsIn: (outputs: readonly Node[]) =>
      dense({ positions: places.values, values: places.positions.map((k) => outputs[k]) }, body.outputs.length),
  };
}

/** `body` with a batch axis in front of its flagged inputs, and of those outputs that come to depend on one. */
export function batchGraph(
  body: Graph,
  flags: readonly boolean[],
  size: number,
): { readonly graph: Graph; readonly flags: readonly boolean[] } {
  const inputs = body.inputs.map((x, i) =>
    flags[i] ? hole({ dtype: x.dtype, shape: [size, ...x.shape] }, `b${i}`) : hole(x.aval, `b${i}`),
  );
  const images = inputs.map((node, i): Batched => ({ node, batched: flags[i] }));
  const outputs = batch(body.outputs, body.inputs, images, size);
  const nodes = outputs.map((y) => y.node);
  return { graph: new Graph(inputs, nodes), flags: outputs.map((y) => y.batched) };
}

/** The same where all outputs, or those that are `wanted`, get the axis: copies if they do not depend on a batched input. */
export function batchGraphTo(
  body: Graph,
  flags: readonly boolean[],
  size: number,
  wanted: readonly boolean[] = body.outputs.map(() => true),
): Graph {
  const { graph, flags: found } = batchGraph(body, flags, size);
  const outputs = graph.outputs.map((node, i) => {
    invariant(wanted[i] || !found[i], "an output depends on the batch and must not");
    return wanted[i] ? stretch({ node, batched: found[i] }, size) : node;
  });
  return new Graph(graph.inputs, outputs);
}

/** The same graph over more inputs: input k of `graph` becomes input `places[k]` of those with the given avals. */
export function replaceInputs(graph: Graph, avals: readonly Aval[], places: readonly number[]): Graph {
  return trace(avals, (holes) =>
    substitute(
      graph,
      places.map((p) => holes[p]),
    ),
  );
}
