/** Comparing derivatives with finite differences. */
import { isFloat } from "../ir/dtype.js";
import { tensor, type Tensor } from "../tensor/index.js";
import { entries, leaves, unflatten } from "../tree/index.js";
import { range } from "../util/arrays.js";
import { ArgumentError, DTypeError } from "../util/errors.js";
import { linearize } from "./forward.js";
import { vjp } from "./grad.js";

export interface GradcheckOptions {
  /** Which modes are compared with differences: both unless told. */
  readonly modes?: readonly ("forward" | "reverse")[];
  /** 2 checks the derivative of the gradient, too. */
  readonly order?: 1 | 2;
  /** Step of the differences, times `max(1, |x|)`; 1e-4 unless given. */
  readonly step?: number;
  /** How far an element may be off: `absolute + relative·|difference quotient|`. */
  readonly relativeTolerance?: number;
  readonly absoluteTolerance?: number;
  /** Throw an `ArgumentError` with the report's text when the check fails. */
  readonly raise?: boolean;
}

/** One element of a Jacobian, by a derivative rule and by differences. */
export interface GradcheckElement {
  readonly mode: "forward" | "reverse";
  readonly order: 1 | 2;
  /** Paths and indices in the trees of results and arguments. */
  readonly output: string;
  readonly input: string;
  readonly derivative: number;
  readonly difference: number;
  /** `|derivative - difference|` over what is allowed: a failure above 1. */
  readonly excess: number;
}

/** What a check found; prints as a sentence or two. */
export class GradcheckReport {
  readonly passed: boolean;
  /** How many elements were compared. */
  readonly compared: number;
  /** The element that is furthest off; `null` when there was none. */
  readonly worst: GradcheckElement | null;
  constructor(compared: number, worst: GradcheckElement | null) {
    this.compared = compared;
    this.worst = worst;
    this.passed = worst === null || worst.excess <= 1;
  }
  toString(): string {
    if (this.worst === null) return "gradcheck: nothing to compare";
    const { mode, order, output, input, derivative, difference, excess } = this.worst;
    const verdict = this.passed ? "passed" : "failed";
    const what = order === 1 ? "derivative" : "second derivative";
    return `gradcheck: ${verdict}, ${this.compared} elements compared. worst is the ${what} of ${output} by ${input} in ${mode} mode: ${derivative}, by differences ${difference}, ${excess.toPrecision(3)} times what is allowed`;
  }
}

/** A function between lists of float64 arrays. */
interface Field {
  readonly inputs: readonly Tensor[];
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  of(xs: readonly Tensor[]): readonly Tensor[];
}

const named = (entry: string, fallback: string): string => (entry === "" ? fallback : entry);
const numbersOf = (x: Tensor): Float64Array => Float64Array.from(x.dataSync());
const tensorOf = (data: Float64Array, like: Tensor): Tensor => tensor(data, { shape: like.shape });

/** The text of an element's place: `w[1,2]`. */
function placeOf(name: string, like: Tensor, k: number): string {
  let rest = k;
  const index = like.shape.toReversed().map((n) => {
    const i = rest % n;
    rest = (rest - i) / n;
    return i;
  });
  return index.length === 0 ? name : `${name}[${index.toReversed().join(",")}]`;
}

function fieldOf<M>(f: (x: M) => unknown, x: M): Field {
  const inputs = entries(x);
  for (const { leaf, path } of inputs)
    if (leaf.dtype !== "float64")
      throw new DTypeError(
        `gradcheck: arguments must be float64, got ${leaf.describe()} at ${named(path, "the argument")}. convert it with astype("float64")`,
      );
  const outputsOf = (value: unknown) => entries(value).filter((e) => isFloat(e.leaf.dtype));
  const outputs = outputsOf(f(x));
  for (const { leaf, path } of outputs)
    if (leaf.dtype !== "float64")
      throw new DTypeError(
        `gradcheck: results must be float64, got ${leaf.describe()} at ${named(path, "the result")}. keep float32 constants out`,
      );
  return {
    inputs: inputs.map((e) => e.leaf),
    inputNames: inputs.map((e) => named(e.path, "x")),
    outputNames: outputs.map((e) => named(e.path, "y")),
    of: (xs) => outputsOf(f(unflatten(x, xs))).map((e) => e.leaf),
  };
}

/** Differences of fourth order: columns[input][k][output], derivatives of all outputs by element k of an input. */
function quotients(field: Field, step: number): Float64Array[][][] {
  return field.inputs.map((x, i) => {
    const data = numbersOf(x);
    return range(data.length).map((k) => {
      const h = step * Math.max(1, Math.abs(data[k]));
      const at = (by: number) => field.of(field.inputs.with(i, tensorOf(data.with(k, data[k] + by), x))).map(numbersOf);
      const [a, b, c, d] = [at(-2 * h), at(-h), at(h), at(2 * h)];
      return a.map((_, y) => a[y].map((v, e) => (v - 8 * b[y][e] + 8 * c[y][e] - d[y][e]) / (12 * h)));
    });
  });
}

