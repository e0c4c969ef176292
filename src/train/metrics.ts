/** Numbers that say how good a model is, gathered over batches as tensors so that a compiled step can carry them. */
import { ArgumentError, ShapeError, type Tensor, arange, tensor, where, zeros, shown } from "../index.js";
import { crossEntropy, mse } from "../nn/index.js";

/** A tree of tensors. */
export type Sums = Tensor | readonly Sums[] | { readonly [name: string]: Sums };

/** What a metric says in the end: a number, or a table of them. */
export type Measured = number | readonly (readonly number[])[];

/** `update` is called in the compiled step for every batch, `value` once the batches are through. */
export interface Metric<S extends Sums = Sums, Y = Tensor> {
  init(): S;
  update(state: S, output: Tensor, target: Y): S;
  value(state: S): Promise<Measured>;
}

/** A sum and the count it is over. */
export type Ratio = {
  readonly sum: Tensor;
  readonly count: Tensor;
};

const ratio = (count: (output: Tensor, target: Tensor) => Ratio): Metric<Ratio> => ({
  init: () => ({ sum: tensor(0), count: tensor(0, { dtype: "int32" }) }),
  update(state, output, target) {
    const { sum, count: n } = count(output, target);
    return { sum: state.sum.add(sum), count: state.count.add(n) };
  },
  async value(state) {
    const [sum, count] = [await state.sum.item(), await state.count.item()];
    return count === 0 ? Number.NaN : sum / count;
  },
});

/** Logits `[N, C, …]` and integer classes `[N, …]`. */
function checkClasses(name: string, output: Tensor, target: Tensor): void {
  const expected = output.shape.toSpliced(1, 1);
  if (
    output.shape.length < 2 ||
    target.shape.length !== expected.length ||
    target.shape.some((d, i) => d !== expected[i])
  )
    throw new ShapeError(
      `${name}: outputs must be [N, C, …] and targets classes [N, …], got ${output.describe()} and ${target.describe()}. reshape one`,
    );
}

/** The share of examples whose largest logit (axis 1) is that of their class. */
export const accuracy = (): Metric<Ratio> =>
  ratio((output, target) => {
    checkClasses("accuracy", output, target);
    const right = output.argmax(1).equal(target.astype("int32"));
    return { sum: right.astype("float32").sum(), count: tensor(target.size, { dtype: "int32" }) };
  });

/** The share of examples whose class is among those of the k largest logits (axis 1). */
export function topK(k: number): Metric<Ratio> {
  if (!(Number.isInteger(k) && k > 0))
    throw new ArgumentError(`topK: k must be a positive integer, got ${shown(k)}. 5 is usual`);
  return ratio((output, target) => {
    checkClasses("topK", output, target);
    const classes = arange(output.shape[1]).reshape(output.shape.map((d, i) => (i === 1 ? d : 1)));
    const own = where(classes.equal(target.astype("int32").expandDims(1)), output, 0).sum(1, { keepDims: true });
    // An example is right when fewer than k logits exceed that of its class.
    const above = output.greater(own).astype("int32").sum(1);
    return { sum: above.less(k).astype("float32").sum(), count: tensor(target.size, { dtype: "int32" }) };
  });
}

/** The mean of a loss (or any other function of a batch that gives the batch's mean) over all examples. */
export const meanOf = (loss: (output: Tensor, target: Tensor) => Tensor): Metric<Ratio> =>
  ratio((output, target) => {
    const n = target.shape[0] ?? 1;
    return { sum: loss(output, target).mul(n), count: tensor(n, { dtype: "int32" }) };
  });

/** The root of the mean squared error over all elements, in units of the targets: `√(Σ (output - target)² / n)`. */
export function rmse(): Metric<Ratio> {
  const inner = ratio((output, target) => ({
    sum: mse(output, target, { reduction: "sum" }),
    count: tensor(target.size, { dtype: "int32" }),
  }));
  return { ...inner, value: async (state) => Math.sqrt(Number(await inner.value(state))) };
}

