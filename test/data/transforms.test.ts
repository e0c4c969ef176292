/** Random transforms: what is exact, what is random, and how it is distributed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { arange, compile, random, type Tensor, tensor, zeros } from "typegrad";
import { transforms as T } from "typegrad/data";
import { crossEntropy } from "typegrad/nn";

const key = random.key(7);
const pictures = (n: number, channels = 1, height = 6, width = 6): Tensor =>
  random.uniform(random.key(1), [n, channels, height, width]);
const values = (x: Tensor): number[] => [...x.dataSync()];
const same = (a: Tensor, b: Tensor, what = ""): void => {
  assert.deepEqual(a.shape, b.shape, what);
  assert.deepEqual(values(a), values(b), what);
};
/** The picture with a number. */
const one = (x: Tensor, i: number): Tensor => x.at(`${i}:${i + 1}`);

test("flips undo themselves; quarter turns are exact and four of them nothing", () => {
  for (const side of [5, 28]) {
    const x = pictures(2, 3, side, side);
    same(T.hflip(T.hflip(x)), x);
    same(T.vflip(T.vflip(x)), x);
    const turned = x.transpose([0, 1, 3, 2]).flip(2); // counter-clockwise, as NumPy's rot90
    for (const interpolation of ["nearest", "bilinear"] as const) {
      same(T.rotate(x, 90, { interpolation }), turned, "90°");
      same(T.rotate(x, -270, { interpolation }), turned, "-270°");
      same(T.rotate(x, tensor([90, 180]), { interpolation }).at(1), x.flip([2, 3]).at(1), "180°");
      same(T.rotate(turned, 270, { interpolation }), x, "270°");
      same(T.affine(x, {}, { interpolation }), x, "no change");
    }
  }
});

test("what changes nothing gives back the pictures", () => {
  const x = pictures(3, 3);
  const still: Readonly<Record<string, T.Transform>> = {
    compose: T.compose(),
    crop: T.randomCrop(6),
    flip: T.randomHorizontalFlip(0),
    rotation: T.randomRotation(0, { interpolation: "bilinear" }),
    affine: T.randomAffine(0, { interpolation: "bicubic" }),
    resizedCrop: T.randomResizedCrop(6, { scale: [1, 1], ratio: [1, 1] }),
    resize: T.resize(6),
    pad: T.pad(0),
    noise: T.gaussianNoise(0),
    erasing: T.randomErasing({ p: 0 }),
    jitter: T.colorJitter({}),
    apply: T.randomApply(T.grayscale(3), 0),
    normalize: T.normalize(0, 1),
  };
  for (const [name, step] of Object.entries(still)) same(step(x, key), x, name);
  assert.deepEqual(
    values(T.adjustHue(x, 0)).map((v) => v.toFixed(5)),
    values(x).map((v) => v.toFixed(5)),
  );
});

test("a key decides, every picture has a draw of its own, and compiled or not is the same", () => {
  const x = one(pictures(1, 3, 12, 12), 0).broadcastTo([40, 3, 12, 12]);
  const steps: Readonly<Record<string, T.Transform>> = {
    crop: T.randomCrop(12, { padding: 3 }),
    reflected: T.randomCrop(12, { padding: 3, paddingMode: "reflect" }),
    flip: T.randomHorizontalFlip(),
    rotation: T.randomRotation(30),
    affine: T.randomAffine(20, { translate: [0.2, 0.1], scale: [0.8, 1.2], shear: [10, 5], interpolation: "bilinear" }),
    resizedCrop: T.randomResizedCrop(8),
    erasing: T.randomErasing({ value: "random" }),
    noise: T.gaussianNoise(0.2),
    jitter: T.colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.2 }),
    pca: T.pcaJitter(T.colorAxes(pictures(4, 3))),
  };
  for (const [name, step] of Object.entries({ ...steps, all: T.compose(...Object.values(steps)) })) {
    const y = step(x, key);
    same(step(x, key), y, name);
    assert.notDeepEqual(values(step(x, random.key(8))), values(y), name);
    const distinct = new Set(Array.from({ length: 40 }, (_, i) => values(y.at(i)).join()));
    assert.ok(distinct.size >= (name === "flip" ? 2 : 10), `${name}: ${distinct.size} of 40 differ`);
    const compiled = values(compile(step)(x, key));
    values(y).forEach((v, i) => assert.ok(Math.abs(v - compiled[i]) <= 1e-5, `${name}[${i}]: ${v} and ${compiled[i]}`));
  }
  random.manualSeed(3);
  const first = values(steps["crop"](x));
  assert.notDeepEqual(values(steps["crop"](x)), first, "the default generator goes on");
  random.manualSeed(3);
  assert.deepEqual(values(steps["crop"](x)), first);
});

