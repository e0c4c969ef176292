/** Running pending graphs: what is asked for, and what a model or an optimizer holds. */
import type { Device, DeviceValue, Executable } from "../backend/backend.js";
import { detached } from "../ir/graph.js";
import type { HostValue, Node, Stored } from "../ir/node.js";
import { graphKey } from "../ir/print.js";
import { topological } from "../ir/rewrite.js";
import { show, sizeOf } from "../ir/shape.js";
import { hole } from "../primitive/leaf.js";
import { TraceError } from "../util/errors.js";
import { commonDevice, getDevice } from "./device.js";
import { builtAt } from "./origin.js";

/** A pending chain of more nodes than this is run by itself. */
export const pendingLimit = 256;
/** So many programs, and as many that were used before them, are kept. */
const programLimit = 256;
/** Larger values than this many bytes are not kept unless they are asked for. */
const keptBytes = 2 ** 26;
/** Share of a device's memory above which an asynchronous read lets the collector run first. */
const watermark = 0.25;

/** Pending nodes that belong to a state: they are computed along with whatever is asked for next. */
const held = new Set<Node>();
/** Every node that was ever held and still lives. */
const state = new WeakSet<Node>();

/** Asks that a pending node be computed with the next run. */
export function hold(node: Node): void {
  state.add(node);
  if (node.value === null && node.scopes.length === 0) held.add(node);
}

/** Whether the node belongs to a model or an optimizer. */
export const isHeld = (node: Node): boolean => state.has(node);

const isHost = (value: Stored): value is HostValue => value.device === "host";

/** The value of a leaf in a device's memory; a host value is uploaded once and stays there. */
export function onDevice(node: Node, device: Device): DeviceValue {
  const { value } = node;
  if (value === null) throw missingValue(node, node);
  if (!isHost(value)) return deviceValue(value);
  const uploaded = device.upload(value);
  node.settle(uploaded);
  return uploaded;
}

const isDeviceValue = (value: Stored): value is DeviceValue => !isHost(value) && "gone" in value;
function deviceValue(value: Stored): DeviceValue {
  if (isDeviceValue(value)) return value;
  throw new TraceError(`device: ${show(value)} has no memory. compute it again`);
}

/** The name a placeholder was given. */
const labelOf = ({ params }: Node): string =>
  typeof params === "object" && params !== null && "label" in params ? String(params.label) : "an argument";

/** Why `asked` cannot be computed: it depends on a leaf that stands for an argument of a running, or finished, trace. */
function missingValue(leaf: Node, asked: Node): TraceError {
  const scope = leaf.scopes.find((x) => x.abstract);
  const where = scope?.name ?? "a traced function";
  const what = scope?.live
    ? `inside ${where} only its shape is. use tensor operations (where, cond, scan) in place of reading it`
    : `it left ${where}, in which alone it stands for something. return it from the function, or name the object that keeps it in the state`;
  return new TraceError(
    `read: the value must be known, got ${show(asked.aval)} that depends on ${labelOf(leaf)}: ${what}${builtAt(asked)}`,
  );
}

/** The pending graph of `roots`, inputs first, and its leaves, which have values. */
function pendingGraph(roots: readonly Node[]): { readonly order: readonly Node[]; readonly leaves: readonly Node[] } {
  const order = topological(roots, (n) => n.value === null);
  for (const n of order) if (n.value === null && n.isInput) throw missingValue(n, roots[0]);
  return { order, leaves: order.filter((n) => n.value !== null) };
}

/**
 * What an earlier run computed on its way and something new reads. It is computed a second time, and kept: a loop that only
 * looks at parts of what it carries along does not compute its whole past at every look.
 */
function readAgain(order: readonly Node[]): Node[] {
  const again: Node[] = [];
  for (const n of order) {
    if (n.value !== null || n.passed) continue;
    for (const x of n.inputs) if (x.passed && x.value === null) again.push(x);
  }
  return again.filter((n) => (n.part !== null || n.outputs.length === 1) && 8 * sizeOf(n.shape) <= keptBytes);
}

/** Programs by the form of their graph: those used of late, and those used before. */
interface Known {
  late: Map<string, Executable>;
  before: Map<string, Executable>;
}
const programs = new WeakMap<Device, Known>();

function prepare(device: Device, inputs: readonly Node[], outputs: readonly Node[]): Executable {
  const graph = detached(inputs, outputs, (x) => hole(x.aval, "input"));
  return device.prepare({ inputs: graph.inputs, outputs: graph.outputs, donated: inputs.map(() => false) });
}

/** A prepared program for a graph of this form; those that were not used for long are forgotten. */
function prepared(device: Device, key: string, inputs: readonly Node[], outputs: readonly Node[]): Executable {
  const known: Known = programs.get(device) ?? { late: new Map(), before: new Map() };
  const found = known.late.get(key);
  if (found !== undefined) return found;
  const executable = known.before.get(key) ?? prepare(device, inputs, outputs);
  if (known.late.size >= programLimit) {
    known.before = known.late;
    known.late = new Map();
  }
  known.late.set(key, executable);
  programs.set(device, known);
  return executable;
}

/** Computes the nodes that have no value yet, together with the held ones. */
export function evaluateNodes(nodes: readonly Node[]): void {
  const pending = nodes.filter((n) => n.value === null);
  if (pending.length === 0) return;
  const asked = pending.length === 1 ? pending : [...new Set(pending)];
  const graph = pendingGraph(asked);
  const device = commonDevice(graph.leaves.map((n) => n.value));
  const isFree = (n: Node): boolean => n.value === null && n.scopes.length === 0 && !asked.includes(n);
  const also = held.size === 0 ? [] : [...held].filter(isFree);
  if (held.size > 0) held.clear();
  const { order, leaves } = also.length === 0 ? graph : pendingGraph([...asked, ...also]);
  const again = readAgain(graph.order);
  const more = again.length === 0 ? also : [...also, ...again.filter(isFree)];
  const roots = more.length === 0 ? asked : [...new Set([...asked, ...more])];
  const executable = prepared(device, graphKey(order, roots), leaves, roots);
  const results = executable.run(leaves.map((n) => onDevice(n, device)));
  roots.forEach((n, i) => n.settle(results[i]));
  for (const n of order) n.passed = n.value === null;
}

/** Computes what is no transform's own in one program, where long chains left pending would make one for each of its parts. */
export function evaluateLong(nodes: readonly Node[]): void {
  const free = nodes.filter((n) => n.value === null && n.scopes.length === 0);
  if (free.some((n) => n.depth > pendingLimit)) evaluateNodes(free);
}

/** The computed value of a node. */
export function valueOf(node: Node): Stored {
  evaluateNodes([node]);
  if (node.value === null) throw missingValue(node, node);
  return node.value;
}

/** A copy of a computed value on the host. */
export function readNode(node: Node): HostValue {
  const value = valueOf(node);
  if (isHost(value)) return { ...value, data: value.data.slice() };
  const data = commonDevice([value]).read(deviceValue(value));
  return { device: "host", dtype: value.dtype, shape: value.shape, data };
}

/**
 * Before an asynchronous read: when much memory is in use, waits for a macrotask, in which the collector's callbacks free
 * what nobody holds.
 */
export async function breathe(): Promise<void> {
  const { used, limit } = getDevice().memory();
  if (used > watermark * Math.min(limit, 2 ** 32)) await new Promise<void>((resolve) => setTimeout(resolve, 0));
}
