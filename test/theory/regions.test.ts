/** Regions of rectifier networks: counts from theorems, maps against the network itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, jacobian, tensor } from "typegrad";
import { Linear } from "typegrad/nn";
import * as random from "typegrad/random";
import {
  activationPattern,
  foldingNetwork,
  linearRegions,
  localAffineMap,
  montufar,
  ReluNetwork,
  sawtooth,
  zaslavsky,
} from "typegrad/theory";

const numbers = (count: number, seed: number): number[] =>
  Array.from(random.normal(random.key(seed), [count], { dtype: "float64" }).dataSync());
const point = (x: readonly number[]): Tensor => tensor(Float64Array.from(x));

/** A network with random weights in float64. */
function randomNetwork(sizes: readonly number[], seed: number): ReluNetwork {
  const maps = sizes.slice(1).map((out, i) => {
    const drawn = numbers(out * (sizes[i] + 1), seed + i);
    return {
      weight: Array.from({ length: out }, (_, r) => drawn.slice(r * sizes[i], (r + 1) * sizes[i])),
      bias: drawn.slice(out * sizes[i]),
    };
  });
  return ReluNetwork.of(maps, sizes[0]);
}

test("hyperplanes in general position cut the space into Zaslavsky's number of regions", () => {
  const published: [number, number, number][] = [
    [3, 2, 7],
    [4, 2, 11],
    [5, 2, 16],
    [10, 3, 176],
  ];
  for (const [m, n, count] of published) {
    assert.equal(zaslavsky(m, n), count);
    assert.equal(linearRegions(randomNetwork([n, m, 1], 10 * m + n)).length, count, `${m} planes in ${n} dimensions`);
  }
  for (const m of [1, 2, 3]) assert.equal(linearRegions(randomNetwork([4, m, 1], m)).length, 2 ** m);
});

test("fewer regions when planes are parallel or share a line", () => {
  const lines = (weight: number[][], bias: number[]): number =>
    linearRegions(
      ReluNetwork.of(
        [
          { weight, bias },
          { weight: [weight.map(() => 1)], bias: [0] },
        ],
        2,
      ),
    ).length;
  assert.equal(
    lines(
      [
        [1, 0],
        [1, 0],
        [1, 0],
      ],
      [0, -1, -2],
    ),
    4,
  );
  assert.equal(
    lines(
      [
        [1, 0],
        [0, 1],
        [1, 1],
      ],
      [0, 0, 0],
    ),
    6,
  );
  assert.equal(
    lines(
      [
        [1, 0],
        [2, 0],
      ],
      [-1, -2],
    ),
    2,
  );
});

test("in every region the network is the region's affine map, and has its pattern", () => {
  const network = randomNetwork([2, 6, 5, 2], 3);
  const regions = linearRegions(network);
  assert.ok(regions.length > zaslavsky(6, 2));
  for (const { pattern, map, parts } of regions) {
    const x = parts[0].interior;
    const y = network.forward(point(x)).dataSync();
    const expected = map.weight.map((row, i) => row[0] * x[0] + row[1] * x[1] + map.bias[i]);
    expected.forEach((value, i) =>
      assert.ok(Math.abs(y[i] - value) <= 1e-9 * (1 + Math.abs(value)), `${y[i]} ${value}`),
    );
    const seen = activationPattern(network, point(x)).map((on) => Array.from(on.dataSync(), Boolean));
    assert.deepEqual(seen, pattern);
  }
});

test("random points lie in counted regions only, and regions of a box fill it", () => {
  const network = randomNetwork([2, 5, 4, 1], 8);
  const within = { low: [-2, -1], high: [1, 2] };
  const regions = linearRegions(network, { within });
  const keys = new Set(regions.map(({ pattern }) => JSON.stringify(pattern)));
  const drawn = random
    .uniform(random.key(4), [2000, 2], { dtype: "float64" })
    .mul(3)
    .add(tensor([-2, -1]));
  const patterns = activationPattern(network, drawn).map((on) => on.toArraySync());
  for (let i = 0; i < 2000; i++) {
    const key = JSON.stringify(patterns.map((layer) => (Array.isArray(layer) ? layer[i] : [])));
    assert.ok(keys.has(key), key);
  }
  const area = regions.reduce((sum, { parts }) => sum + parts.reduce((s, p) => s + hullArea(p.vertices), 0), 0);
  assert.ok(Math.abs(area - 9) < 1e-9, `${area}`);
});

