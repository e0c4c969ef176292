/** Reading parts of a tensor: integers, slices, new axes, masks and index tensors, by NumPy's rules. */
import type { HostValue, Node } from "../ir/node.js";
import { isInteger } from "../ir/dtype.js";
import { broadcastShapes, type Shape, show, sizeOf } from "../ir/shape.js";
import { and, convert, less, lessEqual, mul, select } from "../primitive/arithmetic.js";
import { add } from "../primitive/define.js";
import { gather } from "../primitive/indexing.js";
import { constant, fillLike } from "../primitive/leaf.js";
import { flip, moveAxis, reshape, slice as sliceNode, transpose } from "../primitive/movement.js";
import { range } from "../util/arrays.js";
import { ArgumentError, DTypeError, ShapeError, shown } from "../util/errors.js";
import { broadcastTo } from "./coerce.js";
import { readNode } from "./evaluate.js";

/** Positions `start`, `start + step`, … before `stop` along an axis; negative numbers count from the end. */
export class Slice {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number;
  constructor(start: number | null, stop: number | null, step: number) {
    if (!Number.isInteger(step) || step === 0)
      throw new ArgumentError(
        `slice: the step must be a non-zero integer, got ${shown(step)}. use 1 for every element`,
      );
    for (const bound of [start, stop])
      if (bound !== null && !Number.isInteger(bound))
        throw new ArgumentError(`slice: bounds must be integers, got ${shown(bound)}. round them`);
    this.start = start;
    this.stop = stop;
    this.step = step;
  }

  /** `"1:5"`, `"::2"`, `":"`, `"-3:"`. */
  static parse(text: string): Slice {
    const parts = text.split(":").map((part) => part.trim());
    const numbers = parts.map((part) => (part === "" ? null : Number(part)));
    if (parts.length < 2 || parts.length > 3 || numbers.some((n) => n !== null && !Number.isInteger(n)))
      throw new ArgumentError(
        `at: a slice is written "start:stop:step", got "${text}". leave out what is not needed, as in "2:"`,
      );
    return new Slice(numbers[0], numbers[1], numbers[2] ?? 1);
  }
}

/** One entry of an index, with nodes for tensors. */
export type NodeIndex = number | string | null | Slice | Node | readonly number[];

interface Plan {
  readonly starts: number[];
  readonly stops: number[];
  readonly steps: number[];
  readonly flipped: number[];
  /** The shape after slicing: integers leave, new axes enter. */
  readonly shape: number[];
  /** Axes of that shape that are indexed by tensors, in order. */
  readonly gathered: { readonly axis: number; readonly index: Node }[];
  /** Whether a slice or a new axis stands between places and index tensors: the index axes then come first. */
  separated: boolean;
}

/** The part of `x` that the entries select. */
export function indexNode(x: Node, entries: readonly NodeIndex[]): Node {
  const full = withoutEllipsis(
    x,
    entries.flatMap((e) => expanded(e)),
  );
  const plan = planOf(x, full);
  const cut = sliceNode(x, { starts: plan.starts, stops: plan.stops, steps: plan.steps });
  const y = reshape(flip(cut, plan.flipped), plan.shape);
  return plan.gathered.length === 0 ? y : gatherAxes(y, plan);
}

/** A mask stands for as many index tensors as it has axes: the places where it is true. */
function expanded(entry: NodeIndex): NodeIndex[] {
  if (Array.isArray(entry)) return [indexVector(entry)];
  if (typeof entry === "string" && entry !== "...") return [Slice.parse(entry)];
  if (!isNode(entry)) return [entry];
  if (entry.dtype === "bool") return nonzero(entry);
  if (!isInteger(entry.dtype))
    throw new DTypeError(
      `at: an index tensor must be int32, uint32 or bool, got ${show(entry.aval)}. convert it with astype("int32")`,
    );
  return [convert(entry, "int32")];
}

const isNode = (entry: NodeIndex): entry is Node => typeof entry === "object" && entry !== null && "primitive" in entry;

/** Integers as a node. */
const indexVector = (values: readonly number[]): Node => {
  const value: HostValue = { device: "host", dtype: "int32", shape: [values.length], data: Int32Array.from(values) };
  return constant(value);
};

/** The indices of the true elements, one vector for each axis. Reads the mask. */
export function nonzero(mask: Node): Node[] {
  const { data } = readNode(mask);
  const places = range(data.length).filter((k) => data[k] !== 0);
  let stride = data.length;
  return mask.shape.map((n) => {
    stride = n === 0 ? 0 : stride / n;
    const step = stride;
    return indexVector(places.map((k) => Math.floor(k / step) % n));
  });
}

