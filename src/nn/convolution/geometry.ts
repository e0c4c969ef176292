/** Where the windows of a convolution lie: padding, lengths of results. */
import { ArgumentError, type Tensor, shown } from "../../index.js";
import { checkFits, type Pairs, type PerAxis, pairsPerAxis, perAxis } from "../spatial.js";

/**
 * What lies around the input: as much on both sides (the same for every axis, or one number for each), a pair
 * `[before, after]` for each axis, or by name:
 *
 * - `"valid"`: nothing;
 * - `"same"`: as much as makes `⌈length / stride⌉` results, the odd element at the end (ONNX's and TensorFlow's
 *   `SAME_UPPER`; PyTorch refuses strides other than 1 here);
 * - `"causal"`: `(K - 1) · dilation` before and nothing after, so that no result sees what comes later (one axis only);
 * - `"full"`: `(K - 1) · dilation` on both sides, so that every overlap with the kernel gives a result.
 */
export type ConvPadding = PerAxis | Pairs | "valid" | "same" | "causal" | "full";

export interface WindowOptions {
  readonly stride?: PerAxis;
  /** None unless told. */
  readonly padding?: ConvPadding;
  readonly dilation?: PerAxis;
}

/** Everything about the windows along each axis. */
export interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padding: Pairs;
}

/** The windows of a kernel over axes of these lengths. */
export function windowsOver(
  name: string,
  lengths: readonly number[],
  kernel: readonly number[],
  options: WindowOptions,
): Windows {
  const { stride = 1, padding = 0, dilation = 1 } = options;
  const rank = kernel.length;
  const strides = perAxis(name, "stride", stride, rank);
  const dilations = perAxis(name, "dilation", dilation, rank);
  if (typeof padding !== "string")
    return { kernel, strides, dilations, padding: pairsPerAxis(name, padding, rank, -Infinity) };
  const spans = kernel.map((k, i) => (k - 1) * dilations[i]);
  return { kernel, strides, dilations, padding: namedPadding(name, padding, lengths, spans, strides) };
}

function namedPadding(
  name: string,
  padding: "valid" | "same" | "causal" | "full",
  lengths: readonly number[],
  spans: readonly number[],
  strides: readonly number[],
): Pairs {
  switch (padding) {
    case "valid":
      return spans.map(() => [0, 0]);
    case "full":
      return spans.map((span) => [span, span]);
    case "causal":
      if (spans.length === 1) return [[spans[0], 0]];
      throw new ArgumentError(
        `${name}: padding "causal" needs one axis, along which time runs, got ${spans.length}. give [before, after] for each axis`,
      );
    case "same":
      return spans.map((span, i) => {
        const windows = Math.ceil(lengths[i] / strides[i]);
        const total = Math.max(0, (windows - 1) * strides[i] + span + 1 - lengths[i]);
        return [Math.floor(total / 2), Math.ceil(total / 2)];
      });
    default:
      throw new ArgumentError(
        `${name}: padding must be numbers, pairs, "valid", "same", "causal" or "full", got ${JSON.stringify(padding satisfies never)}. choose one`,
      );
  }
}

/** Throws unless there is at least one window. */
export function checkWindows(name: string, x: Tensor, { kernel, dilations, padding }: Windows): void {
  const spans = kernel.map((k, i) => (k - 1) * dilations[i] + 1);
  const lengths = padding.map(([before, after], i) => x.shape[i + 2] + before + after);
  checkFits(name, x, spans, lengths);
}

/** Throws unless there are channels, and groups divide them. */
export function checkGroups(name: string, into: number, out: number, groups: number): void {
  if ([into, out, groups].some((n) => !Number.isInteger(n) || n < 1) || into % groups !== 0 || out % groups !== 0)
    throw new ArgumentError(
      `${name}: groups must divide the channels, all positive integers, got ${shown(groups)} groups of ${shown(into)} and ${shown(out)} channels. choose a divisor of both`,
    );
}

export interface OutputSizeOptions extends WindowOptions {
  /** Whether windows may end in what lies behind the padding, as pooling allows; they still begin before its end. */
  readonly ceilMode?: boolean;
}

/**
 * How many windows there are along axes of these lengths: `⌊(I + before + after - d (K - 1) - 1) / S⌋ + 1`, 0 where not even
 * one fits (Dumoulin and Visin 2016). With `ceilMode` rounded up, without windows that begin behind the input.
 */
export function convOutputSize(lengths: readonly number[], kernel: PerAxis, options: OutputSizeOptions = {}): number[] {
  const { ceilMode = false, ...rest } = options;
  const sizes = perAxis("convOutputSize", "kernel", kernel, lengths.length);
  const { strides, dilations, padding } = windowsOver("convOutputSize", lengths, sizes, rest);
  return lengths.map((length, i) => {
    const [before, after] = padding[i];
    const room = length + before + after - dilations[i] * (sizes[i] - 1) - 1;
    if (!ceilMode) return Math.max(0, Math.floor(room / strides[i]) + 1);
    const count = Math.ceil(room / strides[i]) + 1;
    return Math.max(0, (count - 1) * strides[i] >= length + before ? count - 1 : count);
  });
}

export interface TransposedOptions {
  /** Distance between the copies of the kernel. */
  readonly stride?: PerAxis;
  /** What the convolution that this one transposes adds around its input; here as much is cut off. */
  readonly padding?: PerAxis | Pairs;
  /** Further elements at the end, fewer than the stride or the dilation; settles which of several lengths is meant. */
  readonly outputPadding?: PerAxis;
  readonly dilation?: PerAxis;
}

/** The same numbers, one for each axis, checked. */
export function transposedWindows(
  name: string,
  kernel: readonly number[],
  options: TransposedOptions,
): Windows & { readonly outputPadding: readonly number[] } {
  const { stride = 1, padding = 0, outputPadding = 0, dilation = 1 } = options;
  const rank = kernel.length;
  const strides = perAxis(name, "stride", stride, rank);
  const dilations = perAxis(name, "dilation", dilation, rank);
  const extra = perAxis(name, "outputPadding", outputPadding, rank, 0);
  if (extra.some((n, i) => n > 0 && n >= Math.max(strides[i], dilations[i])))
    throw new ArgumentError(
      `${name}: outputPadding must be less than the stride or the dilation, got ${JSON.stringify(outputPadding)} for stride ${JSON.stringify(stride)} and dilation ${JSON.stringify(dilation)}. lower it`,
    );
  return { kernel, strides, dilations, padding: pairsPerAxis(name, padding, rank), outputPadding: extra };
}

/** Lengths of a transposed convolution: `(I - 1) S - before - after + d (K - 1) + outputPadding + 1`. */
export function convTransposeOutputSize(
  lengths: readonly number[],
  kernel: PerAxis,
  options: TransposedOptions = {},
): number[] {
  const name = "convTransposeOutputSize";
  const sizes = perAxis(name, "kernel", kernel, lengths.length);
  const { strides, dilations, padding, outputPadding } = transposedWindows(name, sizes, options);
  return lengths.map((length, i) => {
    const whole = (length - 1) * strides[i] + dilations[i] * (sizes[i] - 1) + 1 + outputPadding[i];
    return Math.max(0, whole - padding[i][0] - padding[i][1]);
  });
}