test("a random crop is a window of the padded picture, every place equally often", () => {
  const n = 4000;
  const x = tensor(
    Float32Array.from({ length: 16 }, (_, i) => i + 1),
    { shape: [1, 1, 4, 4] },
  );
  const y = T.randomCrop([4, 3], { padding: [1, 1, 0, 1], fill: -1 })(x.broadcastTo([n, 1, 4, 4]), key);
  const padded = x.pad(
    [
      [0, 0],
      [0, 0],
      [1, 1],
      [1, 0],
    ],
    -1,
  ); // [1, 1, 6, 5]
  const windows = new Map<string, number>();
  for (const top of [0, 1, 2])
    for (const left of [0, 1, 2])
      windows.set(values(padded.at(0, 0, `${top}:${top + 4}`, `${left}:${left + 3}`)).join(), 0);
  assert.equal(windows.size, 9);
  for (let i = 0; i < n; i++) {
    const seen = values(y.at(i)).join();
    assert.ok(windows.has(seen), seen);
    windows.set(seen, (windows.get(seen) ?? 0) + 1);
  }
  const chiSquare = [...windows.values()].reduce((sum, k) => sum + (k - n / 9) ** 2 / (n / 9), 0);
  assert.ok(chiSquare < 26.12, `χ² = ${chiSquare}`); // the 99.9 % quantile at 8 degrees of freedom
});

test("holes are rectangles of the right areas and ratios; noise has its deviation, and is clipped", () => {
  const n = 500;
  const hole = T.randomErasing({ p: 0.7, scale: [0.1, 0.3], ratio: [0.5, 2], value: 0 });
  const y = hole(tensor([1]).reshape([1, 1, 1, 1]).broadcastTo([n, 2, 20, 30]), key);
  let erased = 0;
  for (let i = 0; i < n; i++) {
    const picture = y.at(i, 0).toArraySync();
    assert.deepEqual(picture, y.at(i, 1).toArraySync(), "the channels have one hole");
    const rows = values(y.at(i, 0).min(1)).map((v) => v === 0);
    const columns = values(y.at(i, 0).min(0)).map((v) => v === 0);
    const [height, width] = [rows.filter(Boolean).length, columns.filter(Boolean).length];
    assert.equal(values(y.at(i, 0)).filter((v) => v === 0).length, height * width, "a full rectangle");
    if (height === 0) continue;
    erased++;
    // Sides are rounded to whole pixels.
    assert.ok((height + 0.5) * (width + 0.5) >= 60 && (height - 0.5) * (width - 0.5) <= 180, `${height}×${width}`);
    assert.ok((width + 0.5) / (height - 0.5) >= 0.5 && (width - 0.5) / (height + 0.5) <= 2, `${height}×${width}`);
  }
  assert.ok(Math.abs(erased - 0.7 * n) < 4 * Math.sqrt(n * 0.21), `${erased} of ${n}`);
  const grey = tensor([0.5]).reshape([1, 1, 1, 1]).broadcastTo([10, 1, 50, 50]);
  const noisy = T.gaussianNoise(0.1)(grey, key);
  assert.ok(Math.abs(noisy.std().itemSync() - 0.1) < (0.1 * 4) / Math.sqrt(2 * 25_000));
  const clipped = T.gaussianNoise(1)(grey, key);
  assert.deepEqual([clipped.min().itemSync(), clipped.max().itemSync()], [0, 1]);
  assert.ok(T.gaussianNoise(1, { clip: false })(grey, key).max().itemSync() > 1);
});

