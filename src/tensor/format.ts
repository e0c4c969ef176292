/** Values as text, exactly as NumPy prints arrays (`array2string` with commas), but for bools, which are JavaScript's. */
import { type DType, isFloat, type TypedArray } from "../ir/dtype.js";
import { type Shape, show, sizeOf, stridesOf } from "../ir/shape.js";
import { range } from "../util/arrays.js";

const edge = 3;
const summarizeAbove = 1000;
const lineWidth = 75;
const precision = 8;

/** A number in the fewest digits that give it back: `digits[0].digits[1]… · 10^exponent`. */
function shortest(x: number, dtype: DType): { readonly digits: number; readonly exponent: number } {
  const candidates = dtype === "float32" ? range(9).map((p) => x.toExponential(p)) : [];
  const text = candidates.find((t) => Math.fround(Number(t)) === x) ?? x.toExponential();
  const [mantissa, exponent] = text.split("e");
  return { digits: mantissa.replace(/[-.]/g, "").length, exponent: Number(exponent) };
}

const signOf = (x: number): string => (x < 0 || Object.is(x, -0) ? "-" : "");

/** `12.5`, `3.`: at most `precision` decimals, no trailing zeros. */
function positional(x: number, dtype: DType): string {
  const { digits, exponent } = shortest(x, dtype);
  const decimals = Math.min(Math.max(digits - 1 - exponent, 0), precision);
  const text = Math.abs(x).toFixed(decimals);
  return `${signOf(x)}${decimals === 0 ? `${text}.` : text.replace(/0+$/, "")}`;
}

/** `1.25e+03` with `decimals` decimals and as many digits of the exponent as asked for. */
function scientific(x: number, decimals: number, exponentDigits: number): string {
  const [mantissa, exponent] = Math.abs(x).toExponential(decimals).split("e");
  const power = String(Math.abs(Number(exponent))).padStart(exponentDigits, "0");
  return `${signOf(x)}${mantissa}${decimals === 0 ? "." : ""}e${exponent.startsWith("-") ? "-" : "+"}${power}`;
}

/** How floats that are printed together are written: one form for all, decimal points aligned. */
function floatFormat(values: readonly number[], dtype: DType): (x: number) => string {
  const finite = values.filter(Number.isFinite);
  const sizes = finite.filter((x) => x !== 0).map(Math.abs);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const isScientific = sizes.length > 0 && (most >= 1e8 || least < 1e-4 || most / least > 1000);
  const needed = isScientific ? finite.map((x) => shortest(x, dtype)) : [];
  const decimals = Math.min(Math.max(0, ...needed.map((v) => v.digits - 1)), precision);
  const exponentDigits = Math.max(2, ...needed.map((v) => String(Math.abs(v.exponent)).length));
  const written = (x: number): string =>
    isScientific ? scientific(x, decimals, exponentDigits) : positional(x, dtype);
  const parts = finite.map((x) => written(x).split("."));
  const right = Math.max(0, ...parts.map(([, after]) => after.length));
  const special = values.filter((x) => !Number.isFinite(x)).map((x) => specialText(x).length - right - 1);
  const left = Math.max(0, ...special, ...parts.map(([before]) => before.length));
  return (x) => {
    if (!Number.isFinite(x)) return specialText(x).padStart(left + right + 1);
    const [before, after] = written(x).split(".");
    return `${before.padStart(left)}.${after.padEnd(right)}`;
  };
}
const specialText = (x: number): string => (Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf");

function formatOf(values: readonly number[], dtype: DType): (x: number) => string {
  if (isFloat(dtype)) return floatFormat(values, dtype);
  const text = (x: number): string => (dtype === "bool" ? (x ? "true" : "false") : String(x));
  const width = Math.max(0, ...values.map((x) => text(x).length));
  return (x) => text(x).padStart(width);
}

/** Positions to print along an axis; `null` stands for an ellipsis. */
function shown(length: number, summarize: boolean): (number | null)[] {
  const all = range(length);
  return summarize && length > 2 * edge ? [...all.slice(0, edge), null, ...all.slice(length - edge)] : all;
}

/** Words separated by commas, in lines of at most `width` that begin with `indent`; the first line's indent is left out. */
function wrapped(words: readonly string[], width: number, indent: string): string {
  const lines: string[] = [];
  let line = indent;
  words.forEach((word, i) => {
    if (line.length + word.length > width && line.length > indent.length) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += i < words.length - 1 ? `${word}, ` : word;
  });
  return [...lines, line].join("\n").slice(indent.length);
}

/** `[[1., 2.], [3., 4.]]` with aligned columns, long axes abbreviated, long rows wrapped. */
export function formatArray(data: TypedArray, dtype: DType, shape: Shape): string {
  if (data.length === 0) return "[]";
  const summarize = sizeOf(shape) > summarizeAbove;
  const strides = stridesOf(shape);
  const visible = (axis: number, offset: number): number[] =>
    axis === shape.length
      ? [data[offset]]
      : shown(shape[axis], summarize).flatMap((i) => (i === null ? [] : visible(axis + 1, offset + i * strides[axis])));
  const format = formatOf(visible(0, 0), dtype);
  const render = (axis: number, offset: number): string => {
    if (axis === shape.length) return format(data[offset]);
    const words = shown(shape[axis], summarize).map((i) =>
      i === null ? "..." : render(axis + 1, offset + i * strides[axis]),
    );
    const indent = " ".repeat(axis + 1);
    const deeper = shape.length - 1 - axis;
    return deeper === 0
      ? `[${wrapped(words, lineWidth - axis - 1, indent)}]`
      : `[${words.join(`,${"\n".repeat(deeper)}${indent}`)}]`;
  };
  return render(0, 0);
}

/** The array with its dtype and shape: `float32[2] [1., 2.]`. */
export function formatValue(data: TypedArray, dtype: DType, shape: Shape): string {
  const separator = shape.length > 1 ? "\n" : " ";
  return `${show({ dtype, shape })}${separator}${formatArray(data, dtype, shape)}`;
}