/** The area of a convex polygon from its corners in any order. */
function hullArea(corners: readonly (readonly number[])[]): number {
  const cx = corners.reduce((s, c) => s + c[0], 0) / corners.length;
  const cy = corners.reduce((s, c) => s + c[1], 0) / corners.length;
  const around = corners.toSorted((a, b) => Math.atan2(a[1] - cy, a[0] - cx) - Math.atan2(b[1] - cy, b[0] - cx));
  const twice = around.reduce((sum, [x, y], i) => {
    const [nx, ny] = around[(i + 1) % around.length];
    return sum + x * ny - nx * y;
  }, 0);
  return twice / 2;
}

test("the saw-tooth of depth L has 2^L pieces and is the iterated tent", () => {
  const tent = (x: number): number => 1 - Math.abs(2 * x - 1);
  for (const depth of [1, 3, 6]) {
    const network = sawtooth(depth);
    assert.equal(network.depth, depth);
    assert.equal(linearRegions(network, { within: { low: [0], high: [1] } }).length, 2 ** depth);
    for (const x of [0, 0.1, 0.3125, 0.5, 0.77, 1]) {
      let y = x;
      for (let i = 0; i < depth; i++) y = tent(y);
      assert.ok(Math.abs(network.forward(point([x])).dataSync()[0] - y) < 1e-12);
    }
  }
});

test("folding networks reach Montúfar's bound", () => {
  const cases: [number, number[], number][] = [
    [2, [4, 4], 44],
    [2, [4, 4, 3], 4 * 4 * 7],
    [1, [3, 4], 15],
    [3, [6, 4], 8 * 15],
  ];
  for (const [n, widths, bound] of cases) {
    assert.equal(montufar(n, widths), bound);
    const box = { low: Array.from({ length: n }, () => 0), high: Array.from({ length: n }, () => 1) };
    const count = linearRegions(foldingNetwork(n, widths), { within: box }).length;
    assert.ok(count >= bound, `${count} regions, bound ${bound}`);
  }
  assert.throws(() => montufar(3, [2]), /every width must be at least the 3 inputs/);
});

test("the local affine map is the Jacobian and agrees with the network around the point", () => {
  const network = randomNetwork([3, 5, 5, 2], 20);
  const x = point([0.3, -0.2, 0.9]);
  const { weight, bias } = localAffineMap(network, x);
  const slope = jacobian((v: Tensor) => network.forward(v))(x).dataSync();
  weight.dataSync().forEach((w, i) => assert.ok(Math.abs(w - slope[i]) < 1e-12));
  const y = network.forward(x).dataSync();
  weight
    .matmul(x)
    .add(bias)
    .dataSync()
    .forEach((v, i) => assert.ok(Math.abs(v - y[i]) < 1e-12));
});

test("networks that do not fit together and boxes of other dimensions are refused", () => {
  assert.throws(
    () => new ReluNetwork([new Linear(2, 3), new Linear(4, 1)]),
    /layer 1 must take the 3 features of layer 0, got 4/,
  );
  assert.throws(() => new ReluNetwork([]), /at least one layer/);
  assert.throws(
    () => linearRegions(sawtooth(1), { within: { low: [0, 0], high: [1, 1] } }),
    /the box must have 1 dimensions/,
  );
  assert.throws(() => linearRegions(sawtooth(1), { within: { low: [1], high: [0] } }), /every low must be less/);
  assert.throws(() => localAffineMap(sawtooth(1), tensor([1, 2])), /it takes one point \[1\]/);
});
