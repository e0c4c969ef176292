/** Pretext tasks: every label says what was done, checked by undoing it; bootstrap samples; colours. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { arange, compile, tensor, type Tensor } from "typegrad";
import { bootstrap, labToRgb, outOfBag, permutation, pretext, rgbToLab } from "typegrad/data";
import * as random from "typegrad/random";

/** Pictures of which every pixel has a number of its own. */
const numbered = (n: number, c: number, side: number): Tensor =>
  arange(n * c * side * side).reshape([n, c, side, side]);
const list = (x: Tensor): number[] => Array.from(x.dataSync(), Number);

test("rotate90 is numpy.rot90, and four of them are none", () => {
  const x = tensor([
    [
      [
        [1, 2],
        [3, 4],
      ],
    ],
  ]);
  assert.deepEqual(list(pretext.rotate90(x)), [2, 4, 1, 3]);
  assert.deepEqual(list(pretext.rotate90(x, 2)), [4, 3, 2, 1]);
  assert.deepEqual(list(pretext.rotate90(x, -1)), [3, 1, 4, 2]);
  assert.deepEqual(list(pretext.rotate90(x, 4)), [1, 2, 3, 4]);
});

test("rotations: turning back by the label gives the picture", () => {
  const x = numbered(3, 2, 5);
  const { images, labels } = pretext.rotations(x);
  assert.deepEqual(images.shape, [12, 2, 5, 5]);
  assert.equal(labels.dtype, "int32");
  list(labels).forEach((turns, i) =>
    assert.deepEqual(list(pretext.rotate90(images.at([i]), -turns)), list(x.at([i % 3]))),
  );
  assert.throws(() => pretext.rotations(numbered(1, 1, 4).at(":", ":", ":3")), /as high as wide/);
});

/** The upper left pixel of patches `[…, C, s, s]` of a numbered picture: row and column. */
function cornerOf(patch: Tensor, side: number): [number, number] {
  const first = Number(patch.flatten().at(0).itemSync()) % (side * side);
  return [Math.floor(first / side), first % side];
}

test("patches: a grid from the middle, row by row, with gaps", () => {
  const cut = pretext.patches(numbered(2, 1, 13), { size: 3, gap: 1 }); // 3 · 3 + 2 = 11 of 13
  assert.deepEqual(cut.shape, [2, 9, 1, 3, 3]);
  const corners = Array.from({ length: 9 }, (_, k) => cornerOf(cut.at(1, k), 13));
  assert.deepEqual(corners[0], [1, 1]);
  assert.deepEqual(corners[5], [5, 9]);
  assert.deepEqual(list(cut.at(0, 0, 0, 1)), [27, 28, 29]);
  assert.throws(() => pretext.patches(numbered(1, 1, 8), { size: 3 }), /patches: 3 patches of 3 .* must fit/);
});

for (const jitter of [0, 1])
  test(`relativePatches: the label is the place, jitter ${jitter}, also compiled`, () => {
    const side = 17;
    const x = numbered(64, 2, side);
    const options = { size: 3, gap: 3, jitter };
    const make = compile((pictures: Tensor, key: random.Key) => pretext.relativePatches(pictures, key, options));
    const { centre, neighbour, labels } = make(x, random.key(4));
    assert.deepEqual(neighbour.shape, [64, 2, 3, 3]);
    const seen = new Set<number>();
    const moves = new Set<string>();
    list(labels).forEach((label, i) => {
      const [a, b] = [cornerOf(centre.at(i), side), cornerOf(neighbour.at(i), side)];
      const place = label + (label >= 4 ? 1 : 0);
      const steps = [Math.floor(place / 3) - 1, (place % 3) - 1];
      const off = steps.map((step, axis) => b[axis] - a[axis] - 6 * step);
      assert.ok(
        off.every((v) => Math.abs(v) <= 2 * jitter),
        `${label}: ${a} and ${b}`,
      );
      seen.add(label);
      moves.add(off.join());
    });
    assert.equal(seen.size, 8);
    assert.equal(moves.size > 1, jitter > 0);
  });
test("relativePatches: jitter must fit into the gap", () => {
  assert.throws(
    () => pretext.relativePatches(numbered(1, 1, 17), random.key(0), { size: 3, gap: 1, jitter: 1 }),
    /jitter must be from 0 to half the gap of 1, got 1/,
  );
});

