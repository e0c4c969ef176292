/** Convolutions as matrices, as sums over whole signals and by what they see; their gradients by differences. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gradcheck, Module, random, type Tensor, tensor } from "typegrad";
import { toeplitz } from "typegrad/linalg";
import * as nn from "typegrad/nn";

const normal = (seed: number, shape: readonly number[]): Tensor =>
  random.normal(random.key(seed), shape, { dtype: "float64" });
const near = async (a: Tensor, b: Tensor, tolerance: number, what: string): Promise<void> => {
  assert.deepEqual([...a.shape], [...b.shape], `${what}: shape`);
  const off = await a.sub(b).abs().max().item();
  assert.ok(off <= tolerance, `${what}: off by ${off}`);
};

interface Combination {
  readonly lengths: readonly number[];
  readonly kernel: readonly number[];
  readonly options: nn.ConvOptions;
}
const combinations: readonly Combination[] = [
  { lengths: [7], kernel: [3], options: {} },
  { lengths: [7], kernel: [3], options: { stride: 2, dilation: 2, padding: [[3, 1]], groups: 2 } },
  { lengths: [6], kernel: [2], options: { padding: "causal", dilation: 3 } },
  { lengths: [6], kernel: [4], options: { padding: "same", stride: 3, paddingMode: "reflect" } },
  { lengths: [5], kernel: [3], options: { padding: "same", paddingMode: "circular", groups: 2 } },
  { lengths: [5, 6], kernel: [3, 2], options: { padding: "full" } },
  { lengths: [5, 6], kernel: [3, 2], options: { stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2 } },
  {
    lengths: [4, 5],
    kernel: [2, 3],
    options: {
      padding: [
        [1, 0],
        [2, 1],
      ],
      paddingMode: "replicate",
    },
  },
  { lengths: [3, 4, 3], kernel: [2, 2, 3], options: { stride: [1, 2, 1], padding: [1, 0, 1], groups: 2 } },
];
const convolutions = [nn.conv1d, nn.conv2d, nn.conv3d];
const transposes = [nn.convTranspose1d, nn.convTranspose2d, nn.convTranspose3d];

for (const [i, { lengths, kernel, options }] of combinations.entries()) {
  const rank = lengths.length;
  const into = 4 / (options.groups ?? 1);
  const conv = convolutions[rank - 1];
  test(`convolutionMatrix · vec(x) is conv${rank}d ${JSON.stringify(options)}`, async () => {
    const [x, w] = [normal(i, [1, 4, ...lengths]), normal(i + 50, [2, into, ...kernel])];
    const y = conv(x, w, null, options);
    const matrix = nn.convolutionMatrix(w, lengths, options);
    await near(matrix.matmul(x.flatten()), y.flatten(), 1e-13, "product");
  });
  test(`gradients of conv${rank}d ${JSON.stringify(options)}`, async () => {
    const inputs = [normal(i, [1, 4, ...lengths]), normal(i + 50, [2, into, ...kernel]), normal(i + 90, [2])];
    const report = await gradcheck(([x, w, b]: readonly Tensor[]) => conv(x, w, b, options).square().sum(), inputs);
    assert.ok(report.passed, String(report));
  });
}

test("a transposed convolution is the transposed matrix", async () => {
  for (const { lengths, kernel, options } of combinations.filter(({ options }) => !options.paddingMode)) {
    if (typeof options.padding === "string") continue;
    const rank = lengths.length;
    const { stride, dilation, groups = 1 } = options;
    const padding = typeof options.padding === "object" ? options.padding : 0;
    const w = normal(1, [2, 4 / groups, ...kernel]);
    const places = nn.convOutputSize(lengths, kernel, options);
    const y = normal(2, [1, 2, ...places]);
    // What the stride leaves over at the end comes back as outputPadding.
    const least = nn.convTransposeOutputSize(places, kernel, { stride, dilation, padding });
    const outputPadding = lengths.map((n, i) => n - least[i]);
    const x = transposes[rank - 1](y, w, null, { stride, dilation, padding, outputPadding, groups });
    const matrix = nn.convolutionMatrix(w, lengths, options);
    await near(y.flatten().matmul(matrix), x.flatten(), 1e-13, JSON.stringify(options));
  }
});

test("on one channel the matrix is Toeplitz, in two dimensions block Toeplitz of such blocks", async () => {
  const kernel = normal(3, [3]);
  const zeros = tensor([0, 0, 0, 0, 0], { dtype: "float64" });
  const full = nn.convolutionMatrix(kernel.flip().reshape([1, 1, 3]), [5], { padding: "full" });
  const column = kernel.pad([[0, 4]]);
  const row = zeros.add(kernel.at("0:1").pad([[0, 4]]));
  await near(full, toeplitz(column, row), 0, "band");
  const [a, b] = [normal(4, [2, 3]), nn.convolutionMatrix(normal(4, [2, 3]).reshape([1, 1, 2, 3]), [4, 5])];
  const block = (i: number): Tensor => nn.convolutionMatrix(a.at(i).reshape([1, 1, 3]), [5]);
  await near(b.at("0:3", "0:5"), block(0), 0, "first block");
  await near(b.at("3:6", "5:10"), block(0), 0, "the same further down");
  await near(b.at("3:6", "10:15"), block(1), 0, "beside it");
  assert.equal(await b.at("0:3", "10:").abs().max().item(), 0);
});

test("convolve and correlate give NumPy's numbers", async () => {
  const values = async (x: Tensor): Promise<number[]> => Array.from(await x.data(), Number);
  const [a, b] = [tensor([1, 2, 3]), tensor([0, 1, 0.5])];
  // The examples of numpy.convolve and numpy.correlate.
  assert.deepEqual(await values(nn.convolve(a, b)), [0, 1, 2.5, 4, 1.5]);
  assert.deepEqual(await values(nn.convolve(a, b, { mode: "same" })), [1, 2.5, 4]);
  assert.deepEqual(await values(nn.convolve(a, b, { mode: "valid" })), [2.5]);
  assert.deepEqual(await values(nn.correlate(a, b, { mode: "valid" })), [3.5]);
  assert.deepEqual(await values(nn.correlate(a, b, { mode: "same" })), [2, 3.5, 3]);
  assert.deepEqual(await values(nn.correlate(a, b)), [0.5, 2, 3.5, 3, 0]);
});

test("both methods agree in every mode and number of axes", async () => {
  for (const [i, [n, m]] of [
    [[9], [4]],
    [[8], [3]],
    [
      [6, 5],
      [2, 4],
    ],
    [
      [4, 5, 3],
      [2, 2, 3],
    ],
    [
      [3, 2, 4, 3],
      [2, 1, 3, 2],
    ],
  ].entries())
    for (const mode of ["full", "same", "valid"] as const)
      for (const f of [nn.convolve, nn.correlate]) {
        const [a, b] = [normal(i, n), normal(i + 20, m)];
        await near(f(a, b, { mode }), f(a, b, { mode, method: "fft" }), 1e-13, `${f.name} ${mode} ${n.join("×")}`);
      }
  assert.throws(() => nn.convolve(tensor([1]), tensor([1, 2]), { mode: "valid" }), /convolve: for "valid"/);
  assert.throws(() => nn.correlate(tensor([1]), tensor([[1]])), /correlate: operands must have equally many axes/);
});

/** VGG-16 with a few channels; the sizes of Simonyan and Zisserman (2015), configuration D. */
const vgg = (): nn.Stage[] =>
  [2, 2, 3, 3, 3].flatMap((convolutions) => [
    ...Array.from({ length: convolutions }, () => new nn.Conv2d(1, 1, 3, { padding: 1 })),
    new nn.MaxPool2d(2),
  ]);

