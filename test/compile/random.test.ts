import { test } from "node:test";
import { defaultTarget } from "#src/compile/pipeline.js";
import type { DType } from "#src/ir/dtype.js";
import type { Node } from "#src/ir/node.js";
import { sizeOf } from "#src/ir/shape.js";
import { abs, div, maximum, minimum, mul, neg, sub } from "#src/primitive/arithmetic.js";
import { dot } from "#src/primitive/contraction.js";
import { add, broadcast, sum } from "#src/primitive/define.js";
import { gather, scatterAdd } from "#src/primitive/indexing.js";
import { fill, fillLike, hole } from "#src/primitive/leaf.js";
import { concatenate, flip, pad, reshape, slice, transpose, windows } from "#src/primitive/movement.js";
import { cumsum } from "#src/primitive/cumulative.js";
import { max } from "#src/primitive/reduction.js";
import { cond } from "#src/transform/cond.js";
import { scan } from "#src/transform/scan.js";
import { check, drawn, generator } from "./support.js";

const lengths = [1, 2, 3, 4, 5, 8, 9, 17];

/** Random graphs of continuous operations, whose values stay near 1. */
class Maker {
  readonly next: () => number;
  readonly dtype: DType;
  readonly nodes: Node[] = [];
  constructor(seed: number, dtype: DType) {
    this.next = generator(seed * 7919 + 17);
    this.dtype = dtype;
  }
  below(n: number): number {
    return Math.floor(this.next() * n);
  }
  pick<T>(xs: readonly T[]): T {
    return xs[this.below(xs.length)];
  }
  /** Recent nodes are likelier, so that graphs get deep. */
  node(rank = 0): Node {
    const fit = this.nodes.filter((x) => x.shape.length >= rank && sizeOf(x.shape) <= 600);
    return fit[Math.max(0, fit.length - 1 - Math.floor(this.next() ** 2 * fit.length))];
  }
  tame(x: Node): Node {
    return div(x, add(abs(x), fillLike(x, 1)));
  }
  like(x: Node): Node {
    const same = this.nodes.filter((y) => y.shape.join() === x.shape.join());
    return this.pick(same);
  }