/** The entries with `"..."` (or the end) replaced by as many full slices as make them fit. */
function withoutEllipsis(x: Node, entries: readonly NodeIndex[]): NodeIndex[] {
  const used = entries.filter((e) => e !== null && e !== "...").length;
  const missing = x.shape.length - used;
  if (missing < 0)
    throw new ShapeError(
      `at: at most ${x.shape.length} axes can be indexed, got ${used} for ${show(x.aval)}. drop some`,
    );
  if (entries.filter((e) => e === "...").length > 1)
    throw new ArgumentError(`at: "..." may appear once, got it more often. write ":" for a full axis`);
  const all = range(missing).map(() => new Slice(null, null, 1));
  const place = entries.indexOf("...");
  return place < 0 ? [...entries, ...all] : [...entries.slice(0, place), ...all, ...entries.slice(place + 1)];
}

function planOf(x: Node, entries: readonly NodeIndex[]): Plan {
  const plan: Plan = { starts: [], stops: [], steps: [], flipped: [], shape: [], gathered: [], separated: false };
  const places = entries.flatMap((entry, i) => (typeof entry === "number" || isNode(entry) ? [i] : []));
  plan.separated = places.some((place, k) => k > 0 && place !== places[k - 1] + 1);
  for (const entry of entries) {
    const axis = plan.starts.length;
    const length = x.shape[axis];
    if (entry === null) plan.shape.push(1);
    else if (typeof entry === "number") {
      const i = entry < 0 ? entry + length : entry;
      if (!Number.isInteger(i) || i < 0 || i >= length)
        throw new ShapeError(
          `at: an index of axis ${axis} must be an integer from ${-length} to ${length - 1}, got ${shown(entry)} for ${show(x.aval)}. use a place it has`,
        );
      addCut(plan, i, i + 1, 1);
    } else if (entry instanceof Slice) {
      plan.shape.push(addSlice(plan, entry, length));
    } else if (isNode(entry)) {
      plan.gathered.push({ axis: plan.shape.length, index: wrapped(entry, length) });
      addCut(plan, 0, length, 1);
      plan.shape.push(length);
    }
  }
  return plan;
}

function addCut(plan: Plan, start: number, stop: number, step: number): void {
  plan.starts.push(start);
  plan.stops.push(stop);
  plan.steps.push(step);
}

/** Adds a slice by Python's clipping rules; returns how many elements it takes. */
function addSlice(plan: Plan, { start, stop, step }: Slice, length: number): number {
  const clip = (bound: number | null, otherwise: number, low: number, high: number): number =>
    bound === null ? otherwise : Math.min(Math.max(bound < 0 ? bound + length : bound, low), high);
  if (step > 0) {
    const from = clip(start, 0, 0, length);
    const to = Math.max(from, clip(stop, length, 0, length));
    addCut(plan, from, to, step);
    return Math.ceil((to - from) / step);
  }
  // Going backwards: the same elements forwards, then flipped.
  const last = clip(start, length - 1, -1, length - 1);
  const first = clip(stop, -1, -1, length - 1);
  const count = Math.max(0, Math.ceil((last - first) / -step));
  plan.flipped.push(plan.starts.length);
  const from = count === 0 ? 0 : last + step * (count - 1);
  addCut(plan, from, count === 0 ? 0 : last + 1, -step);
  return count;
}

/** Negative indices count from the end. */
const wrapped = (index: Node, length: number): Node =>
  select(less(index, fillLike(index, 0)), add(index, fillLike(index, length)), index);

/** Indexes several axes by tensors that broadcast together. */
function gatherAxes(x: Node, { gathered, separated }: Plan): Node {
  const shape = gathered.reduce<Shape>((s, g) => broadcastShapes("at", { dtype: "int32", shape: s }, g.index.aval), []);
  const lengths = gathered.map((g) => x.shape[g.axis]);
  let front = x;
  gathered.forEach((g, k) => (front = moveAxis(front, g.axis, k)));
  const rest = front.shape.slice(gathered.length);
  const indices = gathered.map((g) => broadcastTo("at", g.index, shape));
  const inside = indices.map((i, k) => and(lessEqual(fillLike(i, 0), i), less(i, fillLike(i, lengths[k]))));
  const place = indices.reduce((sum, i, k) => add(mul(sum, fillLike(i, lengths[k])), i));
  const valid = inside.reduce((all, one) => and(all, one));
  const flat = reshape(front, [sizeOf(lengths), ...rest]);
  const y = gather(flat, select(valid, place, fillLike(place, -1)), 0);
  // y has the index axes first; they belong where the first indexed axis was, if nothing stood between them.
  const before = separated ? 0 : gathered[0].axis;
  const own = range(shape.length);
  const others = range(rest.length).map((i) => shape.length + i);
  return transpose(y, [...others.slice(0, before), ...own, ...others.slice(before)]);
}
