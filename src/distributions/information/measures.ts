/** Measures of information of finite distributions (C. E. Shannon 1948), with `0 log 0 = 0`. */
import { ArgumentError, onesLike, type Tensor, where } from "../../index.js";
import { checkDistribution, checkSame, JointTable, type Table, tableOf, toFloats, type Variables } from "./table.js";

/** In what information is counted: nats unless told. */
export interface Unit {
  readonly unit?: "nats" | "bits";
  /** The base of the logarithm, in place of a unit. */
  readonly base?: number;
}
/** Axes over which one distribution lies; others are a batch. All axes unless given. */
export interface Over extends Unit {
  readonly axes?: number | readonly number[];
}

function inUnit(op: string, nats: Tensor, { unit, base }: Unit): Tensor {
  if (base !== undefined && unit !== undefined)
    throw new ArgumentError(`${op}: give a unit or a base, got ${unit} and ${base}. leave one out`);
  const b = base ?? (unit === "bits" ? 2 : Math.E);
  if (!(b > 0) || b === 1 || !Number.isFinite(b))
    throw new ArgumentError(`${op}: the base must be positive and not 1, got ${b}. 2 counts bits`);
  return b === Math.E ? nats : nats.mul(1 / Math.log(b));
}

/** `p log(a / b)` element by element: 0 where p = 0, else ∞ where b = 0. Derivatives are finite where p > 0. */
function weightedRatio(p: Tensor, a: Tensor, b: Tensor): Tensor {
  const isZero = p.equal(0);
  const log = (x: Tensor): Tensor => where(isZero, 1, x).log();
  return where(isZero, 0, p.mul(log(a).sub(log(b))));
}

const listed = (axes: Over["axes"]): readonly number[] | undefined => (typeof axes === "number" ? [axes] : axes);

/** A tensor, or the tensor of a table, checked to be distributions over the axes. */
function probabilitiesOf(op: string, p: Table, axes: Over["axes"]): Tensor {
  if (p instanceof JointTable && axes === undefined) return p.probabilities;
  const found = toFloats(p instanceof JointTable ? p.probabilities : p);
  checkDistribution(op, found, listed(axes));
  return found;
}

/** `H(p) = -Σ p log p`. */
export function entropy(p: Table, options: Over = {}): Tensor {
  const x = probabilitiesOf("entropy", p, options.axes);
  return inUnit("entropy", weightedRatio(x, x, onesLike(x)).sum(listed(options.axes)).neg(), options);
}

/** `H(p, q) = -Σ p log q = H(p) + KL(p ‖ q)`, in nats the expected code length when q stands for p; ∞ where q = 0 < p. */
export function crossEntropyBetween(p: Table, q: Table, options: Over = {}): Tensor {
  const [x, y] = pairOf("crossEntropyBetween", p, q, options);
  return inUnit("crossEntropyBetween", weightedRatio(x, onesLike(y), y).sum(listed(options.axes)), options);
}

/** `KL(p ‖ q) = Σ p log(p / q)`; ∞ where q = 0 < p. */
export function kl(p: Table, q: Table, options: Over = {}): Tensor {
  const [x, y] = pairOf("kl", p, q, options);
  return inUnit("kl", weightedRatio(x, x, y).sum(listed(options.axes)), options);
}

/** `JS(p, q) = ½ KL(p ‖ m) + ½ KL(q ‖ m)` with `m = ½(p + q)` (J. Lin 1991): symmetric, at most log 2. */
export function js(p: Table, q: Table, options: Over = {}): Tensor {
  const [x, y] = pairOf("js", p, q, options);
  const middle = x.add(y).mul(0.5);
  const both = weightedRatio(x, x, middle).add(weightedRatio(y, y, middle));
  return inUnit("js", both.sum(listed(options.axes)).mul(0.5), options);
}

function pairOf(op: string, p: Table, q: Table, { axes }: Over): readonly [Tensor, Tensor] {
  const pair = [probabilitiesOf(op, p, axes), probabilitiesOf(op, q, axes)] as const;
  checkSame(op, ...pair);
  return pair;
}

/** `H(of | given) = H(of, given) - H(given) = -Σ p(x, y) log p(y | x)` of variables of a joint table. */
export function conditionalEntropy(
  joint: Table,
  options: Unit & { readonly of: Variables; readonly given: Variables },
): Tensor {
  const op = "conditionalEntropy";
  const table = tableOf(joint);
  const given = table.axesOf(op, options.given);
  const both = table.summed(op, [...table.axesOf(op, options.of), ...given]);
  const known = table.summed(op, given).broadcastTo(both.shape);
  return inUnit(op, weightedRatio(both, known, both).sum(), options);
}

/** Which variables a measure is between, and given which. */
export interface Between extends Unit {
  /** The two variables, or groups of them; the two axes of a matrix unless given. */
  readonly between?: readonly [Variables, Variables];
  /** What is known: the measure is then conditional on it. */
  readonly given?: Variables;
}

/** The table over all variables concerned, and `log` of `p(x, y | z) / (p(x | z) p(y | z))` as numerator and denominator. */
function dependence(op: string, joint: Table, { between, given = [] }: Between) {
  const table = tableOf(joint);
  if (between === undefined && table.probabilities.rank !== 2)
    throw new ArgumentError(
      `${op}: of more than two variables two must be named, got ${table.probabilities.describe()}. pass { between: ["x", "y"] }`,
    );
  const [a, b] = (between ?? [0, 1]).map((v) => table.axesOf(op, v));
  const c = table.axesOf(op, given);
  const both = table.summed(op, [...a, ...b, ...c]);
  const of = (axes: readonly number[]): Tensor => table.summed(op, axes);
  return { both, above: both.mul(of(c)), below: of([...a, ...c]).mul(of([...b, ...c])) };
}

/** `I(x; y) = Σ p(x, y) log(p(x, y) / (p(x) p(y)))`, or `I(x; y | z)`, of variables of a joint table. */
export function mutualInformation(joint: Table, options: Between = {}): Tensor {
  const { both, above, below } = dependence("mutualInformation", joint, options);
  return inUnit("mutualInformation", weightedRatio(both, above, below).sum(), options);
}

/**
 * `log(p(x, y) / (p(x) p(y)))` for each pair (K. W. Church and P. Hanks 1990), in the table's order of axes; those summed out
 * have length 1. -∞ for pairs that do not occur; NaN where a value itself does not.
 */
export function pointwiseMutualInformation(joint: Table, options: Between = {}): Tensor {
  const { above, below } = dependence("pointwiseMutualInformation", joint, options);
  return inUnit("pointwiseMutualInformation", above.log().sub(below.log()), options);
}
