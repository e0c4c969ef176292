/** CNV-08 to CNV-15: convolution as a layer. */
import { arange, concatenate, grad, gradcheck, jacobian, ones, stack, type Tensor, vjp } from "typegrad";
import { type Row, row, type Trial } from "typegrad/course";
import {
  AvgPool2d,
  Conv1d,
  Conv2d,
  conv1d,
  conv2d,
  conv3d,
  type ConvOptions,
  convOutputSize,
  ConvTranspose2d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  convTransposeOutputSize,
  convolutionMatrix,
  correlate,
  countParameters,
  DepthwiseConv2d,
  effectiveReceptiveField,
  initializers,
  locallyConnected2d,
  MaxPool2d,
  pad,
  receptiveField,
  Sequential,
  type Stage,
} from "typegrad/nn";
import { heatmap, lines } from "typegrad/plot";
import * as onnx from "./cnv-onnx.js";
import type { OnnxCase } from "./onnx-case.js";
import { f64, gaussian, numbers, range } from "./helpers.js";

const convolutions = [conv1d, conv2d, conv3d];
const transposed = [convTranspose1d, convTranspose2d, convTranspose3d];
const matrixOf = (x: Tensor): number[][] => range(x.shape[0]).map((i) => numbers(x.at(i)));
const whole = (v: number): string => (v === 0 ? "" : String(Math.round(v)));

/** Runs ONNX's convolutions; their outputs are float32. */
function compare(t: Trial, cases: readonly OnnxCase<ConvOptions>[]): void {
  for (const { name, options, operands, output } of cases) {
    const [x, weight, bias = null] = operands;
    t.close(convolutions[x.rank - 3](x, weight, bias, options), output, 1e-5, `ONNX ${name}`);
  }
}

/** Zeros between the elements of an axis, which then stand `distance` apart. */
function spread(x: Tensor, axis: number, distance: number): Tensor {
  const pairs = x
    .expandDims(axis + 1)
    .pad([...range(axis + 1), ...range(x.rank - axis)].map((_, i) => [0, i === axis + 1 ? distance - 1 : 0]));
  const all = pairs.reshape(x.shape.with(axis, x.shape[axis] * distance));
  return all.at(...range(axis).map(() => ":"), `:${(x.shape[axis] - 1) * distance + 1}`, "...");
}

