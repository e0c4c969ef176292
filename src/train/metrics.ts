/** Numbers that say how good a model is, gathered over batches as tensors so that a compiled step can carry them. */
import { ArgumentError, ShapeError, type Tensor, arange, tensor, where, zeros } from "../index.js";

/** A tree of tensors. */
export type Sums = Tensor | readonly Sums[] | { readonly [name: string]: Sums };

/** What a metric says in the end: a number, or a table of them. */
export type Measured = number | readonly (readonly number[])[];

/** `update` is called in the compiled step for every batch, `value` once the batches are through. */
export interface Metric<S extends Sums = Sums> {
  init(): S;
  update(state: S, output: Tensor, target: Tensor): S;
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
    throw new ArgumentError(`topK: k must be a positive integer, got ${k}. 5 is usual`);
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

/** `[C, C]` counts: row is the true class, column the predicted one. */
export const confusionMatrix = (classes: number): Metric<{ readonly counts: Tensor }> => ({
  init: () => ({ counts: zeros([classes, classes]) }),
  update({ counts }, output, target) {
    checkClasses("confusionMatrix", output, target);
    const all = arange(classes);
    const marks = (labels: Tensor): Tensor => labels.astype("int32").reshape([-1, 1]).equal(all).astype("float32"); // [N, C]
    return {
      counts: counts.add(
        marks(target)
          .transpose()
          .matmul(marks(output.argmax(1))),
      ),
    };
  },
  async value({ counts }) {
    const data = [...(await counts.data())];
    return Array.from({ length: classes }, (_, i) => data.slice(i * classes, (i + 1) * classes));
  },
});