test("the receptive fields of VGG-16 are the known ones", () => {
  const fields = nn.receptiveField(new nn.Sequential(vgg()), [224, 224]);
  assert.equal(fields.length, 18);
  assert.deepEqual(fields[16].size, [196, 196]); // conv5_3
  assert.deepEqual(fields[17], {
    path: "layers.17",
    lengths: [7, 7],
    size: [212, 212],
    jump: [32, 32],
    start: [-90, -90],
  });
});

test("receptive fields by recursion are where gradients are not zero", async () => {
  const layers = [
    new nn.Conv2d(2, 3, [3, 2], {
      stride: [2, 1],
      padding: [
        [1, 0],
        [0, 2],
      ],
      initWeight: nn.initializers.ones(),
    }),
    new nn.Conv2d(3, 2, 3, { dilation: [1, 2], padding: "same", initWeight: nn.initializers.ones() }),
    new nn.AvgPool2d(2, { stride: [2, 3] }),
    new nn.Conv2d(2, 1, 2, { initWeight: nn.initializers.ones() }),
  ];
  const model = new nn.Sequential(layers);
  const lengths = [33, 30];
  const field = nn.receptiveField(model, lengths)[3];
  const x = random.normal(random.key(0), [1, 2, ...lengths]);
  assert.deepEqual(model.forward(x).shape.slice(2), field.lengths);
  // Further on, fields end in padding between the layers.
  for (const at of [
    [0, 0],
    [1, 2],
    [5, 6],
  ]) {
    const rows = await nn
      .effectiveReceptiveField((v) => model.forward(v), x, at)
      .greater(0)
      .data();
    for (let r = 0; r < lengths[0]; r++)
      for (let c = 0; c < lengths[1]; c++) {
        const inside = [r, c].every((p, i) => {
          const first = field.start[i] + at[i] * field.jump[i];
          return p >= first && p < first + field.size[i];
        });
        // A dilated kernel leaves no gaps here, since its neighbours fill them.
        assert.equal(Boolean(rows[r * lengths[1] + c]), inside, `${at.join()} sees ${r},${c}`);
      }
  }
});

