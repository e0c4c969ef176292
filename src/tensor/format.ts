/** Values as text, in NumPy's manner. */
import type { DType, TypedArray } from "../ir/dtype.js";
import { isFloat } from "../ir/dtype.js";
import { type Shape, show, sizeOf, stridesOf } from "../ir/shape.js";

const edge = 3;
const summarizeAbove = 1000;

function element(x: number, dtype: DType): string {
  if (dtype === "bool") return x ? "true" : "false";
  if (!isFloat(dtype)) return String(x);
  if (Number.isInteger(x) && Math.abs(x) < 1e8) return `${Object.is(x, -0) ? "-0" : x}.`;
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  const digits = dtype === "float32" ? 5 : 8;
  const size = Math.abs(x);
  return size >= 1e-4 && size < 1e8 ? String(Number(x.toPrecision(digits))) : x.toExponential(4);
}

/** Positions to print along an axis; -1 stands for an ellipsis. */
function shown(length: number, summarize: boolean): number[] {
  const all = Array.from({ length }, (_, i) => i);
  return summarize && length > 2 * edge ? [...all.slice(0, edge), -1, ...all.slice(length - edge)] : all;
}

/** `[[1. 2.], [3. 4.]]` with aligned columns, long axes abbreviated. */
export function formatArray(data: TypedArray, dtype: DType, shape: Shape): string {
  const summarize = sizeOf(shape) > summarizeAbove;
  const strides = stridesOf(shape);
  const texts: string[] = [];
  const collect = (axis: number, offset: number): void => {
    if (axis === shape.length) texts.push(element(data[offset], dtype));
    else for (const i of shown(shape[axis], summarize)) if (i >= 0) collect(axis + 1, offset + i * strides[axis]);
  };
  collect(0, 0);
  const width = Math.max(0, ...texts.map((t) => t.length));
  let next = 0;
  const render = (axis: number): string => {
    if (axis === shape.length) return shape.length === 0 ? texts[next++] : texts[next++].padStart(width);
    const inner = shown(shape[axis], summarize).map((i) => (i < 0 ? "..." : render(axis + 1)));
    const last = axis === shape.length - 1;
    const gap = last ? ", " : `,${"\n".repeat(shape.length - 1 - axis)}${" ".repeat(axis + 1)}`;
    return `[${inner.join(gap)}]`;
  };
  return render(0);
}

/** The array with its dtype and shape: `float32[2] [1., 2.]`. */
export const formatValue = (data: TypedArray, dtype: DType, shape: Shape): string => {
  const separator = shape.length > 1 ? "\n" : " ";
  return `${show({ dtype, shape })}${separator}${formatArray(data, dtype, shape)}`;
};