const unit = (like: Tensor, k: number): Tensor => tensorOf(new Float64Array(like.size).fill(1, k, k + 1), like);
const zeros = (like: Tensor): Tensor => tensorOf(new Float64Array(like.size), like);

/** The derivative of element e of output y by element k of input i, for all of them. */
type Jacobian = (i: number, k: number, y: number, e: number) => number;

function forwardJacobian(field: Field): Jacobian {
  const [, push] = linearize((xs: readonly Tensor[]) => field.of(xs), field.inputs);
  const columns = field.inputs.map((x, i) =>
    range(x.size).map((k) => push(field.inputs.map((z, j) => (j === i ? unit(x, k) : zeros(z)))).map(numbersOf)),
  );
  return (i, k, y, e) => columns[i][k][y][e];
}

function reverseJacobian(field: Field): Jacobian {
  const [values, pull] = vjp<readonly Tensor[], readonly Tensor[]>((xs) => field.of(xs), field.inputs);
  const rows = values.map((y, j) =>
    range(y.size).map((e) => pull(values.map((z, l) => (l === j ? unit(y, e) : zeros(z)))).map(numbersOf)),
  );
  return (i, k, y, e) => rows[y][e][i][k];
}

/** The worse of two elements. */
const worse = (a: GradcheckElement | null, b: GradcheckElement | null): GradcheckElement | null =>
  a === null || (b !== null && !(b.excess <= a.excess)) ? b : a;

function compare(field: Field, order: 1 | 2, options: GradcheckOptions): GradcheckReport {
  const { modes = ["forward", "reverse"], step = 1e-4, relativeTolerance = 1e-6, absoluteTolerance = 1e-8 } = options;
  const expected = quotients(field, step);
  const outputs = field.of(field.inputs);
  let worst: GradcheckElement | null = null;
  let compared = 0;
  for (const mode of modes) {
    const jacobian = (mode === "forward" ? forwardJacobian : reverseJacobian)(field);
    expected.forEach((columns, i) =>
      columns.forEach((column, k) =>
        column.forEach((differences, y) =>
          differences.forEach((difference, e) => {
            const derivative = jacobian(i, k, y, e);
            const off =
              Math.abs(derivative - difference) / (absoluteTolerance + relativeTolerance * Math.abs(difference));
            const excess = Number.isNaN(off) ? Number.POSITIVE_INFINITY : off;
            const input = placeOf(field.inputNames[i], field.inputs[i], k);
            const output = placeOf(field.outputNames[y], outputs[y], e);
            worst = worse(worst, { mode, order, output, input, derivative, difference, excess });
            compared++;
          }),
        ),
      ),
    );
  }
  return new GradcheckReport(compared, worst);
}

/** `(x, g) ↦ Jᵀg`, whose derivatives are second derivatives. */
function gradientField(field: Field): Field {
  const values = field.of(field.inputs);
  const cotangents = values.map((y) =>
    tensorOf(
      Float64Array.from({ length: y.size }, (_, k) => Math.cos(k + 1)),
      y,
    ),
  );
  const count = field.inputs.length;
  return {
    inputs: [...field.inputs, ...cotangents],
    inputNames: [...field.inputNames, ...field.outputNames.map((name) => `cotangent of ${name}`)],
    outputNames: field.inputNames.map((name) => `gradient by ${name}`),
    of(all) {
      const [, pull] = vjp<readonly Tensor[], readonly Tensor[]>((xs) => field.of(xs), all.slice(0, count));
      return pull(all.slice(count));
    },
  };
}

/**
 * Compares the derivatives of a function of a tree, in forward and reverse mode, with finite differences (central, of
 * fourth order). All tensors must be float64 and away from kinks. Cost: four evaluations for each element of the argument
 * and one derivative for each element of argument and result, so small examples are best.
 */
export function gradcheck<M>(f: (x: M) => unknown, x: M, options: GradcheckOptions = {}): GradcheckReport {
  if (leaves(x).length === 0)
    throw new ArgumentError("gradcheck: the argument must hold tensors, got none. pass what to differentiate by");
  const field = fieldOf(f, x);
  const reports = [compare(field, 1, options)];
  if (options.order === 2) reports.push(compare(gradientField(field), 2, options));
  const report = new GradcheckReport(
    reports.reduce((sum, r) => sum + r.compared, 0),
    reports.reduce<GradcheckElement | null>((worst, r) => worse(worst, r.worst), null),
  );
  if (options.raise === true && !report.passed) throw new ArgumentError(String(report));
  return report;
}