/** Output lengths of ONNX's tests of convolutions and pools: lengths, kernel, options, result. */
const sizes: readonly (readonly [number[], number[], Parameters<typeof convOutputSize>[2], number[]])[] = [
  [[5, 5], [3, 3], { padding: 1 }, [5, 5]], // basic_conv_with_padding
  [[5, 5], [3, 3], {}, [3, 3]], // basic_conv_without_padding
  [[5, 5], [3, 3], { stride: 2, padding: "same" }, [3, 3]], // conv_with_autopad_same
  [
    [7, 5],
    [3, 3],
    {
      stride: 2,
      padding: [
        [1, 1],
        [0, 0],
      ],
    },
    [4, 2],
  ], // conv_with_strides_and_asymmetric_padding
  [[7, 5], [3, 3], { stride: 2 }, [3, 2]], // conv_with_strides_no_padding
  [[7, 5], [3, 3], { stride: 2, padding: 1 }, [4, 3]], // conv_with_strides_padding
  [[3, 3], [2, 2], { padding: 1 }, [4, 4]], // convinteger_with_padding
  [[10], [3], {}, [8]], // Conv1d
  [[10], [3], { dilation: 2 }, [6]], // Conv1d_dilated
  [[6], [3], {}, [4]], // Conv1d_groups
  [[10], [3], { padding: 1 }, [10]], // Conv1d_pad1
  [[1], [3], { padding: 1 }, [1]], // Conv1d_pad1size1
  [[10], [5], { padding: 2 }, [10]], // Conv1d_pad2
  [[1], [5], { padding: 2 }, [1]], // Conv1d_pad2size1
  [[10], [3], { stride: 2 }, [4]], // Conv1d_stride
  [[7, 5], [3, 2], {}, [5, 4]], // Conv2d
  [[6, 6], [3, 3], { stride: 2 }, [2, 2]], // Conv2d_depthwise_strided, Conv2d_strided
  [[8, 8], [3, 3], { stride: 2, dilation: 2, padding: 1 }, [3, 3]], // Conv2d_dilated
  [[6, 5], [3, 2], {}, [4, 4]], // Conv2d_groups, Conv2d_no_bias
  [[6, 6], [3, 3], { stride: 2, padding: 1 }, [3, 3]], // Conv2d_padding
  [[3, 4, 5], [2, 3, 4], {}, [2, 2, 2]], // Conv3d
  [[5, 5, 5], [2, 2, 2], { dilation: 2 }, [3, 3, 3]], // Conv3d_dilated
  [[5, 5, 5], [2, 2, 2], { dilation: 2, stride: 2 }, [2, 2, 2]], // Conv3d_dilated_strided
  [[4, 5, 4], [3, 3, 3], {}, [2, 3, 2]], // Conv3d_groups
  [[5, 5, 5], [2, 2, 2], { stride: 2 }, [2, 2, 2]], // Conv3d_stride
  [[5, 5, 5], [2, 2, 2], { stride: 2, padding: 1 }, [3, 3, 3]], // Conv3d_stride_padding
  [[32], [2], {}, [31]], // averagepool_1d_default, maxpool_1d_default
  [[4, 4], [3, 3], { stride: 2, ceilMode: true }, [2, 2]], // averagepool_2d_ceil, maxpool_2d_ceil
  [[28, 28], [3, 3], { padding: 2 }, [30, 30]], // averagepool_2d_pads, maxpool_2d_pads
  [[5, 5], [5, 5], { padding: 2 }, [5, 5]], // averagepool_2d_precomputed_pads
  [[5, 5], [2, 2], { stride: 2 }, [2, 2]], // averagepool_2d_precomputed_strides
  [[32, 32], [2, 2], { padding: "same" }, [32, 32]], // averagepool_2d_same_upper
  [[32, 32], [5, 5], { stride: 3 }, [10, 10]], // averagepool_2d_strides
  [[32, 32, 32], [2, 2, 2], {}, [31, 31, 31]], // averagepool_3d_default
  [[4, 4], [2, 2], { dilation: 2 }, [2, 2]], // maxpool_2d_dilations
  [[220000], [200], { stride: 10, padding: 100, dilation: 10 }, [21821]], // MaxPool1d_stride_padding_dilation
  [[1000, 1000], [60, 80], { stride: 10, padding: [10, 20], dilation: 10 }, [43, 25]], // MaxPool2d_stride_padding_dilation
  [[7, 7], [3, 3], { stride: 2, padding: 1 }, [4, 4]], // MaxPool2d
  [[4], [4], { stride: 4 }, [1]], // MaxPool1d
];

/** Every combination of small strides, paddings, dilations and groups. */
const combinations = [1, 2].flatMap((stride) =>
  [0, 1].flatMap((padding) =>
    [1, 2].flatMap((dilation) => [1, 2].map((groups) => ({ stride, padding, dilation, groups }))),
  ),
);

/** VGG-16's convolutions and pools; one channel does for what is seen. */
const vgg16 = (): Stage[] =>
  [2, 2, 3, 3, 3].flatMap((count) => [
    ...range(count).map(() => new Conv2d(1, 1, 3, { padding: 1, bias: false })),
    new MaxPool2d(2),
  ]);

/** A positive convolution in float64, so that nothing that is seen cancels. */
const positive = (into: number, out: number, kernel: number, options: ConvOptions): Conv2d =>
  new Conv2d(into, out, kernel, {
    ...options,
    bias: false,
    initWeight: (shape) => initializers.uniform(0.5, 1.5)(shape).astype("float64"),
  });

/** First and last place that is not zero. */
function extent(values: readonly number[]): [number, number] {
  const seen = range(values.length).filter((i) => values[i] !== 0);
  return [seen[0], seen[seen.length - 1]];
}