test("mixup and cutmix: pictures and targets in the same shares; soft targets are what cross-entropy takes", () => {
  const n = 64;
  const labels = tensor(Int32Array.from({ length: n }, (_, i) => i % 4));
  // Every pixel of a picture holds its class, so a mixture's mean is its expected class.
  const x = labels.astype("float32").reshape([n, 1, 1, 1]).broadcastTo([n, 2, 8, 8]);
  for (const mix of [
    T.mixup({ classes: 4, alpha: 0.4 }),
    T.mixup({ classes: 4 }),
    T.cutmix({ classes: 4, alpha: 2 }),
  ]) {
    const mixed = mix(x, labels, key);
    assert.deepEqual(mixed.targets.shape, [n, 4]);
    const expected = values(mixed.targets.matmul(tensor([0, 1, 2, 3])));
    values(mixed.x.mean([1, 2, 3])).forEach((mean, i) => assert.ok(Math.abs(mean - expected[i]) < 1e-5, `${i}`));
    for (const sum of values(mixed.targets.sum(1))) assert.ok(Math.abs(sum - 1) < 1e-6);
    assert.ok(new Set(values(mixed.targets.max(1))).size >= 5, "shares of their own");
    assert.ok(Number.isFinite(crossEntropy(x.at(":", 0, 0, ":4"), mixed.targets).itemSync()));
    same(mix(x, labels, key).x, mixed.x);
  }
  // E λ² of Beta(a, a) is (a + 1) / (4a + 2)
  const many = 20_000;
  const { targets } = T.mixup({ alpha: 0.4 })(
    tensor([0]).reshape([1, 1, 1, 1]).broadcastTo([many, 1, 1, 1]),
    tensor([[1, 0]])
      .broadcastTo([many, 2])
      .add(0),
    key,
  );
  assert.ok(
    values(targets.at(":", 0)).every((v) => Math.abs(v - 1) < 1e-6),
    "a mixture with its like is itself",
  );
  const marks = tensor(
    Float32Array.from({ length: many * 2 }, (_, i) => (i % 4 === 0 || i % 4 === 3 ? 1 : 0)),
    {
      shape: [many, 2],
    },
  );
  const first = T.mixup({ alpha: 0.4 })(
    tensor([0]).reshape([1, 1, 1, 1]).broadcastTo([many, 1, 1, 1]),
    marks,
    key,
  ).targets.at(":", 0);
  // Half of the pairs are unlike; their share λ has E (λ - ½)² = (a + 1) / (4a + 2) - ¼ = 5/36, the others' ¼.
  const spread = first.sub(0.5).square().mean().itemSync();
  assert.ok(Math.abs(spread - (5 / 36 + 1 / 4) / 2) < 0.003, `${spread}`);
});

test("smoothed labels are those of cross-entropy's own smoothing", () => {
  const logits = random.normal(key, [5, 3]);
  const labels = tensor(Int32Array.of(0, 2, 1, 1, 0));
  const own = crossEntropy(logits, labels, { labelSmoothing: 0.2 }).itemSync();
  const soft = crossEntropy(logits, T.smoothLabels(labels, 0.2, 3)).itemSync();
  const beyond = T.smoothLabels(tensor(Int32Array.of(2, 3, -1)), 0.3, 3);
  const [tenth, rest] = [Math.fround(0.1), Math.fround(Math.fround(0.7) + 0.1)];
  assert.deepEqual([...beyond.dataSync()], [tenth, tenth, rest, NaN, NaN, NaN, NaN, NaN, NaN]);
  assert.ok(Math.abs(own - soft) < 1e-6);
});

