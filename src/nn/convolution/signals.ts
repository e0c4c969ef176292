/** Convolution and correlation of whole signals, as NumPy and SciPy have them. */
import { ShapeError, type Tensor, convolution } from "../../index.js";
import { fftConvolve } from "../../fft/index.js";

/**
 * How much of the result: every overlap ("full", `N + M - 1`), as much as the first operand from the middle of that ("same",
 * `N`), or what needs no zeros around the first operand ("valid", `N - M + 1`).
 */
export type ConvolveMode = "full" | "same" | "valid";

export interface ConvolveOptions {
  /** "full" unless told. */
  readonly mode?: ConvolveMode;
  /** "direct" sums, `N · M` products, unless told; "fft" goes through Fourier transforms, `O((N + M) log (N + M))`. */
  readonly method?: "direct" | "fft";
}

function checkOperands(name: string, a: Tensor, b: Tensor, mode: ConvolveMode): void {
  if (a.rank !== b.rank || a.rank === 0 || a.size === 0 || b.size === 0)
    throw new ShapeError(
      `${name}: operands must have equally many axes and elements, got ${a.describe()} and ${b.describe()}. add axes of length 1`,
    );
  if (mode === "valid" && b.shape.some((m, i) => m > a.shape[i]))
    throw new ShapeError(
      `${name}: for "valid" the first operand must be the longer one, got ${a.describe()} and ${b.describe()}. exchange them`,
    );
}

/** Zeros around the first operand that make the mode's lengths. */
function paddingFor(mode: ConvolveMode, m: number): [number, number] {
  if (mode === "valid") return [0, 0];
  return mode === "full" ? [m - 1, m - 1] : [Math.ceil((m - 1) / 2), Math.floor((m - 1) / 2)];
}

function direct(a: Tensor, kernel: Tensor, mode: ConvolveMode): Tensor {
  const y = convolution(a.reshape([1, 1, ...a.shape]), kernel.reshape([1, 1, ...kernel.shape]), {
    padding: kernel.shape.map((m) => paddingFor(mode, m)),
  });
  return y.reshape(y.shape.slice(2));
}

/** `y[n] = Σₘ a[n - m] b[m]` over any number of axes: NumPy's `convolve`, SciPy's for more than one axis. */
export function convolve(a: Tensor, b: Tensor, options: ConvolveOptions = {}): Tensor {
  const { mode = "full", method = "direct" } = options;
  checkOperands("convolve", a, b, mode);
  return method === "fft" ? fftConvolve(a, b, { mode }) : direct(a, b.flip(), mode);
}

/**
 * `y[k] = Σₙ a[n + k] b[n]` over any number of axes: `convolve` with `b` turned around. SciPy's `correlate`; NumPy's, whose
 * mode is "valid" unless told. In mode "full" the first element belongs to `k = 1 - M`.
 */
export function correlate(a: Tensor, b: Tensor, options: ConvolveOptions = {}): Tensor {
  const { mode = "full", method = "direct" } = options;
  checkOperands("correlate", a, b, mode);
  return method === "fft" ? fftConvolve(a, b.flip(), { mode }) : direct(a, b, mode);
}