export const layers: readonly Row[] = [
  row(
    "CNV-08",
    "Padding",
    String.raw`\text{valid: } I-K+1,\qquad \text{same: } \lceil I/S\rceil,\qquad \text{full: } I+K-1`,
    String.raw`What lies outside decides how long the result is and what its border means: zeros, the mirror image, the border repeated, or the other end. Each side can have its own width. The picture shows all modes on the numbers 1 to 6, four more on each side. Checked against ONNX 1.12 and PyTorch's tests in it.`,
    (t) => {
      for (const { name, op, options, operands, output } of onnx.padding()) {
        const [x, weight, bias = null] = operands;
        const y = op === "Pad" ? pad(x, options.widths, options) : convolutions[x.rank - 3](x, weight, bias, options);
        t.close(y, output, 1e-5, `ONNX ${name}`);
      }
      for (const [n, k] of [
        [10, 3],
        [11, 4],
        [7, 7],
        [1, 5],
      ]) {
        const [x, w] = [gaussian(n, 1, 1, n), gaussian(k, 1, 1, k)];
        const length = (padding: "valid" | "same" | "full" | "causal"): number =>
          conv1d(x, w, null, { padding }).shape[2];
        if (k <= n) t.equal(length("valid"), n - k + 1, `valid: $${n}-${k}+1$`);
        t.equal(
          [length("same"), length("causal"), length("full")],
          [n, n, n + k - 1],
          `same, causal and full, $I=${n}$, $K=${k}$`,
        );
      }
      const [x, w] = [gaussian(1, 1, 2, 9), gaussian(2, 3, 2, 4)];
      t.equal(
        conv1d(x, w, null, { padding: "same", stride: 4 }).shape[2],
        3,
        String.raw`same with stride 4: $\lceil9/4\rceil$`,
      );
      const slopes = jacobian((v: Tensor) =>
        conv1d(v.reshape([1, 2, 9]), w, null, { padding: "causal", dilation: 2 }).sum([0, 1]),
      )(x.flatten());
      const future = numbers(slopes).filter((_, i) => i % 9 > Math.floor(i / 18));
      t.equal(future, 0, "causal: no result depends on what comes later");
      const sequence = f64([1, 2, 3, 4, 5, 6]);
      const modes = { zeros: "constant", reflect: "reflect", replicate: "replicate", circular: "circular" } as const;
      const rows = Object.values(modes).map((mode) => numbers(pad(sequence, [[4, 4]], { mode })));
      t.equal(
        rows,
        [
          [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0],
          [5, 4, 3, 2, 1, 2, 3, 4, 5, 6, 5, 4, 3, 2],
          [1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6],
          [3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4],
        ],
        "all modes",
      );
      t.plot(heatmap(rows, { title: "Padding by four", rows: Object.keys(modes), format: String, width: 560 }));
    },
  ),
  row(
    "CNV-09",
    "Stride",
    String.raw`y_S[n] = y_1[nS],\qquad \frac{\partial L}{\partial x} = w\ast(g\ \text{with}\ S-1\ \text{zeros between its elements})`,
    String.raw`A stride of $S$ keeps every $S$-th output and computes no other. Backward, the gradient goes to the places that were kept, with zeros between. Some inputs are then seen by more windows than others, which is the checkerboard of the picture: how many $3\times3$ windows with stride 2 see each pixel.`,
    (t) => {
      compare(t, onnx.stride());
      const [x, w] = [gaussian(1, 2, 3, 11, 10), gaussian(2, 4, 3, 3, 2)];
      for (const stride of [2, 3]) {
        const every = conv2d(x, w).at(":", ":", `::${stride}`, `::${stride}`);
        t.close(
          conv2d(x, w, null, { stride }),
          every,
          1e-13,
          `stride ${stride} keeps one output of ${stride} along each axis`,
        );
      }
      const [y, pull] = vjp((v: Tensor) => conv2d(v, w, null, { stride: 2 }), x);
      const g = gaussian(3, ...y.shape);
      const wide = range(2).reduce<Tensor>((v, a) => spread(v, a + 2, 2), g);
      const [, pullAll] = vjp((v: Tensor) => conv2d(v, w), x);
      const room = conv2d(x, w).shape;
      t.close(
        pull(g),
        pullAll(
          pad(
            wide,
            wide.shape.map((n, i) => [0, room[i] - n]),
          ),
        ),
        1e-13,
        "the gradient, through zeros",
      );
      const seen = grad((v: Tensor) => conv2d(v, ones([1, 1, 3, 3], { dtype: "float64" }), null, { stride: 2 }).sum())(
        gaussian(4, 1, 1, 11, 11),
      ).reshape([11, 11]);
      const line = range(11).map((i) => (i % 2 === 0 && i > 0 && i < 10 ? 2 : 1));
      t.equal(
        seen,
        line.map((a) => line.map((b) => a * b)),
        "windows that see each pixel: 1, 2 or 4",
      );
      t.plot(
        heatmap(matrixOf(seen), { title: "Windows over each pixel, 3 × 3 with stride 2", format: whole, width: 420 }),
      );
    },
  ),
  row(
    "CNV-10",
    "Dilation",
    String.raw`y[n] = \sum_k w[k]\,x[n+dk],\qquad K_\text{eff} = d\,(K-1)+1`,
    String.raw`The taps stand $d$ apart; nothing is added to the parameters. It is the convolution with a longer kernel that is zero between the taps. With dilations $1,2,4,\dots$ and kernels of two taps every layer doubles what is seen, without gaps: the picture shows how much each place weighs in one output after $1$ to $5$ layers, all weights $1$.`,
    (t) => {
      compare(t, onnx.dilation());
      const [x, w] = [gaussian(1, 2, 3, 20), gaussian(2, 4, 3, 4)];
      for (const dilation of [2, 3]) {
        const longer = spread(w, 2, dilation);
        t.equal(longer.shape[2], dilation * 3 + 1, `dilation ${dilation}: effective size`);
        t.close(conv1d(x, w, null, { dilation }), conv1d(x, longer), 1e-13, "the kernel with zeros between its taps");
      }
      const layersOf = (depth: number): Conv1d[] =>
        range(depth).map(
          (i) =>
            new Conv1d(1, 1, 2, { dilation: 2 ** i, padding: "causal", bias: false, initWeight: initializers.ones() }),
        );
      const fields = [1, 2, 3, 4, 5].map((depth) => {
        const model = new Sequential(layersOf(depth));
        const field = effectiveReceptiveField((v) => model.forward(v), f64([[range(40)]]).astype("float32"), [39]);
        t.equal(
          receptiveField(model, [40])[depth - 1].size,
          2 ** depth,
          `depth ${depth}: $2^${depth}$ places are seen`,
        );
        t.equal(
          field,
          range(40).map((i) => (i >= 40 - 2 ** depth ? 1 : 0)),
          "each once, and no other",
        );
        return numbers(field);
      });
      t.plot(
        heatmap(fields, {
          title: "What the last output sees",
          rows: [1, 2, 3, 4, 5].map((n) => `after ${n}`),
          columnLabel: "input",
          width: 560,
        }),
      );
    },
  ),
  row(
    "CNV-11",
    "How long the output is",
    String.raw`O = \left\lfloor\frac{I + P_\text{before} + P_\text{after} - d\,(K-1) - 1}{S}\right\rfloor + 1`,
    String.raw`As many windows as fit. Checked on the shapes of ONNX's and PyTorch's tests of convolutions and pools, on the first layers of well-known networks, and on every length that the layers themselves give. The picture shows the stairs: lengths that a stride makes equal cannot be told apart afterwards, which is why a transposed convolution needs to be told (CNV-15).`,
    (t) => {
      t.equal(
        sizes.map(([lengths, kernel, options]) => convOutputSize(lengths, kernel, options)),
        sizes.map(([, , , expected]) => expected),
        `${sizes.length} shapes of ONNX's tests`,
      );
      t.equal(convOutputSize([224], 7, { stride: 2, padding: 3 }), [112], "ResNet's first layer: $224\\to112$");
      t.equal(convOutputSize([227], 11, { stride: 4 }), [55], "AlexNet's: $227\\to55$");
      t.equal(convOutputSize([32], 5), [28], "LeNet's: $32\\to28$");
      const odd = range(40).map((i) => {
        const [n, k] = [5 + ((i * 7) % 11), 1 + (i % 4)];
        const options = { stride: 1 + (i % 3), padding: i % 5, dilation: 1 + (i % 2) };
        return { n, k, options, own: conv1d(ones([1, 1, n]), ones([1, 1, k]), null, options).shape[2] };
      });
      t.equal(
        odd.map(({ n, k, options }) => convOutputSize([n], k, options)[0]),
        odd.map(({ own }) => own),
        "as the layer does",
      );
      const at = range(30).map((i) => i + 4);
      t.plot(
        lines(
          [1, 2, 3].map((stride) => ({
            name: `stride ${stride}`,
            x: at,
            y: at.map((n) => convOutputSize([n], 3, { stride, padding: 1 })[0]),
          })),
          { title: "Kernel 3, padding 1", x: { label: "input length" }, y: { label: "output length" }, height: 280 },
        ),
      );
    },
  ),
  row(
    "CNV-12",
    "Channels and groups",
    String.raw`y[o] = b[o] + \sum_{c\,\in\,\text{group}(o)} x[c] \star w[o,c]`,
    String.raw`Every filter sees all channels of its group and adds up what it finds. With as many groups as channels each is filtered by itself, *depthwise*. The example is that of Stanford's CS231n: two filters of $3\times3\times3$ with stride 2 over a picture of $5\times5\times3$, padded to $7\times7\times3$, give $3\times3\times2$. The picture is the matrix of a layer with four groups on a signal of five places with eight channels: groups do not see each other.`,
    (t) => {
      const [x, w, b] = [gaussian(1, 1, 3, 5, 5), gaussian(2, 2, 3, 3, 3), gaussian(3, 2)];
      const y = conv2d(x, w, b, { stride: 2, padding: 1 });
      t.equal([...y.shape], [1, 2, 3, 3], "CS231n's example: $3\\times3\\times2$");
      t.equal(countParameters(new Conv2d(3, 2, 3)).total, 2 * (27 + 1), "its parameters");
      const padded = pad(x, [
        [1, 1],
        [1, 1],
      ]);
      const byHand = range(2).map((o) =>
        range(3).map((i) =>
          range(3).map((j) =>
            numbers(
              padded
                .at(0, ":", `${2 * i}:${2 * i + 3}`, `${2 * j}:${2 * j + 3}`)
                .mul(w.at(o))
                .sum()
                .add(b.at(o)),
            ),
          ),
        ),
      );
      t.close(y, byHand, 1e-13, "window by window");
      compare(t, onnx.groups());
      const [v, u] = [gaussian(4, 2, 4, 6, 5), gaussian(5, 6, 2, 3, 2)];
      const halves = [0, 1].map((g) => conv2d(v.at(":", `${2 * g}:${2 * g + 2}`), u.at(`${3 * g}:${3 * g + 3}`)));
      t.close(conv2d(v, u, null, { groups: 2 }), concatenate(halves, 1), 1e-13, "groups side by side");
      const depthwise = new DepthwiseConv2d(3, 3, { multiplier: 2 });
      t.equal([...depthwise.weight.shape], [6, 1, 3, 3], "depthwise weights, two for each channel");
      const alone = depthwise.forward(x.astype("float32")).at(0, 4);
      const kernel = depthwise.weight.at(4, 0);
      t.close(
        alone.sub(depthwise.bias ? depthwise.bias.at(4) : 0),
        correlate(x.astype("float32").at(0, 2), kernel, { mode: "valid" }),
        1e-6,
        "output 4 sees channel 2 alone",
      );
      const matrix = convolutionMatrix(ones([8, 2, 3], { dtype: "float64" }), [5], { groups: 4, padding: 1 });
      t.equal(matrix.sum(), 4 * 4 * 13, "entries that are not zero, of 1600");
      t.plot(heatmap(matrixOf(matrix), { title: "Four groups", rowLabel: "output", columnLabel: "input", width: 400 }));
    },
  ),
  row(
    "CNV-13",
    "The receptive field",
    String.raw`r_l = r_{l-1} + (k_l-1)\,d_l\,j_{l-1},\qquad j_l = j_{l-1}\,s_l,\qquad r_0 = j_0 = 1`,
    String.raw`An output of layer $l$ depends on $r_l$ inputs in a row, and its neighbour on as many, $j_l$ further on. The recursion gives the published 196 and 212 for VGG-16; differentiating the network finds the same places, as those where the derivative is not zero. Inside, it is far from even: the picture shows $|\partial y/\partial x|$ for ten layers of $3\times3$ with weights all alike, a bell much narrower than the field of 21 (Luo et al. 2016).`,
    (t) => {
      const vgg = receptiveField(new Sequential(vgg16()), [224, 224]);
      t.equal(
        [vgg[16].size, vgg[17].size],
        [
          [196, 196],
          [212, 212],
        ],
        "VGG-16: conv5_3 and pool5",
      );
      t.equal(
        vgg.map(({ size }) => size[0]),
        [3, 5, 6, 10, 14, 16, 24, 32, 40, 44, 60, 76, 92, 100, 132, 164, 196, 212],
        "all of its layers",
      );
      const model = new Sequential([
        positive(1, 2, 3, { stride: 2, padding: 1 }),
        positive(2, 2, 3, { dilation: 2, padding: "same" }),
        new AvgPool2d(2),
        positive(2, 1, 3, {}),
      ]);
      const field = receptiveField(model, [64, 64])[3];
      const seen = effectiveReceptiveField((v) => model.forward(v), gaussian(1, 1, 1, 64, 64), [5, 7]);
      const [rows, columns] = [seen.sum(1), seen.sum(0)].map((v) => extent(numbers(v)));
      const expected = [5, 7].map((at, i) => [
        field.start[i] + at * field.jump[i],
        field.start[i] + at * field.jump[i] + field.size[i] - 1,
      ]);
      t.equal([rows, columns], expected, "where derivatives are not zero: as the recursion says");
      t.equal(field.size, [21, 21], String.raw`by hand: $1\to3\to11\to13\to21$`);
      const deep = new Sequential(
        range(10).map(() => new Conv2d(1, 1, 3, { padding: 1, bias: false, initWeight: initializers.ones() })),
      );
      const bell = effectiveReceptiveField((v) => deep.forward(v), ones([1, 1, 23, 23]), [11, 11]);
      const line = bell.sum(0).div(bell.sum());
      t.close(
        line.mul(arange(23).sub(11).square()).sum(),
        10 * (2 / 3),
        1e-4,
        "its variance: that of ten steps of $-1,0,1$",
      );
      t.equal(extent(numbers(line)), [1, 21], "and its support: 21 places");
      t.plot(heatmap(matrixOf(bell), { title: "What one output sees, and how much", width: 400 }));
    },
  ),
  row(
    "CNV-14",
    "Gradients of a convolution are convolutions",
    String.raw`\frac{\partial L}{\partial x} = g * w,\qquad \frac{\partial L}{\partial w} = x\star g = \sum_{\text{places}}\frac{\partial L}{\partial w_\text{place}},\qquad \frac{\partial y_i}{\partial x_j} = 0\ \text{off the band}`,
    String.raw`Backward, the gradient of the input is the full convolution with the kernel turned by 180°, and that of the kernel correlates input and gradient. One kernel is used everywhere, so its gradient is the sum of those that every place would give a kernel of its own. Each combination of stride, padding, dilation and groups is compared with the matrix of the layer, and one of them with differences.`,
    async (t) => {
      const [x, w] = [gaussian(1, 8, 7), gaussian(2, 3, 2)];
      const y = (v: Tensor, k: Tensor): Tensor =>
        conv2d(v.reshape([1, 1, 8, 7]), k.reshape([1, 1, 3, 2])).reshape([6, 6]);
      const g = gaussian(3, 6, 6);
      const [byInput, byKernel] = grad(([v, k]: readonly [Tensor, Tensor]) => y(v, k).mul(g).sum())([x, w]);
      const flipped = w.flip().reshape([1, 1, 3, 2]);
      t.close(
        byInput,
        conv2d(g.reshape([1, 1, 6, 6]), flipped, null, { padding: "full" }).reshape([8, 7]),
        1e-12,
        "with the kernel turned by 180°",
      );
      t.close(byKernel, correlate(x, g, { mode: "valid" }), 1e-12, "input and gradient, correlated");
      const own = w.broadcastTo([6, 6, 3, 2]).reshape([6, 6, 1, 1, 3, 2]);
      const apart = grad((k: Tensor) =>
        locallyConnected2d(x.reshape([1, 1, 8, 7]), k)
          .mul(g)
          .sum(),
      )(own);
      t.close(byKernel, apart.sum([0, 1]).reshape([3, 2]), 1e-12, "the sum over all places of kernels of their own");
      const pairs = combinations.map((options, i) => {
        const [v, k] = [gaussian(10 + i, 1, 2, 7), gaussian(40 + i, 2, 2 / options.groups, 3)];
        const [z, pull] = vjp((u: Tensor) => conv1d(u, k, null, options), v);
        const cotangent = gaussian(70 + i, ...z.shape);
        const matrix = convolutionMatrix(k, [7], options);
        return { own: pull(cotangent).flatten(), byMatrix: cotangent.flatten().matmul(matrix) };
      });
      t.close(
        concatenate(pairs.map(({ own }) => own)),
        concatenate(pairs.map(({ byMatrix }) => byMatrix)),
        1e-12,
        String.raw`$T^\top g$, for 16 combinations of stride, padding, dilation and groups`,
      );
      for (const options of combinations.slice(-1)) {
        const inputs = [gaussian(5, 1, 2, 5, 6), gaussian(6, 2, 2 / options.groups, 2, 3), gaussian(7, 2)];
        const report = await gradcheck(
          ([v, k, b]: readonly Tensor[]) => conv2d(v, k, b, options).square().sum(),
          inputs,
        );
        t.equal(report.passed, true, "differences, with stride, padding, dilation and groups");
      }
      const slopes = jacobian((v: Tensor) => y(v.reshape([8, 7]), w).flatten())(x.flatten());
      t.equal(slopes.notEqual(0).sum(), 36 * 6, "of 2016 derivatives of outputs by inputs, those that are not zero");
      t.close(slopes, convolutionMatrix(w.reshape([1, 1, 3, 2]), [8, 7]), 1e-13, "they are the matrix of CNV-07");
      t.plot(heatmap(matrixOf(slopes), { title: "∂y / ∂x", rowLabel: "output", columnLabel: "input", width: 480 }));
    },
  ),
  row(
    "CNV-15",
    "Transposed convolution",
    String.raw`\langle \operatorname{conv}(x), y\rangle = \langle x, \operatorname{conv}^\top(y)\rangle,\qquad O = (I-1)S - P_\text{before} - P_\text{after} + d\,(K-1) + P_\text{out} + 1`,
    String.raw`What a convolution does to gradients, used forward: every input lays down a copy of the kernel, $S$ apart, and copies add up where they overlap. It makes pictures larger, as in the U-Net. Where the kernel's size is no multiple of the stride, some outputs get more copies than others: the pictures count them for kernels of 3 and 4 with stride 2 (Odena et al. 2016).`,
    (t) => {
      for (const { name, options, operands, output } of onnx.transposed()) {
        const [x, weight, bias = null] = operands;
        t.close(transposed[x.rank - 3](x, weight, bias, options), output, 1e-5, `ONNX ${name}`);
      }
      const strided = combinations.filter(({ stride }) => stride > 1);
      const products = strided.map((options, i) => {
        const [x, w] = [gaussian(i, 2, 4, 7, 8), gaussian(i + 20, 6, 4 / options.groups, 3, 2)];
        const z = conv2d(x, w, null, options);
        const y = gaussian(i + 40, ...z.shape);
        const least = convTransposeOutputSize(z.shape.slice(2), [3, 2], options);
        const outputPadding = [7, 8].map((n, a) => n - least[a]);
        const back = convTranspose2d(y, w, null, { ...options, outputPadding });
        return [back.mul(x).sum(), z.mul(y).sum()];
      });
      t.close(
        stack(products.map(([back]) => back)),
        stack(products.map(([, there]) => there)),
        1e-11,
        String.raw`$\langle x,\operatorname{conv}^\top(y)\rangle$ with stride 2 and each padding, dilation and number of groups`,
      );
      const up = new ConvTranspose2d(4, 2, 2, { stride: 2 });
      t.equal([...up.forward(ones([1, 4, 28, 28])).shape], [1, 2, 56, 56], "U-Net's up-convolution doubles the sides");
      const line = (k: number): number[] =>
        numbers(convTranspose1d(ones([1, 1, 6]), ones([1, 1, k]), null, { stride: 2 }));
      t.equal(line(3), [1, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 1], "copies of a kernel of 3 with stride 2");
      t.equal(line(4), [1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1], "copies of a kernel of 4");
      for (const k of [3, 4]) {
        const copies = convTranspose2d(ones([1, 1, 6, 6]), ones([1, 1, k, k]), null, { stride: 2 });
        t.plot(
          heatmap(matrixOf(copies.at(0, 0)), {
            title: `Copies of a ${k} × ${k} kernel, stride 2`,
            format: whole,
            width: 380,
          }),
        );
      }
    },
  ),
];
