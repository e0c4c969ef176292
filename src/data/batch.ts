/** Trees of examples stacked into trees of tensors. */
import { ArgumentError, Tensor } from "../index.js";
import { Levels } from "./levels.js";
import { type HostArray, arrayOf, checkHostArray, fromHost, isHostArray, isTypedArray, toHost } from "../io/index.js";

type TypedArray = HostArray["data"];

/** What a leaf of an example may be. A bare typed array has rank 1, and a `Uint8Array` holds booleans. */
export type Leaf = number | boolean | TypedArray | HostArray | Tensor;

/** A tree of examples, stacked: every leaf is a tensor with a batch axis in front. */
export type Batch<E> = E extends Leaf ? Tensor : { [K in keyof E]: Batch<E[K]> };

/** An example of a tree of whole arrays: every leaf without its first axis. */
export type Rows<T> = T extends Leaf ? HostArray : { [K in keyof T]: Rows<T[K]> };

const isLeaf = (x: unknown): x is Leaf =>
  typeof x === "number" ||
  typeof x === "boolean" ||
  isTypedArray(x) ||
  x instanceof Levels || // before `isHostArray`, which would ask for its numbers
  isHostArray(x) ||
  x instanceof Tensor;

const isTree = (x: unknown): x is object =>
  Array.isArray(x) || (typeof x === "object" && x !== null && Object.getPrototypeOf(x) === Object.prototype);

/** A number counts as float32, as it does in `tensor(1)`. */
async function hostOf(op: string, leaf: Leaf): Promise<HostArray> {
  if (leaf instanceof Tensor) return toHost(leaf);
  if (typeof leaf === "number") return arrayOf(Float32Array.of(leaf), []);
  if (typeof leaf === "boolean") return arrayOf(Uint8Array.of(Number(leaf)), []);
  if (isTypedArray(leaf)) return arrayOf(leaf);
  if (!(leaf instanceof Levels)) checkHostArray(op, leaf);
  return leaf;
}

const shapeOf = (leaf: Leaf): readonly number[] =>
  typeof leaf === "object" ? (isTypedArray(leaf) ? [leaf.length] : leaf.shape) : [];

const shown = ({ dtype, shape }: HostArray): string => `${dtype}[${shape.join(",")}]`;
const place = (path: readonly string[]): string => (path.length === 0 ? "an example" : path.join("."));

const children = (tree: object): [string, unknown][] => Object.entries(tree);

/** A list or an object like `tree` with other values. */
const rebuilt = (tree: object, entries: readonly (readonly [string, unknown])[]): unknown =>
  Array.isArray(tree) ? entries.map(([, value]) => value) : Object.fromEntries(entries);

/** Walks trees of one structure together; `f` makes the leaf of the result from their leaves. */
function zipTrees(
  op: string,
  trees: readonly unknown[],
  f: (leaves: readonly Leaf[], path: readonly string[]) => unknown,
  path: readonly string[] = [],
): unknown {
  if (trees.every(isLeaf)) return f(trees, path);
  const keys = isTree(trees[0]) ? Object.keys(trees[0]) : [];
  if (!trees.every(isTree) || trees.some((x) => Object.keys(x).join() !== keys.join()))
    throw new ArgumentError(
      `${op}: examples must be equal trees of numbers, booleans and arrays, got ${typeof trees.find((x) => !isLeaf(x))} at ${place(path)}. turn it into numbers with map`,
    );
  const lists = trees.map(children);
  return rebuilt(
    trees[0],
    keys.map((key, i) => [
      key,
      zipTrees(
        op,
        lists.map((list) => list[i][1]),
        f,
        [...path, key],
      ),
    ]),
  );
}

/** A tree of promises as the promise of a tree. */
async function settled(tree: unknown): Promise<unknown> {
  if (tree instanceof Promise) return tree;
  if (!isTree(tree)) return tree;
  return rebuilt(tree, await Promise.all(children(tree).map(async ([key, x]) => [key, await settled(x)] as const)));
}

