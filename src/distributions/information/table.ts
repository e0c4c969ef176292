/** Joint distributions of finitely many values, as tables with an axis for each variable. */
import { ArgumentError, Module, type Tensor, isFloat, ShapeError, shown } from "../../index.js";
import { readable } from "../readable.js";

/** A variable of a table: the number of its axis, or its name. */
export type Variable = number | string;
/** One variable, or several. */
export type Variables = Variable | readonly Variable[];

const listOf = (variables: Variables): readonly Variable[] => (typeof variables === "object" ? variables : [variables]);
const text = (variables: Variables): string => listOf(variables).join(", ") || "nothing";

/** Throws unless the numbers are from 0 and sum to 1 over the axes; where values cannot be read, nothing is checked. */
export function checkDistribution(op: string, p: Tensor, axes?: readonly number[]): void {
  const lowest = readable(p.size === 0 ? p.sum() : p.min());
  if (lowest === null) return;
  if (!(lowest[0] >= 0))
    throw new ArgumentError(
      `${op}: probabilities must be numbers from 0, got ${lowest[0]} in ${p.describe()}. divide counts by their sum`,
    );
  const tolerance = p.dtype === "float64" ? 1e-9 : 1e-4;
  const off = p
    .sum(axes)
    .dataSync()
    .find((total) => !(Math.abs(total - 1) <= tolerance));
  if (off !== undefined)
    throw new ArgumentError(
      `${op}: probabilities must sum to 1, got a sum of ${off} in ${p.describe()}. divide by the sum, or name the axes of one distribution`,
    );
}

/** Integers and bools as float32. */
export const toFloats = (x: Tensor): Tensor => (isFloat(x.dtype) ? x : x.astype("float32"));

/**
 * `P(X₀, X₁, …)` as a tensor whose axes are the variables; they may have names. Variables that are summed out, or observed,
 * leave the table.
 */
export class JointTable extends Module {
  readonly probabilities: Tensor;
  readonly names: readonly string[];
  constructor(probabilities: Tensor, names: readonly string[] = []) {
    super();
    const { rank } = probabilities;
    if (names.length > 0 && (names.length !== rank || new Set(names).size !== rank))
      throw new ArgumentError(
        `JointTable: each axis must have a name of its own, got ${names.join(", ")} for ${probabilities.describe()}. name ${rank} variables`,
      );
    checkDistribution("JointTable", probabilities);
    this.probabilities = toFloats(probabilities);
    this.names = names;
  }

  /** The table of relative frequencies. */
  static fromCounts(counts: Tensor, names: readonly string[] = []): JointTable {
    const found = toFloats(counts);
    return new JointTable(found.div(found.sum()), names);
  }

  /** The numbers of the axes of variables, each named once. */
  axesOf(op: string, variables: Variables): number[] {
    const { rank } = this.probabilities;
    const axes = listOf(variables).map((v) => (typeof v === "string" ? this.names.indexOf(v) : v < 0 ? v + rank : v));
    if (axes.some((a) => !Number.isInteger(a) || a < 0 || a >= rank))
      throw new ArgumentError(
        `${op}: variables must be axes of ${this.probabilities.describe()}${this.names.length > 0 ? ` (${this.names.join(", ")})` : ""}, got ${text(variables)}. check the names`,
      );
    if (new Set(axes).size !== axes.length)
      throw new ArgumentError(`${op}: each variable must be named once, got ${text(variables)}. remove the second`);
    return axes;
  }

  /** `Σ P` over all other variables, with axes of length 1 in their places, to be multiplied with the table. */
  summed(op: string, variables: Variables): Tensor {
    const kept = this.axesOf(op, variables);
    const others = this.probabilities.shape.map((_, i) => i).filter((i) => !kept.includes(i));
    return this.probabilities.sum(others, { keepDims: true });
  }

  /** The sum rule: the table of some variables, in the order they are named. */
  marginal(variables: Variables): JointTable {
    const kept = this.axesOf("marginal", variables);
    const sums = this.summed("marginal", variables);
    const order = [...kept, ...sums.shape.map((_, i) => i).filter((i) => !kept.includes(i))];
    const table = sums.transpose(order).reshape(kept.map((i) => sums.shape[i]));
    return this.part(table, kept);
  }

  /**
   * The product rule: `P(of | given) = P(of, given) / P(given)` as a tensor with the axes of `of` and then of `given`, each
   * in the order named; NaN where `P(given) = 0`.
   */
  conditional(of: Variables, given: Variables): Tensor {
    const [left, right] = [this.axesOf("conditional", of), this.axesOf("conditional", given)];
    const joint = this.marginal([...left, ...right]).probabilities;
    return joint.div(
      joint.sum(
        left.map((_, i) => i),
        { keepDims: true },
      ),
    );
  }

  /** Bayes' rule: the table of the other variables once some are observed, `observe({ test: 1 })`; keys are names or axes. */
  observe(values: Readonly<Record<Variable, number>>): JointTable {
    const seen = Object.entries(values).map(([name, value]) => {
      const [axis] = this.axesOf("observe", this.names.includes(name) ? name : Number(name));
      const length = this.probabilities.shape[axis];
      if (!Number.isInteger(value) || value < 0 || value >= length)
        throw new ArgumentError(
          `observe: a value of ${name} must be an integer from 0 to ${length - 1}, got ${shown(value)}. check the observation`,
        );
      return [axis, value] as const;
    });
    const place = new Map(seen);
    const slice = this.probabilities.at(...this.probabilities.shape.map((_, i) => place.get(i) ?? ":"));
    const total = slice.sum();
    if (readable(total)?.[0] === 0)
      throw new ArgumentError(
        `observe: what is observed must have a probability above 0, got ${JSON.stringify(values)}. check the table`,
      );
    return this.part(
      slice.div(total),
      this.probabilities.shape.map((_, i) => i).filter((i) => !place.has(i)),
    );
  }

  /**
   * Whether `P(a, b | given) = P(a | given) P(b | given)` up to `tolerance` (1e-12 in float64, 1e-6 in float32, unless
   * given): `|P(a, b, c) P(c) - P(a, c) P(b, c)|` everywhere.
   */
  areIndependent(
    a: Variables,
    b: Variables,
    options: { readonly given?: Variables; readonly tolerance?: number } = {},
  ): boolean {
    const op = "areIndependent";
    const given = listOf(options.given ?? []);
    const table = (...variables: readonly Variable[]): Tensor => this.summed(op, variables);
    const [left, right] = [listOf(a), listOf(b)];
    const joint = table(...left, ...right, ...given).mul(table(...given));
    const product = table(...left, ...given).mul(table(...right, ...given));
    const tolerance = options.tolerance ?? (product.dtype === "float64" ? 1e-12 : 1e-6);
    return joint.sub(product).abs().max().itemSync() <= tolerance;
  }

  private part(table: Tensor, axes: readonly number[]): JointTable {
    return new JointTable(table, this.names.length > 0 ? axes.map((i) => this.names[i]) : []);
  }
}

/** What measures of information take: a table, or a tensor as one without names. */
export type Table = Tensor | JointTable;
export const tableOf = (p: Table): JointTable => (p instanceof JointTable ? p : new JointTable(p));

/** Throws unless two tables are over the same values. */
export function checkSame(op: string, p: Tensor, q: Tensor): void {
  if (p.rank !== q.rank || p.shape.some((n, i) => n !== q.shape[i]))
    throw new ShapeError(
      `${op}: both distributions must be over the same values, got ${p.describe()} and ${q.describe()}. reshape one`,
    );
}
