/**
 * Pretext tasks: inputs and labels made of pictures without labels, `[N, C, H, W]`, for a network that is to learn what
 * pictures are made of. Draws come from a key, so a compiled step can make them.
 */
import { ArgumentError, arange, concatenate, ShapeError, stack, tensor, type Tensor, vmap, where } from "../index.js";
import * as random from "../random/index.js";
import { rgbToLab } from "./lab.js";

function checkPictures(name: string, x: Tensor): void {
  if (x.rank !== 4) throw new ShapeError(`${name}: pictures must be [N, C, H, W], got ${x.describe()}. add the axes`);
}

/** Turned by `turns` quarters against the clock, as `numpy.rot90`. */
export function rotate90(x: Tensor, turns = 1): Tensor {
  checkPictures("rotate90", x);
  const quarters = ((turns % 4) + 4) % 4;
  if (quarters === 1) return x.swapAxes(2, 3).flip(2);
  if (quarters === 2) return x.flip([2, 3]);
  return quarters === 3 ? x.swapAxes(2, 3).flip(3) : x;
}

/** Pictures and what was done to them. */
export interface Labelled {
  readonly images: Tensor;
  /** int32 `[N]` */
  readonly labels: Tensor;
}

/** Every picture in all four directions, `[4N, C, H, H]`, labelled with its quarter turns (Gidaris, Singh & Komodakis 2018). */
export function rotations(images: Tensor): Labelled {
  checkPictures("rotations", images);
  const [n, , height, width] = images.shape;
  if (height !== width)
    throw new ShapeError(`rotations: pictures must be as high as wide, got ${images.describe()}. crop them`);
  return {
    images: concatenate([0, 1, 2, 3].map((turns) => rotate90(images, turns))),
    labels: arange(4).astype("int32").expandDims(1).broadcastTo([4, n]).flatten(),
  };
}

/** How a picture is cut into a square of patches. */
export interface Cut {
  /** Side of a patch in pixels. */
  readonly size: number;
  /** Pixels between neighbours; 0 unless given. With some, edges that go on in the next patch do not give it away. */
  readonly gap?: number;
  /** Patches along each side; 3 unless given. */
  readonly grid?: number;
}

/** The patches of each picture, row by row, from the middle of it: `[N, grid², C, size, size]`. */
export function patches(images: Tensor, { size, gap = 0, grid = 3 }: Cut): Tensor {
  checkPictures("patches", images);
  const [, , height, width] = images.shape;
  const needed = grid * size + (grid - 1) * gap;
  if (!(Number.isInteger(needed) && size > 0 && gap >= 0 && grid > 0 && needed <= Math.min(height, width)))
    throw new ShapeError(
      `patches: ${grid} patches of ${size} with gaps of ${gap} must fit into the picture, got ${images.describe()}. make them smaller`,
    );
  const start = (length: number, i: number): number => Math.floor((length - needed) / 2) + i * (size + gap);
  const places = Array.from({ length: grid * grid }, (_, k) => [
    start(height, Math.floor(k / grid)),
    start(width, k % grid),
  ]);
  return stack(
    places.map(([y, x]) => images.at(":", ":", `${y}:${y + size}`, `${x}:${x + size}`)),
    1,
  );
}

/** Patches `[N, P, C, H, W]` cut once more, each at a place of its own up to `jitter` pixels off. */
function jittered(pieces: Tensor, key: random.Key, jitter: number): Tensor {
  if (jitter === 0) return pieces;
  const [n, count, , height] = pieces.shape;
  const inner = arange(height - 2 * jitter).astype("int32");
  const offsets = random.randint(key, [n, count, 2], 0, 2 * jitter + 1);
  const cut = (piece: Tensor, at: Tensor): Tensor => piece.take(inner.add(at.at(0)), 1).take(inner.add(at.at(1)), 2);
  return vmap(vmap(cut))(pieces, offsets);
}

/** The patch in the middle, one of its eight neighbours, and which one: 0 to 7, row by row. */
export interface Neighbours {
  /** `[N, C, size, size]` */
  readonly centre: Tensor;
  readonly neighbour: Tensor;
  /** int32 `[N]` */
  readonly labels: Tensor;
}

/**
 * Where a patch lies beside another, drawn for every picture (Doersch, Gupta & Efros 2015). With `jitter` each patch is moved by
 * up to so many pixels, which takes from the gap between them.
 */
export function relativePatches(
  images: Tensor,
  key: random.Key,
  options: Omit<Cut, "grid"> & { readonly jitter?: number },
): Neighbours {
  const { size, gap = 0, jitter = 0 } = options;
  if (!(Number.isInteger(jitter) && jitter >= 0 && 2 * jitter <= gap))
    throw new ArgumentError(
      `relativePatches: jitter must be from 0 to half the gap of ${gap}, got ${jitter}. widen the gap`,
    );
  const [draw, move] = random.split(key);
  const wide = patches(images, { size: size + 2 * jitter, gap: gap - 2 * jitter });
  const all = jittered(wide, move, jitter); // [N, 9, C, size, size]
  const labels = random.randint(draw, [images.shape[0]], 0, 8);
  const place = labels.add(labels.greaterEqual(4).astype("int32")); // the middle, 4, is left out
  const neighbour = vmap((pieces: Tensor, at: Tensor) => pieces.take(at))(all, place);
  return { centre: all.at(":", 4), neighbour, labels };
}

