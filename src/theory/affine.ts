/** Affine maps in plain numbers, for the geometry of piecewise linear functions. */
import { ShapeError, type Tensor, tensor } from "../index.js";
import { Linear } from "../nn/index.js";

/** `x → weight · x + bias` with a weight `[out][in]`. */
export interface AffineMap {
  readonly weight: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

/** `x → weight · x + bias` with one output. */
export interface AffineFunction {
  readonly weight: readonly number[];
  readonly bias: number;
}

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

export const rowsOf = (map: AffineMap): AffineFunction[] =>
  map.weight.map((weight, i) => ({ weight, bias: map.bias[i] }));

export const fromRows = (rows: readonly AffineFunction[]): AffineMap => ({
  weight: rows.map((row) => row.weight),
  bias: rows.map((row) => row.bias),
});

/** `x → factor · xᵢ` of n inputs. */
export const coordinate = (n: number, i: number, factor = 1): AffineFunction => ({
  weight: Array.from({ length: n }, (_, j) => (i === j ? factor : 0)),
  bias: 0,
});

export const identity = (n: number): AffineMap => fromRows(Array.from({ length: n }, (_, i) => coordinate(n, i)));

/** `outer ∘ inner`; `inputs` are those of `inner`, which may have no outputs. */
export function composed(outer: AffineMap, inner: AffineMap, inputs: number): AffineMap {
  return fromRows(
    rowsOf(outer).map(({ weight, bias }) => ({
      weight: Array.from({ length: inputs }, (_, j) => weight.reduce((sum, w, k) => sum + w * inner.weight[k][j], 0)),
      bias: bias + dot(weight, inner.bias),
    })),
  );
}

/** Σ factorᵢ · termᵢ of affine functions of n inputs. */
export function combined(
  terms: readonly (readonly [factor: number, term: AffineFunction])[],
  n: number,
): AffineFunction {
  const weight = Array.from({ length: n }, () => 0);
  let bias = 0;
  for (const [factor, term] of terms) {
    term.weight.forEach((w, i) => (weight[i] += factor * w));
    bias += factor * term.bias;
  }
  return { weight, bias };
}

/** The numbers of a matrix as rows. */
export function matrixRows(matrix: Tensor): number[][] {
  const [rows, columns] = matrix.shape;
  const data = matrix.dataSync();
  return Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * columns, (i + 1) * columns)));
}

/** float64[rows.length, columns]. */
export const matrixOf = (rows: readonly (readonly number[])[], columns: number): Tensor<readonly [number, number]> =>
  tensor(Float64Array.from(rows.flat()), { shape: [rows.length, columns] });

/** float64[values.length]. */
export const vectorOf = (values: readonly number[]): Tensor<readonly [number]> => tensor(Float64Array.from(values));

/** A float64 layer that computes the map. */
export function linearOf(map: AffineMap, inputs: number): Linear {
  if (map.weight.length !== map.bias.length || map.weight.some((row) => row.length !== inputs))
    throw new ShapeError(
      `affine map: every row must have ${inputs} weights and one bias, got rows of ${map.weight.map((row) => row.length).join(", ")} and ${map.bias.length} biases. fill the rows`,
    );
  const layer = new Linear(inputs, map.bias.length, { bias: false });
  layer.weight = matrixOf(map.weight, inputs);
  layer.bias = vectorOf(map.bias);
  return layer;
}

/** What a layer computes, in plain numbers; reads its weights. */
export const affineOf = (layer: Linear): AffineMap => ({
  weight: matrixRows(layer.weight),
  bias: layer.bias ? Array.from(layer.bias.dataSync()) : Array.from({ length: layer.weight.shape[0] }, () => 0),
});
