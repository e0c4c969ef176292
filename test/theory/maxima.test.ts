/** Conversions between piecewise linear functions, maxima, hinges and networks: exact, at many points. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, tensor } from "typegrad";
import * as random from "typegrad/random";
import {
  DifferenceOfMaxima,
  hinges,
  MaxAffine,
  maxTree,
  PolygonalLine,
  polygonalFit,
  ReluNetwork,
} from "typegrad/theory";

const draw = (shape: readonly number[], seed: number): Tensor =>
  random.normal(random.key(seed), shape, { dtype: "float64" });

function same(a: Tensor, b: Tensor, tolerance: number, what: string): void {
  const right = b.dataSync();
  assert.equal(a.size, b.size, what);
  a.dataSync().forEach((x, i) => assert.ok(Math.abs(x - right[i]) <= tolerance, `${what}: ${x} and ${right[i]}`));
}

const line = new PolygonalLine([-2, -1, 0.5, 1, 3], [1, -1, 2, 2, 0]);
const grid = tensor(Float64Array.from({ length: 10_001 }, (_, i) => -5 + i / 1000));

test("every form of a polygonal line equals it", () => {
  const expected = tensor(Float64Array.from(grid.dataSync(), (x) => line.at(x)));
  const column = grid.expandDims(1);
  same(line.toRectifiers().forward(grid), expected, 1e-12, "rectifiers");
  same(line.toAbsoluteValues().forward(grid), expected, 1e-12, "absolute values");
  same(line.toReluNetwork().forward(column), expected, 1e-12, "network");
  same(line.toDifferenceOfMaxima().forward(column), expected, 1e-12, "maxima");
  same(line.toDifferenceOfMaxima().toReluNetwork().forward(column), expected, 1e-11, "network of maxima");
  same(line.toDifferenceOfMaxima().toHinges().forward(column), expected, 1e-11, "hinges");
  // four pieces: a slope, an offset and three kinks
  const { slope, offset, coefficients } = line.toRectifiers();
  assert.equal(slope.size + offset.size + coefficients.size, 4 + 1);
});

test("lines must have finite values at increasing knots", () => {
  assert.throws(() => new PolygonalLine([0], [1]), /at least two knots/);
  assert.throws(() => new PolygonalLine([0, 0], [1, 2]), /knots must increase/);
  assert.throws(() => new PolygonalLine([0, 1], [1, Number.NaN]), /be finite/);
});

test("interpolation of sin(2πx) in 64 pieces stays within (2π)²/(8·64²)", () => {
  const f = (x: number): number => Math.sin(2 * Math.PI * x);
  const fine = PolygonalLine.interpolating(f, 0, 1, 64);
  let worst = 0;
  for (let i = 0; i <= 20_000; i++) worst = Math.max(worst, Math.abs(f(i / 20_000) - fine.at(i / 20_000)));
  const bound = (2 * Math.PI) ** 2 / (8 * 64 ** 2);
  assert.ok(worst <= bound && worst > 0.99 * bound, `${worst} ${bound}`);
});

test("polygonalFit keeps its promise with the least power of two, and says when it cannot", () => {
  const fit = polygonalFit(Math.exp, 0, 1, 1e-3);
  assert.ok(fit.error <= 1e-3);
  // e / (8 m²) ≤ 1e-3 from m = 18.4 on
  assert.equal(fit.pieces, 32);
  assert.throws(() => polygonalFit((x) => (x < 0.3 ? 0 : 1), 0, 1, 0.1, { maxPieces: 64 }), /no line of 64 pieces/);
});

test("the largest of k inputs takes ⌈log₂ k⌉ hidden layers", () => {
  for (const [k, depth] of [
    [1, 0],
    [2, 1],
    [3, 2],
    [5, 3],
    [8, 3],
  ]) {
    const network = maxTree(k);
    assert.equal(network.depth, depth);
    const x = draw([200, k], k).mul(8).round(); // whole numbers: sums are exact
    same(network.forward(x).squeeze(-1), x.max(-1), 0, `max of ${k}`);
  }
});

test("k-hinges reduce to hinges of n + 1 pieces", () => {
  for (const [k, n, seed] of [
    [3, 1, 1],
    [7, 1, 2],
    [5, 2, 3],
    [7, 2, 4],
    [6, 3, 5],
  ]) {
    const maximum = new MaxAffine(draw([k, n], seed), draw([k], seed + 50));
    const sum = hinges(maximum);
    for (const hinge of sum.hinges) assert.ok(hinge.weight.shape[0] <= n + 1);
    const x = draw([500, n], seed + 100).mul(3);
    same(sum.forward(x), maximum.forward(x), 1e-9, `${k} pieces in ${n} dimensions`);
  }
});

test("min and median are signed hinges", () => {
  const x = draw([300, 2], 9);
  const rows = [
    [1, 0],
    [0, 0],
    [0, 1],
  ];
  const up = new MaxAffine(tensor(rows, { dtype: "float64" }), tensor([0, 0, 0], { dtype: "float64" }));
  const down = new MaxAffine(tensor(rows, { dtype: "float64" }).neg(), tensor([0, 0, 0], { dtype: "float64" }));
  const data = x.dataSync();
  const sorted = Array.from({ length: 300 }, (_, i) => [data[2 * i], 0, data[2 * i + 1]].toSorted((a, b) => a - b));
  same(down.forward(x).neg(), tensor(Float64Array.from(sorted, (s) => s[0])), 0, "min(x, 0, y)");
  const median = x.sum(-1).sub(up.forward(x)).add(down.forward(x));
  same(median, tensor(Float64Array.from(sorted, (s) => s[1])), 1e-12, "median(x, 0, y)");
});

test("idle pieces are found exactly", () => {
  const pieces = [
    { weight: [1], bias: 0 },
    { weight: [-1], bias: 0 },
    { weight: [0], bias: -0.5 },
    { weight: [0], bias: 0 }, // touches at one point only
    { weight: [1], bias: 0 },
  ];
  assert.equal(MaxAffine.of(pieces).pruned().pieces().length, 2);
  const raised = [...pieces.slice(0, 2), { weight: [0], bias: 0.5 }];
  assert.equal(MaxAffine.of(raised).pruned().pieces().length, 3);
});

test("a rectifier network is a difference of two maxima", () => {
  const map = (out: number, into: number, seed: number): { weight: number[][]; bias: number[] } => ({
    weight: Array.from({ length: out }, (_, i) => Array.from(draw([into], seed + i).dataSync())),
    bias: Array.from(draw([out], seed + 40).dataSync()),
  });
  const network = ReluNetwork.of([map(3, 2, 100), map(2, 3, 200), map(1, 2, 300)], 2);
  const difference = DifferenceOfMaxima.fromReluNetwork(network);
  const x = draw([400, 2], 77).mul(2);
  same(difference.forward(x), network.forward(x).squeeze(-1), 1e-10, "difference of maxima");
  same(difference.toReluNetwork().forward(x).squeeze(-1), network.forward(x).squeeze(-1), 1e-9, "and back");
});

test("the epigraph lies above", () => {
  const abs = MaxAffine.of([
    { weight: [1], bias: 0 },
    { weight: [-1], bias: 0 },
  ]);
  const x = tensor([[-1], [2], [0]], { dtype: "float64" });
  assert.deepEqual(Array.from(abs.epigraph(x, tensor([1, 1.5, 0])).dataSync(), Boolean), [true, false, true]);
});