test("receptiveField refuses what it cannot follow", () => {
  const up = new nn.Sequential([new nn.Conv1d(1, 1, 3), new nn.ConvTranspose1d(1, 1, 2, { stride: 2 })]);
  assert.throws(
    () => nn.receptiveField(up, [8]),
    /receptiveField: .* got ConvTranspose1d at "layers.1", which does not say by "windows" what its outputs see/,
  );
  class Shuffled extends Module {
    forward(x: Tensor): Tensor {
      return x.flip(2);
    }
  }
  const conv = (): nn.Conv1d => new nn.Conv1d(1, 1, 3);
  const around = (middle: nn.Layer & Module): nn.Sequential => new nn.Sequential([conv(), middle, conv()]);
  assert.throws(() => nn.receptiveField(around(new Shuffled()), [8]), /got Shuffled at "layers.1", which does not say/);
  assert.throws(() => nn.receptiveField(around(new nn.Branches([conv()])), [8]), /got Branches at "layers.1"/);
  class Halved extends Module {
    conv = conv();
    forward(x: Tensor): Tensor {
      return nn.maxPool1d(this.conv.forward(x), 2);
    }
  }
  assert.throws(() => nn.receptiveField(around(new Halved()), [8]), /got Halved at "layers.1".* put chains into a Seq/);
  assert.throws(() => nn.receptiveField(new Halved(), [8]), /got Halved at ""/);
  const pooled = new nn.Sequential([new nn.Conv2d(1, 1, 3), new nn.AdaptiveAvgPool2d([1, 1]), new nn.Flatten()]);
  assert.deepEqual(nn.receptiveField(pooled, [8, 8])[0].size, [3, 3]);
  assert.throws(() => nn.receptiveField(new nn.Sequential([new nn.AdaptiveAvgPool2d([1, 2])]), [8, 8]), /AdaptiveAvg/);
  assert.throws(() => nn.receptiveField(around(new nn.Flatten()), [8]), /got Conv1d at "layers.2", behind "layers.1"/);
  class Scaled extends Shuffled {
    readonly windows = "own";
  }
  const kept = [new Scaled(), new nn.GELU(), new nn.Dropout(), new nn.BatchNorm(1), new nn.GLU(1), new nn.LayerNorm(6)];
  for (const middle of kept)
    assert.deepEqual(
      nn.receptiveField(around(middle), [8]).map(({ path, size }) => [path, ...size]),
      [
        ["layers.0", 3],
        ["layers.2", 5],
      ],
    );
  assert.deepEqual(nn.receptiveField(around(new nn.ZeroPad1d([2])), [8])[2].start, [-2]);
  const normed = new nn.Sequential([nn.weightNorm(conv()), conv(), new nn.Flatten(), new nn.Linear(4, 2)]);
  assert.deepEqual(
    nn.receptiveField(normed, [8]).map(({ path }) => path),
    ["layers.0", "layers.1"],
  );
  assert.throws(() => nn.receptiveField([{ kernel: [3, 3] }], [8]), /receptiveField: layer 0: kernel must be/);
  assert.throws(() => nn.effectiveReceptiveField((x) => x, tensor([[[1]]]), [0, 0]), /one place for each spatial axis/);
});
