/** Pooling, unpooling and up-sampling against PyTorch, and the laws they obey. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, grad, tensor } from "typegrad";
import * as nn from "typegrad/nn";
import { manualSeed, randn } from "typegrad/random";
import { compareCases } from "../golden/cases.js";
import { type Case, close, fixture, fromStored, type Stored } from "../golden/fixtures.js";

type PoolOptions = nn.AvgPoolOptions & nn.LPPoolOptions & nn.SoftmaxPoolOptions & { readonly kernel: nn.PerAxis };
type Options = PoolOptions & nn.InterpolateOptions & { readonly outputSize: nn.OutputSize; readonly factor: number };
interface Indexed {
  readonly x: Stored;
  readonly options: PoolOptions;
  readonly values: Stored;
  readonly indices: Stored;
  readonly unpooled?: Stored;
}
const golden = fixture<{ cases: Case<Options>[]; indexed: Indexed[] }>("pooling");

type Pool = (x: Tensor, kernel: nn.PerAxis, options?: Partial<PoolOptions>) => Tensor;
const pooled =
  (f: Pool) =>
  ({ x }: Readonly<Record<string, Tensor>>, o: Options) =>
    f(x, o.kernel, o);
const adaptive =
  (f: (x: Tensor, size: nn.OutputSize) => Tensor) =>
  ({ x }: Readonly<Record<string, Tensor>>, o: Options) =>
    f(x, o.outputSize);

compareCases<Options>(golden.cases, {
  avgPool1d: pooled(nn.avgPool1d),
  avgPool2d: pooled(nn.avgPool2d),
  avgPool3d: pooled(nn.avgPool3d),
  maxPool1d: pooled(nn.maxPool1d),
  maxPool2d: pooled(nn.maxPool2d),
  maxPool3d: pooled(nn.maxPool3d),
  minPool1d: pooled(nn.minPool1d),
  minPool2d: pooled(nn.minPool2d),
  minPool3d: pooled(nn.minPool3d),
  lpPool1d: pooled(nn.lpPool1d),
  lpPool2d: pooled(nn.lpPool2d),
  softmaxPool2d: pooled(nn.softmaxPool2d),
  adaptiveAvgPool1d: adaptive(nn.adaptiveAvgPool1d),
  adaptiveAvgPool2d: adaptive(nn.adaptiveAvgPool2d),
  adaptiveAvgPool3d: adaptive(nn.adaptiveAvgPool3d),
  adaptiveMaxPool1d: adaptive(nn.adaptiveMaxPool1d),
  adaptiveMaxPool2d: adaptive(nn.adaptiveMaxPool2d),
  adaptiveMaxPool3d: adaptive(nn.adaptiveMaxPool3d),
  maxUnpool2d: ({ x, indices }, o) => nn.maxUnpool2d(x, indices, o.kernel),
  interpolate: ({ x }, o) => nn.interpolate(x, o),
  pixelShuffle: ({ x }, o) => nn.pixelShuffle(x, o.factor),
  pixelUnshuffle: ({ x }, o) => nn.pixelUnshuffle(x, o.factor),
});

golden.indexed.forEach((c, i) => {
  test(`maxima with indices ${JSON.stringify(c.options)} (${i})`, async () => {
    const rank = c.x.shape.length - 2;
    const pool = [nn.maxPool1dWithIndices, nn.maxPool2dWithIndices, nn.maxPool3dWithIndices][rank - 1];
    const { values, indices } = pool(fromStored(c.x), c.options.kernel, c.options);
    await close(values, c.values, "values");
    assert.equal(indices.dtype, "int32");
    await close(indices, c.indices, "indices", 0);
    if (c.unpooled === undefined) return;
    const Unpool = [nn.MaxUnpool1d, nn.MaxUnpool2d, nn.MaxUnpool3d][rank - 1];
    const layer = new Unpool(c.options.kernel, { stride: c.options.stride, padding: c.options.padding });
    await close(layer.forward(values, indices, c.x.shape.slice(2)), c.unpooled, "unpooled");
  });
});

const worst = async (x: Tensor, y: Tensor): Promise<number> => x.sub(y).abs().max().item();

test("softmax pooling goes from the mean to the maximum, and p norms to the largest size", async () => {
  manualSeed(1);
  const x = randn([2, 3, 6, 6]);
  const soft = (temperature: number): Tensor => nn.softmaxPool2d(x, 3, { temperature });
  assert.ok((await worst(soft(1e-4), nn.maxPool2d(x, 3))) < 1e-5);
  assert.ok((await worst(soft(1e5), nn.avgPool2d(x, 3))) < 1e-4);
  assert.ok((await worst(nn.lpPool2d(x, 3, { normType: 60 }).div(nn.maxPool2d(x.abs(), 3)), tensor(1))) < 0.04);
  const g = grad((v: Tensor) => nn.lpPool2d(v, 2).sum())(x.mul(0));
  assert.equal(await g.abs().max().item(), 0, "no NaN at 0");
});

test("modules pool as the functions do, and types know what is left", async () => {
  manualSeed(2);
  const x = randn([2, 3, 7, 7]);
  const options = { stride: 2, padding: 1, ceilMode: true };
  assert.equal(await worst(new nn.MaxPool2d(3, options).forward(x), nn.maxPool2d(x, 3, options)), 0);
  assert.equal(
    await worst(new nn.AdaptiveAvgPool2d(1).forward(x).reshape([2, 3]), new nn.GlobalAvgPool().forward(x)),
    0,
  );
  assert.equal(await worst(new nn.AdaptiveMaxPool2d(1).forward(x).reshape([2, 3]), nn.globalMaxPool(x)), 0);
  assert.equal(new nn.LPPool2d(2).constructor.name, "LPPool2d");
  const model = new nn.Sequential([new nn.Conv2d(3, 8, 3), new nn.GlobalAvgPool(), new nn.Linear(8, 4)]);
  const shape: readonly [2, 4] = model.forward(randn([2, 3, 7, 7])).shape;
  assert.deepEqual([...shape], [2, 4]);
  // @ts-expect-error Sequential: layer 2 takes 9 features, got 8
  assert.ok(new nn.Sequential([new nn.Conv2d(3, 8, 3), new nn.GlobalAvgPool(), new nn.Linear(9, 4)]));
});

test("padding is no maximum and no minimum of integers", async () => {
  const x = tensor(
    [
      [
        [
          [-5, -6],
          [-7, -8],
        ],
      ],
    ],
    { dtype: "int32" },
  );
  const options = { padding: 1 };
  assert.deepEqual(await nn.maxPool2d(x, 2, options).flatten().toArray(), [-5, -6, -7, -8]);
  assert.deepEqual(await nn.minPool2d(x.neg(), 2, options).flatten().toArray(), [5, 6, 7, 8]);
  assert.deepEqual(await nn.maxPool2dWithIndices(x, 2, options).indices.flatten().toArray(), [0, 1, 2, 3]);
});

test("up-sampling keeps what it should", async () => {
  manualSeed(3);
  const x = randn([1, 4, 3, 5]);
  const up = new nn.Upsample({ scaleFactor: 2, mode: "bilinear", alignCorners: true }).forward(x);
  assert.ok((await worst(up.at(":", ":", "::5", "::9"), x.at(":", ":", "::2", "::4"))) < 1e-6, "corners");
  assert.ok((await worst(nn.avgPool2d(nn.interpolate(x, { scaleFactor: 3 }), 3), x)) < 1e-6);
  const shuffled = new nn.PixelShuffle(2).forward(x);
  assert.deepEqual([...shuffled.shape], [1, 1, 6, 10]);
  assert.equal(await worst(new nn.PixelUnshuffle(2).forward(shuffled), x), 0);
  const cubic = nn.interpolate(x, { size: [5, 9], mode: "bicubic", alignCorners: true });
  assert.ok((await worst(cubic.at(":", ":", "::2", "::2"), x)) < 1e-5, "the elements themselves");
  assert.ok((await worst(nn.interpolate(x.mul(0).add(3), { size: [7, 4], mode: "bicubic" }), tensor(3))) < 1e-5);
});

test("errors of pooling and up-sampling name what is wrong", () => {
  const x = randn([1, 4, 5, 5]);
  assert.throws(() => nn.softmaxPool2d(x, 2, { temperature: 0 }), /softmaxPool2d: temperature must be positive, got 0/);
  assert.throws(() => nn.lpPool2d(x, 2, { normType: 0 }), /lpPool2d: normType must be positive and finite, got 0/);
  assert.throws(() => nn.adaptiveAvgPool2d(x, [1, 2, 3]), /adaptiveAvgPool2d: the output size must be/);
  assert.throws(() => nn.adaptiveAvgPool1d(x, 2), /adaptiveAvgPool1d: the input must have 3 axes/);
  const { values, indices } = nn.maxPool2dWithIndices(x, 2);
  assert.throws(() => nn.maxUnpool2d(values, indices, 2, { outputSize: [8, 5] }), /must be within a stride of \[4,4\]/);
  assert.throws(() => nn.maxUnpool2d(values, indices.at(":", "0:1"), 2), /must have the same shape/);
  assert.throws(() => nn.maxUnpool2d(values, values, 2), /maxUnpool2d: indices must be integers/);
  assert.throws(() => nn.maxPool2d(x, 9), /maxPool2d: a window must fit .* windows of \[9,9\]/);
  assert.throws(() => nn.interpolate(x, {}), /either a size or a scale factor/);
  assert.throws(() => nn.interpolate(x, { size: 3, mode: "trilinear" }), /must fit 2 spatial axes, got "trilinear"/);
  assert.throws(() => nn.interpolate(x, { size: 3, alignCorners: true }), /alignCorners is for linear and cubic/);
  assert.throws(() => nn.interpolate(x, { size: [3, 0] }), /sizes must be positive integers, got \[3,0\]/);
  assert.throws(() => nn.pixelShuffle(x, 3), /multiple of 9, got float32\[1,4,5,5\]/);
  assert.throws(() => nn.pixelUnshuffle(x, 2), /sides must be multiples of 2/);
});
