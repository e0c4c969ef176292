/** CNV-01 to CNV-07: what a convolution is, and its algebra. */
import { jacobian, outer, roll, slidingWindows, stack, type Tensor, zeros } from "typegrad";
import { type Row, row } from "typegrad/course";
import { type Complex, fft, fftn, ifft, irfft, multiply, rfft } from "typegrad/fft";
import { toeplitz } from "typegrad/linalg";
import { conv1d, conv2d, convolutionMatrix, convolve, correlate } from "typegrad/nn";
import { heatmap, lines } from "typegrad/plot";
import { erf } from "typegrad/special";
import { spectra } from "./cnv-onnx.js";
import { f64, gaussian, grid, numbers, quadrature, range, uniform } from "./helpers.js";

type Operator = (x: Tensor) => Tensor;

const largest = (x: Tensor): Tensor => x.abs().max();
const matrixOf = (x: Tensor): number[][] => range(x.shape[0]).map((i) => numbers(x.at(i)));

/** How far an operator on signals of length n is from linear, from shift-equivariant, and from convolution with its answer to an impulse. */
function examine(operator: Operator, n: number): { linear: Tensor; equivariant: Tensor; convolution: Tensor } {
  const [x, y] = [gaussian(1, n), gaussian(2, n)];
  const mixed = operator(x.mul(2).sub(y.mul(3)));
  const response = operator(zeros([n], { dtype: "float64" }).add(f64([1, ...range(n - 1).fill(0)])));
  const circulant = toeplitz(response, roll(response.flip(), 1));
  return {
    linear: largest(mixed.sub(operator(x).mul(2).sub(operator(y).mul(3)))),
    equivariant: largest(operator(roll(x, 5)).sub(roll(operator(x), 5))),
    convolution: largest(operator(x).sub(circulant.matmul(x))),
  };
}

/** Heat that spreads on a ring of n places for a time: every frequency decays by itself. */
const heat =
  (n: number, time: number): Operator =>
  (x) => {
    const decay = f64(range(n / 2 + 1).map((k) => Math.exp(-time * ((2 * Math.PI * k) / n) ** 2)));
    const { re, im } = rfft(x);
    return irfft({ re: re.mul(decay), im: im.mul(decay) }, { length: n });
  };

/** The density of a normal distribution with mean 0. */
const bell = (deviation: number, x: Tensor): Tensor =>
  x
    .div(deviation)
    .square()
    .mul(-0.5)
    .exp()
    .div(deviation * Math.sqrt(2 * Math.PI));

/** The discrete Fourier transform by its definition. */
function transformOf(x: Tensor): Complex {
  const n = x.size;
  const angle = outer(f64(range(n)), f64(range(n))).mul((-2 * Math.PI) / n);
  return { re: angle.cos().matmul(x), im: angle.sin().matmul(x) };
}

const pairOf = ({ re, im }: Complex): Tensor => stack([re, im], -1);
const complexOf = (x: Tensor): Complex => ({ re: x.at("...", 0), im: x.at("...", 1) });

/** Multiplications of a convolution of n numbers with m: by sums, and by three real transforms of a power of two. */
const directCost = (n: number, m: number): number => n * m;
function fourierCost(n: number, m: number): number {
  const length = 2 ** Math.ceil(Math.log2(n + m - 1));
  // Half a complex transform each, of (L / 2) log2 L complex products of four; and the product of the spectra.
  return 3 * length * Math.log2(length) + 2 * length;
}