/** Equal arrays behind one another along a new first axis. */
function stack(arrays: readonly HostArray[], path: readonly string[]): HostArray {
  const [first] = arrays;
  const size = first.data.length;
  const data = new (constructorOf(first.data))(size * arrays.length);
  arrays.forEach((x, i) => {
    if (shown(x) !== shown(first))
      throw new ArgumentError(
        `collate: examples of a batch must have one dtype and shape, got ${shown(first)} and ${shown(x)} at ${place(path)}. pad or resize them with map`,
      );
    data.set(x.data, i * size);
  });
  return { dtype: first.dtype, shape: [arrays.length, ...first.shape], data };
}

type TypedArrayConstructor = new (length: number) => TypedArray;

function constructorOf(data: TypedArray): TypedArrayConstructor {
  if (data instanceof Float32Array) return Float32Array;
  if (data instanceof Float64Array) return Float64Array;
  if (data instanceof Int32Array) return Int32Array;
  return data instanceof Uint32Array ? Uint32Array : Uint8Array;
}

/**
 * Examples stacked into one tree: leaf by leaf, along a new first axis.
 *
 * @throws ArgumentError when their structures, dtypes or shapes differ.
 */
export async function collate<E>(examples: readonly E[]): Promise<Batch<E>> {
  if (examples.length === 0)
    throw new ArgumentError("collate: a batch must have an example, got none. draw at least one");
  const op = "collate";
  const batch = zipTrees(op, examples, async (leaves, path) =>
    fromHost(stack(await Promise.all(leaves.map((x) => hostOf(op, x))), path)),
  );
  return (await settled(batch)) as Batch<E>;
}

/** A tree of whole arrays, by rows. */
export interface ArrayRows<T> {
  readonly length: number;
  get(index: number): Promise<Rows<T>>;
  batch(indices: readonly number[]): Promise<Batch<Rows<T>>>;
}

/** Checks that all arrays of a tree have equally many rows, and gives access to them. Tensors are read once. */
export function arrayRows<T>(arrays: T): ArrayRows<T> {
  const op = "arrayDataset";
  const lengths: number[] = [];
  zipTrees(op, [arrays], ([leaf], path) => {
    const [length] = shapeOf(leaf);
    if (length === undefined)
      throw new ArgumentError(
        `${op}: arrays must have examples along their first axis, got a scalar at ${place(path)}. stack the examples`,
      );
    if (!(leaf instanceof Levels) && isHostArray(leaf)) checkHostArray(op, leaf);
    lengths.push(length);
  });
  if (lengths.some((x) => x !== lengths[0]))
    throw new ArgumentError(
      `${op}: arrays must have equally many examples, got ${lengths.join(", ")}. drop what has no partner`,
    );
  const read = new Map<Leaf, Promise<HostArray>>();
  const over = (f: (array: HostArray) => unknown): Promise<unknown> =>
    settled(
      zipTrees(op, [arrays], async ([leaf]) => {
        const array = read.get(leaf) ?? hostOf(op, leaf);
        read.set(leaf, array);
        return f(await array);
      }),
    );
  return {
    length: lengths[0] ?? 0,
    get: async (index) => (await over((x) => rowOf(x, index))) as Rows<T>,
    batch: async (indices) => (await over((x) => fromHost(gather(x, indices)))) as Batch<Rows<T>>,
  };
}

function rowOf(array: HostArray, index: number): HostArray {
  const shape = array.shape.slice(1);
  const size = shape.reduce((a, b) => a * b, 1);
  const [start, end] = [index * size, (index + 1) * size];
  const data =
    array instanceof Levels
      ? new Levels(array.bytes.subarray(start, end), shape).data
      : array.data.subarray(start, end);
  return { dtype: array.dtype, shape, data };
}

function gather(array: HostArray, indices: readonly number[]): HostArray {
  const row = array.shape.slice(1);
  const size = row.reduce((a, b) => a * b, 1);
  const shape = [indices.length, ...row];
  const copied = <A extends TypedArray>(from: TypedArray, to: A): A => {
    indices.forEach((index, place) => to.set(from.subarray(index * size, (index + 1) * size), place * size));
    return to;
  };
  const count = size * indices.length;
  if (array instanceof Levels) return new Levels(copied(array.bytes, new Uint8Array(count)), shape);
  const { dtype, data } = array;
  return { dtype, shape, data: copied(data, new (constructorOf(data))(count)) };
}