/**
 * What a class costs on average in bits: `-log₂ softmax(logits)[target]` over all elements of targets `[N, …]`, for logits
 * `[N, C, …]`. Of pixels or samples these are the bits per dimension.
 */
export const bitsPerDimension = (): Metric<Ratio> =>
  ratio((output, target) => ({
    sum: crossEntropy(output, target.astype("int32"), { reduction: "sum" }).div(Math.LN2),
    count: tensor(target.size, { dtype: "int32" }),
  }));

/** Counts `[C, C]` of pairs of a true class, the row, and a predicted one, the column. */
export type Counts = { readonly counts: Tensor };

/** How many elements of every class (rows) are taken for every class (columns): `[C, C]`. */
export const confusionMatrix = (classes: number): Metric<Counts> => ({
  init: () => ({ counts: zeros([classes, classes], { dtype: "int32" }) }),
  update({ counts }, output, target) {
    checkClasses("confusionMatrix", output, target);
    const all = arange(classes);
    const marks = (labels: Tensor): Tensor => labels.astype("int32").reshape([-1, 1]).equal(all).astype("float32"); // [N, C]
    const pairs = marks(target)
      .transpose()
      .matmul(marks(output.argmax(1)));
    return { counts: counts.add(pairs.astype("int32")) };
  },
  value: ({ counts }) => rowsOf(counts),
});

async function rowsOf(counts: Tensor): Promise<number[][]> {
  const [rows, columns] = counts.shape;
  const data = [...(await counts.data())];
  return Array.from({ length: rows }, (_, i) => data.slice(i * columns, (i + 1) * columns));
}

/** For every class of a table of counts, how often it is predicted and true at once, and how often predicted or true. */
function overlaps(counts: readonly (readonly number[])[]): { readonly both: number; readonly sum: number }[] {
  return counts.map((row, k) => ({
    both: row[k],
    sum: row.reduce((a, b) => a + b, 0) + counts.reduce((a, other) => a + other[k], 0),
  }));
}

export interface OverlapOptions {
  /** The classes that the mean is over; all unless told. */
  readonly of?: readonly number[];
}

/** The mean over classes of a number made of their overlaps; classes that are neither predicted nor true count for nothing. */
function meanOverlap(
  name: string,
  classes: number,
  options: OverlapOptions,
  share: (both: number, sum: number) => number,
): Metric<Counts> {
  const { of = Array.from({ length: classes }, (_, k) => k) } = options;
  if (of.length === 0 || of.some((k) => !Number.isInteger(k) || k < 0 || k >= classes))
    throw new ArgumentError(
      `${name}: of must name classes from 0 to ${classes - 1}, got [${of.join(", ")}]. leave it out for all`,
    );
  return {
    ...confusionMatrix(classes),
    async value({ counts }) {
      const all = overlaps(await rowsOf(counts));
      const seen = of.map((k) => all[k]).filter(({ sum }) => sum > 0);
      return seen.reduce((total, { both, sum }) => total + share(both, sum), 0) / seen.length;
    },
  };
}

/**
 * Intersection over union of predicted and true elements (Jaccard 1912), `|P ∩ T| / |P ∪ T|` over all batches, as a mean
 * over classes; outputs are logits `[N, C, …]`, targets classes `[N, …]`.
 */
export const iou = (classes: number, options: OverlapOptions = {}): Metric<Counts> =>
  meanOverlap("iou", classes, options, (both, sum) => both / (sum - both));

/** Dice's coefficient `2 |P ∩ T| / (|P| + |T|)` (Dice 1945), which is the F1 score; otherwise as `iou`. */
export const dice = (classes: number, options: OverlapOptions = {}): Metric<Counts> =>
  meanOverlap("dice", classes, options, (both, sum) => (2 * both) / sum);