export const signals: readonly Row[] = [
  row(
    "CNV-01",
    "Linear, and the same everywhere: convolution",
    String.raw`(Tf)(x) = \int k(x,y)\,f(y)\,dy:\qquad T S_a = S_a T\ \forall a \iff k(x,y) = h(x-y)`,
    String.raw`An operator $T$ that is linear and commutes with all shifts $S_a$ is known completely from its answer to one impulse, $h=T\delta$. Heat on a ring is such an operator; its answer is a sum of Gaussians, one for every time round, and convolving with it reproduces the operator on any signal. A product with a ramp is linear but not the same everywhere, a square is the same everywhere but not linear: for both the impulse says little. In the pictures the kernel $k(x,y)$ of heat is constant along diagonals; that of a blur which is wider further on is not.`,
    (t) => {
      const n = 32;
      const ring = heat(n, 4);
      const response = ring(f64([1, ...range(n - 1).fill(0)]));
      const wrapped = range(n).map((j) =>
        [-2, -1, 0, 1].reduce((sum, m) => sum + Math.exp(-((j + m * n) ** 2) / 16) / Math.sqrt(16 * Math.PI), 0),
      );
      t.close(response, wrapped, 1e-12, "the impulse response of heat: Gaussians of variance $2t$, wrapped around");
      const lti: Record<string, Operator> = {
        heat: ring,
        "a moving mean": (x) => x.add(roll(x, 1)).add(roll(x, 2)).div(3),
        "second differences": (x) => roll(x, 1).sub(x.mul(2)).add(roll(x, -1)),
      };
      for (const [name, operator] of Object.entries(lti)) {
        const off = examine(operator, n);
        t.close(off.linear, 0, 1e-12, `${name}: linear`);
        t.close(off.equivariant, 0, 1e-12, `${name}: commutes with shifts`);
        t.close(off.convolution, 0, 1e-12, `${name}: convolution with its impulse response`);
      }
      const ramp = f64(grid(0, 1, n));
      const other = examine((x) => x.mul(ramp), n);
      t.close(other.linear, 0, 1e-12, "a product with a ramp: linear");
      t.greater(other.equivariant, 0.1, "but shifts do not commute with it");
      t.greater(other.convolution, 0.1, "and it is no convolution");
      const square = examine((x) => x.square(), n);
      t.close(square.equivariant, 0, 1e-12, "a square commutes with shifts");
      t.greater(square.linear, 0.1, "but is not linear");
      t.greater(square.convolution, 0.1, "and is no convolution");
      const places = f64(range(n));
      const width = places.div(10).add(0.5).expandDims(1);
      const weights = bell(1, places.expandDims(1).sub(places).div(width)).div(width);
      const uneven: Operator = (x) => weights.matmul(x);
      for (const [title, operator] of Object.entries({ "Heat on a ring": ring, "A blur that grows wider": uneven })) {
        const kernel = matrixOf(jacobian(operator)(zeros([n], { dtype: "float64" })));
        t.plot(heatmap(kernel, { title, width: 300, rowLabel: "x", columnLabel: "y" }));
      }
    },
  ),
  row(
    "CNV-02",
    "Continuous convolution",
    String.raw`(f*g)(x) = \int f(y)\,g(x-y)\,dy,\qquad \mathcal N(0,\sigma^2)*\mathcal N(0,\tau^2) = \mathcal N(0,\sigma^2+\tau^2)`,
    String.raw`Convolution adds independent random numbers, so variances of Gaussians add. A box convolved with a Gaussian is a box with soft edges, $\Phi(x+1)-\Phi(x-1)$. The integrals are Gauss's quadrature, which is exact to rounding for integrands as smooth as these.`,
    (t) => {
      const x = grid(-5, 5, 101);
      /** The integral of f(y) g(x - y) over y at every x. */
      const integral = (f: Operator, g: Operator, low: number, high: number): Tensor => {
        const { nodes, weights } = quadrature(60, low, high);
        return g(f64(x).expandDims(1).sub(nodes)).matmul(f(nodes).mul(weights));
      };
      const [sigma, tau] = [0.6, 0.8];
      const sum = integral(
        (v) => bell(sigma, v),
        (v) => bell(tau, v),
        -6,
        6,
      );
      t.close(sum, bell(1, f64(x)), 1e-12, String.raw`$\mathcal N(0,0.36)*\mathcal N(0,0.64)=\mathcal N(0,1)$`);
      const smooth = integral(
        (v) => v.mul(0).add(1),
        (v) => bell(tau, v),
        -1,
        1,
      );
      const below = (v: Tensor): Tensor =>
        erf(v.div(tau * Math.SQRT2))
          .add(1)
          .div(2);
      t.close(smooth, below(f64(x).add(1)).sub(below(f64(x).sub(1))), 1e-12, "a box of width 2, smoothed");
      t.plot(
        lines(
          [
            { name: "σ = 0.6", x, y: numbers(bell(sigma, f64(x))), dashed: true },
            { name: "τ = 0.8", x, y: numbers(bell(tau, f64(x))), dashed: true },
            { name: "their convolution", x, y: numbers(sum) },
            { name: "box, smoothed by τ", x, y: numbers(smooth) },
          ],
          { title: "Variances add", x: { label: "x" }, height: 280 },
        ),
      );
    },
  ),
  row(
    "CNV-03",
    "Discrete convolution",
    String.raw`(f*h)[n] = \sum_m f[m]\,h[n-m]`,
    String.raw`The product of polynomials, written with coefficients. *Full* keeps every overlap, $N+M-1$ numbers; *same* keeps $N$ of them, from the middle; *valid* those $N-M+1$ that need nothing from outside. Over several axes a product of signals along them convolves axis by axis. In the picture the distribution of the sum of several dice: with every die another convolution, and ever more like a bell.`,
    (t) => {
      const [a, b] = [f64([1, 2, 3]), f64([0, 1, 0.5])];
      t.equal(convolve(a, b), [0, 1, 2.5, 4, 1.5], "full, from NumPy's documentation");
      t.equal(convolve(a, b, { mode: "same" }), [1, 2.5, 4], "same");
      t.equal(convolve(a, b, { mode: "valid" }), [2.5], "valid");
      const binomial = range(6).reduce<Tensor>((row) => convolve(row, f64([1, 1])), f64([1]));
      t.equal(binomial, [1, 6, 15, 20, 15, 6, 1], "coefficients of $(1+x)^6$");
      const [p, q, r, s, u, v] = range(6).map((i) => gaussian(i, i + 2));
      const plane = convolve(outer(p, q), outer(r, s));
      t.close(plane, outer(convolve(p, r), convolve(q, s)), 1e-13, "two axes");
      const cube = (x: Tensor, y: Tensor, z: Tensor): Tensor =>
        outer(outer(x, y).flatten(), z).reshape([x.size, y.size, z.size]);
      const solid = convolve(cube(p, q, u), cube(r, s, v));
      t.close(solid, cube(convolve(p, r), convolve(q, s), convolve(u, v)), 1e-12, "three axes");
      t.equal(
        [...convolve(solid, cube(p, q, r), { mode: "valid" }).shape],
        solid.shape.map((n, i) => n - [2, 3, 4][i] + 1),
        "lengths of valid",
      );
      const die = f64(range(6).fill(1 / 6));
      const sums = [1, 2, 3, 5].map((count) => ({
        count,
        p: numbers(range(count - 1).reduce<Tensor>((row) => convolve(row, die), die)),
      }));
      t.close(
        sums[1].p,
        [1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1].map((n) => n / 36),
        1e-15,
        "two dice",
      );
      t.plot(
        lines(
          sums.map(({ count, p: y }) => ({
            name: count === 1 ? "1 die" : `${count} dice`,
            x: y.map((_, i) => count + i),
            y,
          })),
          { title: "Sums of dice", x: { label: "sum" }, y: { label: "probability" }, height: 280 },
        ),
      );
    },
  ),
  row(
    "CNV-04",
    "Cross-correlation, and how it differs",
    String.raw`(h\star f)[u] = \sum_t h[t]\,f[u+t] = (f * \tilde h)[u],\qquad \tilde h[t] = h[-t]`,
    String.raw`Correlation does not turn the kernel around; it asks where the signal looks like $h$. What networks call convolution is this. In the picture a pattern hides in noise as strong as itself; the correlation is largest exactly where it begins.`,
    (t) => {
      t.equal(correlate(f64([1, 2, 3]), f64([0, 1, 0.5])), [0.5, 2, 3.5, 3, 0], "full, from NumPy's documentation");
      const [f, h] = [gaussian(1, 20), gaussian(2, 6)];
      for (const mode of ["full", "same", "valid"] as const)
        t.close(
          correlate(f, h, { mode }),
          convolve(f, h.flip(), { mode }),
          1e-14,
          `${mode}: convolution with the flipped kernel`,
        );
      const sums = range(15).map(
        (u) =>
          numbers(
            f
              .at(`${u}:${u + 6}`)
              .mul(h)
              .sum(),
          )[0],
      );
      t.close(correlate(f, h, { mode: "valid" }), sums, 1e-14, String.raw`$\sum_t h[t]f[u+t]$ by hand`);
      t.close(conv1d(f.reshape([1, 1, 20]), h.reshape([1, 1, 6])), sums, 1e-14, "what the layer computes");
      const [picture, kernel] = [gaussian(3, 8, 7), gaussian(4, 3, 2)];
      const layer = conv2d(picture.reshape([1, 1, 8, 7]), kernel.reshape([1, 1, 3, 2])).reshape([6, 6]);
      t.close(layer, convolve(picture, kernel.flip(), { mode: "valid" }), 1e-13, "and in two dimensions");
      const [pattern, place] = [gaussian(5, 60), 137];
      const signal = gaussian(6, 300).add(pattern.pad([[place, 240 - place]]));
      const match = correlate(signal, pattern, { mode: "valid" });
      t.equal(match.argmax(), place, "the pattern is found where it was hidden");
      t.plot(
        lines(
          [
            { name: "signal", x: range(300), y: numbers(signal) },
            { name: "correlation / 10", x: range(241), y: numbers(match.div(10)) },
          ],
          { title: `A pattern of length 60 begins at ${place}`, x: { label: "u" }, height: 280 },
        ),
      );
    },
  ),
  row(
    "CNV-05",
    "The algebra of convolution",
    String.raw`f*g = g*f,\qquad (f*g)*h = f*(g*h),\qquad S_a(f*g) = (S_af)*g`,
    String.raw`Checked on random signals along one axis and two. Associativity is why two filters in a row are one; so without something nonlinear in between, two layers of convolution are one with a larger kernel, which is checked too. Correlation is neither commutative nor associative. The picture shows one kernel at work and a shifted signal whose result is shifted as much.`,
    (t) => {
      for (const [name, [n, m, k]] of Object.entries({
        "one axis": [[17], [6], [4]],
        "two axes": [
          [9, 7],
          [4, 3],
          [2, 5],
        ],
      })) {
        const [f, g, h] = [gaussian(1, ...n), gaussian(2, ...m), gaussian(3, ...k)];
        t.close(convolve(f, g), convolve(g, f), 1e-12, `${name}: commutative`);
        t.close(convolve(convolve(f, g), h), convolve(f, convolve(g, h)), 1e-12, `${name}: associative`);
        const shift = (x: Tensor): Tensor => x.pad(x.shape.map(() => [3, 0]));
        t.close(convolve(shift(f), g), shift(convolve(f, g)), 1e-12, `${name}: shift-equivariant`);
        t.close(convolve(f.add(f.sin()), g), convolve(f, g).add(convolve(f.sin(), g)), 1e-12, `${name}: distributive`);
      }
      const [f, g] = [gaussian(1, 17), gaussian(2, 6)];
      t.greater(largest(correlate(f, g).sub(correlate(g, f))), 0.1, "correlation does not commute");
      const h = gaussian(3, 4);
      const nested = [correlate(correlate(f, g), h), correlate(f, correlate(g, h))];
      t.greater(largest(nested[0].sub(nested[1])), 0.1, "and is not associative");
      const [x, w1, w2] = [gaussian(4, 1, 2, 9, 8), gaussian(5, 3, 2, 3, 3), gaussian(6, 2, 3, 2, 3)];
      const both = conv2d(conv2d(x, w1), w2);
      // The joint kernel: every pair of taps, added up over the channels between.
      const joint = conv2d(w1.transpose([1, 0, 2, 3]), w2.flip([2, 3]), null, { padding: "full" }).transpose([
        1, 0, 2, 3,
      ]);
      t.close(both, conv2d(x, joint), 1e-12, "two linear layers are one with a kernel of $4\\times5$");
      const wave = f64(range(60).map((i) => (i > 8 && i < 20 ? 1 : 0) + (i > 26 && i < 30 ? 1.5 : 0)));
      const soft = f64(range(9).map((i) => Math.exp(-((i - 4) ** 2) / 6)));
      const [one, two] = [wave, roll(wave, 22)].map((s) => convolve(s, soft.div(soft.sum()), { mode: "same" }));
      t.plot(
        lines(
          [
            { name: "signal", x: range(60), y: numbers(wave), dashed: true },
            { name: "filtered", x: range(60), y: numbers(one) },
            { name: "shifted by 22, then filtered", x: range(60), y: numbers(two) },
          ],
          { title: "Shift, then filter, or filter, then shift", height: 280 },
        ),
      );
    },
  ),
  row(
    "CNV-06",
    "Fourier transforms and the convolution theorem",
    String.raw`\hat f[k] = \sum_n f[n]\,e^{-2\pi i kn/N},\qquad \widehat{f\circledast g} = \hat f\cdot\hat g`,
    String.raw`A convolution is a product of spectra. Transforms take $O(N\log N)$ for any $N$, prime ones too, so they win as soon as the kernel is longer than a few times $\log N$: the picture counts multiplications. Expected values are sums by definition and the *dft* and *stft* tests of ONNX 1.12.`,
    (t) => {
      for (const { name, op, options, operands, output } of spectra()) {
        const [x, w] = operands;
        if (op === "DFT") {
          const signal = x.shape[3] === 2 ? complexOf(x) : { re: x.at("...", 0), im: x.at("...", 0).mul(0) };
          const y = options.inverse ? ifft(signal, { axis: options.axis }) : fft(signal, { axis: options.axis });
          t.close(pairOf(y), output, 1e-5, `ONNX ${name}`);
        } else {
          const frames = slidingWindows(x.flatten(), [w.size], { axes: [0], strides: [options.step] });
          t.close(pairOf(rfft(frames.mul(w))), output, 1e-4, `ONNX ${name}`);
        }
      }
      for (const n of [1, 16, 30, 97]) {
        const x = gaussian(n, n);
        const own = fft(x);
        t.close(pairOf(own), pairOf(transformOf(x)), 1e-12, `$N=${n}$, against the definition`);
        t.close(ifft(own).re, x, 1e-13, `$N=${n}$ and back`);
        t.close(rfft(x).re, own.re.at(`:${Math.floor(n / 2) + 1}`), 1e-12, `$N=${n}$, the half that real signals need`);
      }
      const [f, g] = [gaussian(1, 31), gaussian(2, 31)];
      const circular = toeplitz(f, roll(f.flip(), 1)).matmul(g);
      t.close(ifft(multiply(fft(f), fft(g))).re, circular, 1e-12, "the theorem, around a ring");
      const image = gaussian(3, 6, 5);
      const rows = fft(fft(image, { axis: 0 }), { axis: 1 });
      t.close(pairOf(fftn(image)), pairOf(rows), 1e-12, "two axes, one after the other");
      for (const [n, m] of [
        [[200], [31]],
        [
          [23, 18],
          [5, 7],
        ],
      ])
        for (const mode of ["full", "same", "valid"] as const) {
          const [a, b] = [gaussian(4, ...n), gaussian(5, ...m)];
          t.close(
            convolve(a, b, { mode, method: "fft" }),
            convolve(a, b, { mode }),
            1e-12,
            `${n.join("×")} with ${m.join("×")}, ${mode}`,
          );
        }
      const crossover = (n: number): number => range(n).find((m) => m > 0 && directCost(n, m) > fourierCost(n, m)) ?? n;
      const sizes = [2 ** 8, 2 ** 12, 2 ** 16];
      for (const n of sizes) t.show(`kernel length at which transforms win, $N=${n}$`, crossover(n));
      t.atMost(
        sizes.map((n) => crossover(n) / Math.log2(n)),
        8,
        String.raw`it is within $8\log_2N$`,
      );
      const widths = range(12).map((i) => 2 ** i);
      t.plot(
        lines(
          [
            { name: "sums", x: widths, y: widths.map((m) => directCost(4096, m)) },
            { name: "transforms", x: widths, y: widths.map((m) => fourierCost(4096, m)) },
          ],
          {
            title: "Multiplications for 4096 numbers",
            x: { label: "kernel length", log: true },
            y: { log: true },
            height: 280,
          },
        ),
      );
    },
  ),
  row(
    "CNV-07",
    "Convolution as a band matrix",
    String.raw`f*c = Hf,\qquad H_{ij} = c_{i-j};\qquad \operatorname{vec}(y) = T\operatorname{vec}(x)`,
    String.raw`A convolution is a linear map, so it is a matrix: a band with equal numbers along diagonals. In two dimensions it is a block matrix of the same kind, each block such a band. Most entries are zero, and the others repeat: a $3\times3$ layer on a $6\times6$ picture has $16\cdot36$ entries, 144 of them not zero, and 9 parameters.`,
    (t) => {
      const [c, x] = [gaussian(1, 4), gaussian(2, 7)];
      const band = toeplitz(c.pad([[0, 6]]), c.at(":1").pad([[0, 6]]));
      t.close(band.matmul(x), convolve(x, c), 1e-13, "$Hf$ is the full convolution");
      const entries = range(10).map((i) => range(7).map((j) => (i - j >= 0 && i - j < 4 ? numbers(c)[i - j] : 0)));
      t.equal(band, entries, "$H_{ij}=c_{i-j}$");
      t.equal(
        convolutionMatrix(c.flip().reshape([1, 1, 4]), [7], { padding: "full" }),
        entries,
        "the matrix of the layer with the flipped kernel",
      );
      const [picture, kernel] = [gaussian(3, 6, 6), gaussian(4, 3, 3)];
      const T = convolutionMatrix(kernel.reshape([1, 1, 3, 3]), [6, 6]);
      const y = conv2d(picture.reshape([1, 1, 6, 6]), kernel.reshape([1, 1, 3, 3]));
      t.close(T.matmul(picture.flatten()), y.flatten(), 1e-13, String.raw`$T\operatorname{vec}(x)$ in two dimensions`);
      const block = (i: number): Tensor => toeplitz(f64([numbers(kernel)[3 * i], 0, 0, 0]), kernel.at(i).pad([[0, 3]]));
      for (const [i, j] of [
        [0, 0],
        [1, 2],
        [3, 5],
        [2, 1],
      ])
        t.equal(
          T.at(`${4 * i}:${4 * i + 4}`, `${6 * j}:${6 * j + 6}`),
          j - i >= 0 && j - i < 3 ? block(j - i) : range(24).fill(0),
          `block $(${i},${j})$ is the band of the kernel's row $${j - i}$, or nothing`,
        );
      t.equal([...T.shape], [16, 36], "its size");
      t.equal(T.notEqual(0).sum(), 144, "entries that are not zero");
      const options = { stride: 2, dilation: 2, padding: [[3, 1]] as const, groups: 2 };
      const [w, v] = [gaussian(5, 4, 2, 3), gaussian(6, 1, 4, 11)];
      t.close(
        convolutionMatrix(w, [11], options).matmul(v.flatten()),
        conv1d(v, w, null, options).flatten(),
        1e-13,
        "with stride, dilation, groups and uneven padding",
      );
      t.plot(
        heatmap(matrixOf(convolutionMatrix(uniform(7, 0.2, 1, 1, 1, 3, 3), [6, 6])), {
          title: "3 × 3 on 6 × 6",
          width: 420,
          rowLabel: "output",
          columnLabel: "input",
        }),
      );
    },
  ),
];