/**
 * `count` orders of `pieces` things that differ in as many places as can be: each next one is as far from those before as any
 * is (Noroozi & Favaro 2016). The first changes nothing.
 */
export function permutationSet(count: number, pieces = 9): number[][] {
  const size = Array.from({ length: pieces }, (_, i) => i + 1).reduce((a, b) => a * b, 1);
  if (!(Number.isInteger(count) && count >= 1 && pieces >= 1 && pieces <= 9 && count <= size))
    throw new ArgumentError(
      `permutationSet: there must be 1 to 9 pieces and at most as many orders as they have, got ${pieces} and ${count}. ask for fewer`,
    );
  const all = orders(pieces);
  const nearest = new Uint8Array(all.length).fill(pieces + 1);
  const chosen: number[][] = [];
  let next = 0;
  while (chosen.length < count) {
    const last = all[next];
    chosen.push(last);
    all.forEach((order, k) => {
      let off = 0;
      for (let i = 0; i < pieces; i++) if (order[i] !== last[i]) off++;
      if (off < nearest[k]) nearest[k] = off;
    });
    next = nearest.reduce((best, distance, k) => (distance > nearest[best] ? k : best), 0);
  }
  return chosen;
}

/** All orders of the numbers below n, in alphabetical order. */
const orders = (n: number): number[][] => {
  const insert = (prefix: number[], rest: number[]): number[][] =>
    rest.length === 0 ? [prefix] : rest.flatMap((x, i) => insert([...prefix, x], rest.toSpliced(i, 1)));
  return insert(
    [],
    Array.from({ length: n }, (_, i) => i),
  );
};

/** Pieces in one of the given orders: piece `i` is that of place `permutations[label][i]`. */
export interface Jigsaw {
  /** `[N, grid², C, size, size]` */
  readonly pieces: Tensor;
  /** int32 `[N]` */
  readonly labels: Tensor;
}

/** A puzzle of every picture: which of the orders its pieces are in (Noroozi & Favaro 2016). */
export function jigsaw(images: Tensor, key: random.Key, permutations: readonly number[][], cut: Cut): Jigsaw {
  const inOrder = patches(images, cut);
  const count = inOrder.shape[1];
  const odd = permutations.find((p) => [...p].sort((a, b) => a - b).join() !== [...Array(count).keys()].join());
  if (permutations.length === 0 || odd !== undefined)
    throw new ArgumentError(
      `jigsaw: permutations must be orders of ${count} pieces, got ${odd ? `[${odd.join()}]` : "none"}. make them with permutationSet`,
    );
  const labels = random.randint(key, [images.shape[0]], 0, permutations.length);
  const places = tensor(permutations, { dtype: "int32" }).take(labels); // [N, grid²]
  return { pieces: vmap((pieces: Tensor, order: Tensor) => pieces.take(order))(inOrder, places), labels };
}

/**
 * Sequences `[N, T, …]`, half of them in another order, labelled 1 where they are as they were (Misra, Zitnick & Hebert 2016).
 */
export function ordering(sequences: Tensor, key: random.Key): { readonly sequences: Tensor; readonly labels: Tensor } {
  const [n, length] = sequences.shape;
  if (sequences.rank < 2 || length < 2)
    throw new ShapeError(
      `ordering: there must be sequences [N, T, …] of two and more, got ${sequences.describe()}. reshape them`,
    );
  const [draw, shuffle] = random.split(key);
  const kept = random.bernoulli(draw, 0.5, [n]);
  const identity = arange(length).astype("int32");
  const drawn = random.uniform(shuffle, [n, length]).argsort(1);
  // An order that happens to change nothing changes the first two.
  const still = drawn.equal(identity).all(1, { keepDims: true });
  const swapped = concatenate([tensor([1, 0], { dtype: "int32" }), identity.at("2:")]);
  const order = where(kept.expandDims(1), identity, where(still, swapped, drawn));
  return {
    sequences: vmap((s: Tensor, o: Tensor) => s.take(o))(sequences, order),
    labels: kept.astype("int32"),
  };
}

/** Colour pictures taken apart: `lightness[N, 1, H, W]` to be coloured with `colors[N, 2, H, W]`, each about -1 to 1 (Zhang et al. 2016). */
export function colorization(images: Tensor): { readonly lightness: Tensor; readonly colors: Tensor } {
  const lab = rgbToLab(images);
  return { lightness: lab.at(":", ":1").div(50).sub(1), colors: lab.at(":", "1:").div(110) };
}
