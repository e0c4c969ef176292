import assert from "node:assert/strict";
import { test } from "node:test";
import { colourLevels, digitLevels, garmentLevels, greyLevels } from "#src/cli/picture.js";
import { digits } from "typegrad/data";
import type { Picture } from "typegrad/plot";

const grey = (width: number, height: number, level: (x: number, y: number) => number): Picture => ({
  width,
  height,
  channels: 1,
  pixels: Uint8Array.from({ length: width * height }, (_, i) =>
    Math.round(255 * level(i % width, Math.floor(i / width))),
  ),
});
const cells = (values: Float32Array): [x: number, y: number][] =>
  [...values].flatMap((v, i): [number, number][] => (v > 0.5 ? [[i % 28, Math.floor(i / 28)]] : []));
const span = (list: number[]): [number, number] => [Math.min(...list), Math.max(...list)];

test("a picture like MNIST's stays as it is", () => {
  const picture = grey(28, 28, (x, y) => (x > 9 && x < 15 && y > 3 && y < 24 ? 0.8 : 0));
  assert.deepEqual(
    [...digitLevels(picture)],
    [...picture.pixels].map((v) => Math.fround(v / 255)),
  );
});

test("dark strokes on light paper: turned over, fitted into 20 × 20, centred by mass", () => {
  // A bar of 40 × 200 in a corner of a sheet: 4 × 20 around the middle.
  const values = digitLevels(grey(400, 300, (x, y) => (x >= 10 && x < 50 && y >= 20 && y < 220 ? 0.1 : 0.9)));
  const on = cells(values);
  assert.equal(on.length, 4 * 20);
  assert.deepEqual(span(on.map(([x]) => x)), [12, 15]);
  assert.deepEqual(span(on.map(([, y]) => y)), [4, 23]);
  assert.ok(
    values.every((v) => v < 1e-6 || Math.abs(v - 8 / 9) < 2e-3),
    "the paper is 0, the ink its contrast to it",
  );
});

test("light strokes on grey, and small ones, are fitted too", () => {
  const on = cells(digitLevels(grey(9, 9, (x, y) => (x >= 2 && x < 7 && y >= 3 && y < 5 ? 1 : 0.3))));
  assert.deepEqual(span(on.map(([x]) => x)), [4, 23]);
  assert.deepEqual(span(on.map(([, y]) => y)), [10, 17]);
});

test("means over areas keep the amount of ink", () => {
  const checks = digitLevels(grey(40, 40, (x, y) => (x + y) % 2));
  const inside = [...checks].filter((_, i) => i % 28 >= 4 && i % 28 < 24 && i >= 4 * 28 && i < 24 * 28);
  assert.ok(
    inside.every((v) => Math.abs(v - inside[0]) < 1e-6 && v > 0),
    "each pixel covers two of each kind",
  );
});

test("real digits, drawn ten times as large in black on white, come back as they were", async () => {
  const { images } = (await digits({ split: "test", limit: 200 })).arrays;
  const differences = Array.from({ length: 200 }, (_, k) => {
    const digit = [...images.data.subarray(k * 784, (k + 1) * 784)];
    const drawn = grey(280, 280, (x, y) => 1 - digit[Math.floor(y / 10) * 28 + Math.floor(x / 10)]);
    const ink = digit.reduce((a, b) => a + b);
    return digitLevels(drawn).reduce((sum, v, i) => sum + Math.abs(v - digit[i]), 0) / ink;
  }).sort((a, b) => a - b);
  assert.ok(differences[100] < 1e-3, `the middle one differs by ${differences[100]} of its ink`);
  // A centre of mass on the edge of a pixel may fall to the other side: a shift by one.
  assert.ok(differences[190] < 0.05, `of 200, ten may differ by more than ${differences[190]}`);
});

test("an empty sheet is empty", () => {
  assert.ok(digitLevels(grey(50, 60, () => 1)).every((v) => v === 0));
});

test("a garment is put into the middle, as large as its longer side allows", () => {
  // Dark on white, 40 high and 20 wide, in a picture of 100 by 60.
  const drawn = grey(100, 60, (x, y) => (x >= 30 && x < 50 && y >= 10 && y < 50 ? 0 : 1));
  const lit = cells(garmentLevels(drawn));
  assert.deepEqual(span(lit.map(([x]) => x)), [7, 20]);
  assert.deepEqual(span(lit.map(([, y]) => y)), [0, 27]);
});

test("levels at another size are means over equal areas", () => {
  const picture = grey(4, 2, (x, y) => (x + 4 * y) / 10);
  const means = [...greyLevels(picture, 2, 1)];
  const expected = [(0 + 0.1 + 0.4 + 0.5) / 4, (0.2 + 0.3 + 0.6 + 0.7) / 4];
  assert.ok(
    means.every((v, i) => Math.abs(v - expected[i]) < 0.005),
    means.join(),
  );
});

test("of a picture in colour the middle square is taken, colour by colour", () => {
  const pixels = Uint8Array.from({ length: 3 * 4 * 2 }, (_, i) =>
    Math.floor(i / 3) % 4 === 1 ? [255, 102, 0][i % 3] : 0,
  );
  const levels = [...colourLevels({ width: 4, height: 2, channels: 3, pixels }, 2)];
  assert.deepEqual(
    levels.map((v) => Math.round(v * 10) / 10),
    [1, 0, 1, 0, 0.4, 0, 0.4, 0, 0, 0, 0, 0],
  );
});