test("permutationSet: orders far from each other, the identity first", () => {
  const four = permutationOf(pretext.permutationSet(4, 4));
  // The shifts of four things differ everywhere: no two of four orders can differ in more places.
  for (let i = 0; i < 4; i++)
    for (let j = 0; j < i; j++) assert.equal(four[i].filter((v, k) => v !== four[j][k]).length, 4);
  assert.deepEqual(four[0], [0, 1, 2, 3]);
  assert.equal(new Set(pretext.permutationSet(24, 4).map(String)).size, 24);
  assert.throws(() => pretext.permutationSet(3, 2), /permutationSet/);
});
const permutationOf = (orders: readonly number[][]): readonly number[][] => {
  for (const order of orders) assert.deepEqual([...order].sort(), [...order.keys()]);
  return orders;
};

test("jigsaw: putting the pieces back by the label gives the picture", () => {
  const x = numbered(40, 1, 9);
  const orders = pretext.permutationSet(6);
  const { pieces, labels } = pretext.jigsaw(x, random.key(1), orders, { size: 3 });
  const plain = pretext.patches(x, { size: 3 });
  list(labels).forEach((label, i) =>
    orders[label].forEach((place, k) => assert.deepEqual(list(pieces.at(i, k)), list(plain.at(i, place)))),
  );
  assert.equal(new Set(list(labels)).size, 6);
  assert.throws(() => pretext.jigsaw(x, random.key(1), [[0, 1]], { size: 3 }), /orders of 9 pieces, got \[0,1\]/);
});

test("ordering: label 1 is the sequence as it was, 0 never", () => {
  const x = arange(200 * 3).reshape([200, 3]);
  const { sequences, labels } = pretext.ordering(x, random.key(2));
  const kept = list(labels);
  kept.forEach((label, i) => {
    const row = list(sequences.at(i));
    assert.deepEqual(
      [...row].sort((a, b) => a - b),
      list(x.at(i)),
    );
    assert.equal(row.join() === list(x.at(i)).join(), label === 1);
  });
  const share = kept.reduce((a, b) => a + b, 0) / 200;
  assert.ok(Math.abs(share - 0.5) < 0.15);
});

test("L*a*b* of the corners of sRGB as tables have them, and back", () => {
  // Lindbloom's calculator, sRGB with white D65
  const table: readonly (readonly [rgb: number[], lab: number[]])[] = [
    [
      [1, 1, 1],
      [100, 0, 0],
    ],
    [
      [1, 0, 0],
      [53.2408, 80.0925, 67.2032],
    ],
    [
      [0, 1, 0],
      [87.7347, -86.1827, 83.1793],
    ],
    [
      [0, 0, 1],
      [32.297, 79.1875, -107.8602],
    ],
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
  ];
  for (const [rgb, lab] of table) {
    const x = tensor(rgb).reshape([1, 3, 1, 1]);
    list(rgbToLab(x)).forEach((v, i) => assert.ok(Math.abs(v - lab[i]) < 5e-3, `${rgb}: ${v} and not ${lab[i]}`));
  }
  const x = random.uniform(random.key(0), [4, 3, 5, 5]);
  list(labToRgb(rgbToLab(x)).sub(x)).forEach((v) => assert.ok(Math.abs(v) < 1e-5));
  const { lightness, colors } = pretext.colorization(x);
  assert.deepEqual(
    [lightness.shape, colors.shape],
    [
      [4, 1, 5, 5],
      [4, 2, 5, 5],
    ],
  );
  assert.throws(() => rgbToLab(numbered(1, 1, 2)), /rgbToLab: pictures must be \[N, 3, H, W\]/);
});

test("bootstrap: numbers in range, other streams other samples, and who was left out", () => {
  const drawn = bootstrap(1000, { seed: 3, stream: 1 });
  assert.equal(drawn.length, 1000);
  assert.ok(drawn.every((i) => i < 1000));
  assert.deepEqual(drawn, bootstrap(1000, { seed: 3, stream: 1 }));
  assert.notDeepEqual(drawn, bootstrap(1000, { seed: 3, stream: 2 }));
  const out = outOfBag(1000, drawn);
  assert.equal(out.length + new Set(drawn).size, 1000);
  assert.ok(out.every((i) => !drawn.includes(i)));
  assert.equal(bootstrap(5, { count: 0 }).length, 0);
  assert.throws(() => bootstrap(0), /bootstrap: there must be at least one example, got 0/);
  assert.deepEqual([...permutation(6, 1)].sort(), [0, 1, 2, 3, 4, 5]);
});