  readonly rules: readonly (() => Node)[] = [
    () => this.tame(this.node()),
    () => neg(this.node()),
    ...[add, sub, mul, maximum, minimum].map((f) => () => {
      const x = this.node();
      return f(x, this.like(x));
    }),
    () => {
      const x = this.node(1);
      return this.tame(sum(x, [this.below(x.shape.length)]));
    },
    () => {
      const x = this.node(1);
      return max(x, [this.below(x.shape.length)]);
    },
    () => {
      const x = this.node();
      const axis = this.below(x.shape.length + 1);
      const shape = x.shape.toSpliced(axis, 0, this.pick(lengths.slice(0, 6)));
      return broadcast(
        x,
        shape,
        [...shape.keys()].filter((i) => i !== axis),
      );
    },
    () => {
      const x = this.node(2);
      const permutation = x.shape.map((_, i) => i);
      for (let i = permutation.length - 1; i > 0; i--) {
        const j = this.below(i + 1);
        [permutation[i], permutation[j]] = [permutation[j], permutation[i]];
      }
      return transpose(x, permutation);
    },
    () => {
      const x = this.node(2);
      return reshape(
        x,
        this.pick([
          [sizeOf(x.shape)],
          [x.shape[0], sizeOf(x.shape.slice(1))],
          [...x.shape.slice(0, -2), x.shape[x.shape.length - 2] * x.shape[x.shape.length - 1]],
        ]),
      );
    },
    () => flip(this.node(1), [0]),
    () => {
      const x = this.node(1);
      return slice(x, {
        starts: x.shape.map((d) => this.below(Math.ceil(d / 2))),
        stops: [...x.shape],
        steps: x.shape.map(() => 1 + this.below(2)),
      });
    },
    () => {
      const x = this.node(1);
      return pad(x, {
        low: x.shape.map(() => this.below(3)),
        high: x.shape.map(() => this.below(3)),
        interior: x.shape.map(() => this.below(2)),
      });
    },
    () => {
      const x = this.node(1);
      const axis = this.below(x.shape.length);
      return concatenate([x, this.tame(x), x], axis);
    },
    () => {
      const x = this.node(1);
      const axis = x.shape.length - 1;
      const size = Math.min(x.shape[axis], 3);
      return windows(x, { axes: [axis], sizes: [size], strides: [1 + this.below(2)], dilations: [1] });
    },
    () => {
      const x = this.node(1);
      return this.tame(cumsum(x, this.below(x.shape.length), this.next() < 0.5));
    },
    () => {
      const x = this.node(2);
      const y = transpose(x, [...x.shape.keys()].toReversed());
      return this.tame(dot(this.tame(x), y, { contract: [[x.shape.length - 1], [0]], batch: [[], []] }));
    },
    () => {
      const x = concatenate([this.tame(this.node(1))], 0);
      if (x.shape[0] < 4) return neg(x);
      const index = slice(this.index, { starts: [0], stops: [5], steps: [1] });
      return gather(x, index, 0);
    },
    () => {
      const x = this.node(1);
      const index = slice(this.index, { starts: [0], stops: [x.shape[0]], steps: [1] });
      return this.tame(scatterAdd(x, index, { batch: 0, length: 4 }));
    },
    () => {
      const x = this.node(1);
      const y = this.tame(this.node());
      const rest = fill(0.5, this.dtype, x.shape.slice(1));
      const options = { length: x.shape[0], reverse: this.next() < 0.5 };
      const { carry, results } = scan(
        ([h, same], [slice]) => {
          const next = this.tame(add(mul(h, h), add(slice, broadcast(sum(y, [...y.shape.keys()]), h.shape, []))));
          return { carry: [next, same], results: [mul(next, same), slice, next] };
        },
        [rest, rest],
        [x],
        options,
      );
      return this.pick([...carry, ...results]);
    },
    () => {
      const x = this.node();
      const chosen = slice(this.index, { starts: [0], stops: [1], steps: [1] });
      return cond(reshape(chosen, []), [([v]) => [v], ([v]) => [this.tame(v)], ([v]) => [add(v, x)]], [x])[0];
    },
  ];
  readonly index: Node = hole({ dtype: "int32", shape: [700] }, "index");
}

/** Every other graph is compiled for a machine with next to no cache, so that all ways to divide work are taken. */
const small = {
  ...defaultTarget,
  microRows: 4,
  cacheBytes: 64,
  panelRows: 2,
  farBytes: 8,
  farSteps: 2,
  kc: 8,
  panelBytes: 64,
  mc: 4,
};

function randomGraph(seed: number, dtype: DType, size: number): void {
  const maker = new Maker(seed, dtype);
  const shapes = [
    [maker.pick(lengths), maker.pick(lengths)],
    [maker.pick(lengths)],
    [2, maker.pick(lengths), maker.pick(lengths)],
    [],
  ];
  const inputs = shapes.map((shape, i) => hole({ dtype, shape }, `x${i}`));
  maker.nodes.push(...inputs, fill(0.25, dtype, shapes[0]));
  for (let i = 0; i < size; i++) maker.nodes.push(maker.pick(maker.rules)());
  const outputs = [...maker.nodes.slice(-4), maker.pick(maker.nodes), maker.pick(maker.nodes), maker.node()];
  const values = inputs.map((x) => drawn(x.aval, maker.next));
  const index = { shape: [700], data: Float64Array.from({ length: 700 }, () => maker.below(4)) };
  const donated = [...inputs.map(() => maker.next() < 0.5), false];
  check([...inputs, maker.index], outputs, [...values, index], {
    donated,
    target: seed % 2 === 0 ? defaultTarget : small,
    tolerance: dtype === "float64" ? 1e-9 : 1e-4,
    what: `seed ${seed} ${dtype}`,
  });
}

for (const dtype of ["float32", "float64"] as const)
  test(`random graphs of ${dtype} agree with the reference rules`, () => {
    const only = process.env["SEED"];
    if (only !== undefined) return randomGraph(Number(only), dtype, 24);
    for (let seed = 0; seed < Number(process.env["SEEDS"] ?? 60); seed++) randomGraph(seed, dtype, 4 + (seed % 24));
  });