test("PCA jitter moves all pixels of a picture alike, with the covariance std² P Λ² Pᵀ", () => {
  const axes = T.colorAxes(pictures(8, 3));
  const n = 40_000;
  const moves = T.pcaJitter(axes, 0.5)(tensor([0]).reshape([1, 1, 1, 1]).broadcastTo([n, 3, 1, 2]), key);
  same(moves.at("...", 0), moves.at("...", 1));
  const m = moves.at(":", ":", 0, 0); // [n, 3]
  const measured = values(m.transpose().matmul(m).div(n));
  const scaled = axes.eigenvectors.mul(axes.eigenvalues).mul(0.5);
  const expected = values(scaled.matmul(scaled.transpose()));
  const largest = Math.max(...expected);
  measured.forEach((v, i) => assert.ok(Math.abs(v - expected[i]) < 0.03 * largest, `${v} and ${expected[i]}`));
});

test("what gets smaller is smoothed unless told otherwise", async () => {
  // F.resize(x, 1, antialias=True): all of a row and a column of 4 pixels count, by a triangle of width 8 around its middle
  const spike = tensor([0, 0, 0, 16]).reshape([1, 1, 1, 4]).broadcastTo([1, 1, 4, 4]);
  const weights = [5 / 8, 7 / 8, 7 / 8, 5 / 8];
  const expected = (16 * weights[3]) / weights.reduce((a, b) => a + b);
  assert.ok(Math.abs((await T.resize(1)(spike).item()) - expected) < 1e-5);
  assert.equal(await T.resize(1, { antialias: false })(spike).item(), 0);
  assert.equal(await T.resize(1, { interpolation: "nearest" })(spike).item(), 0);
});

test("sizes and middles are those of torchvision, which rounds halves to even", async () => {
  // int(32 · 98 / 49) = 64, where 98 · (32 / 49) lies below it
  assert.deepEqual(T.resize(32)(zeros([1, 1, 49, 98])).shape, [1, 1, 32, 64]);
  // the first row of F.center_crop(x, 4) of torchvision 0.14 for so many rows 0, 1, …
  for (const [rows, first] of [
    [5, 0],
    [7, 2],
    [9, 2],
    [11, 4],
  ]) {
    const x = arange(rows).reshape([1, 1, rows, 1]).broadcastTo([1, 1, rows, 4]);
    assert.equal(await T.centerCrop(4)(x).at(0, 0, 0, 0).item(), first);
  }
});

test("what does not fit is refused by name", () => {
  const x = pictures(1);
  const wrong: readonly (readonly [() => unknown, RegExp])[] = [
    [() => T.randomCrop(7)(x), /randomCrop: pictures with their padding must be at least 7×7, got 6×6/],
    [() => T.randomCrop(0), /randomCrop: the size must be a positive integer/],
    [() => T.pad(-1), /pad: padding must be an integer of at least 0/],
    [() => T.randomHorizontalFlip(2), /randomHorizontalFlip: p must be from 0 to 1, got 2/],
    [() => T.resize(3)(tensor([1])), /resize: pictures must be \[N,C,H,W\], got float32\[1\]/],
    [() => T.adjustHue(pictures(1, 2), 0.1), /adjustHue: pictures must be \[N,3,H,W\], got float32\[1,2,6,6\]/],
    [() => T.colorJitter({ hue: 0.6 }), /colorJitter: hue/],
    [() => T.colorJitter({ brightness: [2, 1] }), /colorJitter: brightness must be/],
    [() => T.normalize([0, 0], [1]), /normalize: there must be as many positive deviations as means/],
    [() => T.normalize(0, 0), /normalize/],
    [() => T.mixup()(x, tensor(Int32Array.of(1))), /mixup: classes must be given/],
    [() => T.cutmix({ classes: 2 })(x, tensor([1])), /cutmix: targets must be classes/],
    [() => T.mixup({ alpha: 0 })(x, tensor([[1]])), /mixup: alpha must be positive/],
    [() => T.smoothLabels(tensor([[1]]), 2), /smoothLabels: epsilon must be from 0 to 1, got 2/],
    [() => T.gaussianNoise(-1), /gaussianNoise: sigma/],
    [
      // @ts-expect-error there is no such mode
      () => T.crop(x, 0, 0, 2, { paddingMode: "wrap" }),
      /crop: paddingMode must be one of constant, edge, reflect, symmetric/,
    ],
  ];
  for (const [run, message] of wrong) assert.throws(run, message);
});
