/** Sums of ridge functions `g(w · x)` and their fits: what networks with one hidden layer are made of. */
import { ArgumentError, type Tensor, concatenate, ones, stack, tensor } from "../index.js";
import { lstsq } from "../linalg/index.js";
import { linear } from "../nn/index.js";
import * as random from "../random/index.js";
import { Module } from "../tree/index.js";

/** A function σ of numbers, element by element. */
export type Activation = (x: Tensor) => Tensor;

/** `Σⱼ cⱼ σ(wⱼ · x + bⱼ) + c₀`: a network with one hidden layer and one output. */
export class RidgeSum extends Module {
  readonly activation: Activation;
  /** `[units, n]` */
  weight: Tensor;
  /** `[units]` */
  bias: Tensor;
  /** `[units]` */
  coefficients: Tensor;
  offset: Tensor;

  constructor(activation: Activation, weight: Tensor, bias: Tensor, coefficients: Tensor, offset: Tensor) {
    super();
    this.activation = activation;
    this.weight = weight;
    this.bias = bias;
    this.coefficients = coefficients;
    this.offset = offset;
  }

  /** `[…, n]` to `[…]`. */
  forward(x: Tensor): Tensor {
    return this.activation(linear(x, this.weight, this.bias))
      .matmul(this.coefficients)
      .add(this.offset);
  }
}

/** Points `[points, n]` and values `[points]` of the function to fit. */
function checkSamples(op: string, x: Tensor, y: Tensor): void {
  if (x.rank !== 2 || y.rank !== 1 || x.shape[0] !== y.shape[0])
    throw new ArgumentError(
      `${op}: it takes points [points, n] and values [points], got ${x.describe()} and ${y.describe()}. reshape them`,
    );
}

const withOnes = (features: Tensor): Tensor =>
  concatenate([features, ones([features.shape[0], 1], { dtype: features.dtype })], 1);

/** The coefficients of given units, and an offset, with the least sum of squared errors. */
export function fitRidgeSum(x: Tensor, y: Tensor, activation: Activation, weight: Tensor, bias: Tensor): RidgeSum {
  checkSamples("fitRidgeSum", x, y);
  const units = weight.shape[0];
  const features = withOnes(activation(linear(x, weight, bias))); // [points, units + 1]
  const { solution } = lstsq(features, y); // [units + 1]
  return new RidgeSum(activation, weight, bias, solution.at(`:${units}`), solution.at(units));
}

/** Hidden units that are drawn and not trained. */
export interface RandomUnits {
  readonly units: number;
  readonly activation: Activation;
  readonly key: random.Key;
  /** Standard deviation of the weights; biases spread as `w · x` does over the points. 1 unless told. */
  readonly scale?: number;
}

/**
 * A fit with random units, whose kinks or steepest points fall on random points of the data, and the best coefficients.
 * With any continuous σ that is no polynomial such sums come as close as one likes to every continuous function on a
 * compact set; with a polynomial they do not (Leshno, Lin, Pinkus and Schocken 1993).
 */
export function fitRandomFeatures(x: Tensor, y: Tensor, { units, activation, key, scale = 1 }: RandomUnits): RidgeSum {
  checkSamples("fitRandomFeatures", x, y);
  const { weight, bias } = randomUnits(x, units, scale, key);
  return fitRidgeSum(x, y, activation, weight, bias);
}

function randomUnits(x: Tensor, units: number, scale: number, key: random.Key): { weight: Tensor; bias: Tensor } {
  const [forWeight, forCentre] = random.split(key);
  const [points, n] = x.shape;
  const weight = random.normal(forWeight, [units, n]).astype(x.dtype).mul(scale);
  const centres = x.take(random.randint(forCentre, [units], 0, points), 0); // [units, n]
  return { weight, bias: weight.mul(centres).sum(1).neg() };
}

/**
 * Jones' and Barron's greedy fit: unit after unit, of `candidates` random ones the one that correlates most with what is
 * left, then the best coefficients of all so far. For functions with a finite Barron norm the squared error falls as
 * 1 / units, whatever the dimension (Barron 1993). Returns the fit after every unit.
 */
export function fitGreedy(x: Tensor, y: Tensor, options: RandomUnits & { readonly candidates?: number }): RidgeSum[] {
  checkSamples("fitGreedy", x, y);
  const { units, activation, scale = 1, candidates = 256 } = options;
  const fits: RidgeSum[] = [];
  let chosen: { weight: Tensor; bias: Tensor } | null = null;
  let residual = y.sub(y.mean());
  for (const key of random.split(options.key, units)) {
    const pool = randomUnits(x, candidates, scale, key);
    const features = activation(linear(x, pool.weight, pool.bias)); // [points, candidates]
    const centred = features.sub(features.mean(0));
    const gain = residual.matmul(centred).abs().div(centred.square().sum(0).sqrt().add(1e-12));
    const best = gain.argmax(0).expandDims(0);
    const unit = { weight: pool.weight.take(best, 0), bias: pool.bias.take(best, 0) };
    chosen = chosen
      ? { weight: concatenate([chosen.weight, unit.weight], 0), bias: concatenate([chosen.bias, unit.bias], 0) }
      : unit;
    const fit = fitRidgeSum(x, y, activation, chosen.weight, chosen.bias);
    residual = y.sub(fit.forward(x));
    fits.push(fit);
  }
  return fits;
}

/** `Σⱼ gⱼ(aⱼ · x)` with a polynomial gⱼ for each direction `[directions, n]`. */
export class RidgePolynomials extends Module {
  /** `[directions, n]` */
  directions: Tensor;
  /** `[directions, degree + 1]`, for rising powers. */
  coefficients: Tensor;

  constructor(directions: Tensor, coefficients: Tensor) {
    super();
    this.directions = directions;
    this.coefficients = coefficients;
  }

  /** `[…, n]` to `[…]`. */
  forward(x: Tensor): Tensor {
    return powers(linear(x, this.directions), this.coefficients.shape[1] - 1)
      .mul(this.coefficients)
      .sum([-1, -2]);
  }
}

/** `[…]` to `[…, degree + 1]`. */
function powers(x: Tensor, degree: number): Tensor {
  const list: Tensor[] = [x.mul(0).add(1)];
  for (let k = 1; k <= degree; k++) list.push(list[k - 1].mul(x));
  return stack(list, -1);
}

/**
 * The best sum of polynomials along given directions; of several, the one with the smallest coefficients. Sums over all
 * directions are dense in the continuous functions (Vostrecov and Kreines 1961).
 */
export function fitRidgePolynomials(x: Tensor, y: Tensor, directions: Tensor, degree: number): RidgePolynomials {
  checkSamples("fitRidgePolynomials", x, y);
  const features = powers(linear(x, directions), degree); // [points, directions, degree + 1]
  const { solution } = lstsq(features.reshape([x.shape[0], -1]), y);
  return new RidgePolynomials(directions, solution.reshape([directions.shape[0], degree + 1]));
}

/** `count` unit vectors of the plane, evenly over half a turn, `[count, 2]`. */
export const planeDirections = (count: number): Tensor =>
  tensor(
    Float64Array.from({ length: 2 * count }, (_, i) => {
      const angle = (Math.PI * (i >> 1)) / count;
      return i & 1 ? Math.sin(angle) : Math.cos(angle);
    }),
    { shape: [count, 2] },
  );

/**
 * `(1/m) Σⱼ cos(ωⱼ · x)` for frequencies `[m, n]` drawn from N(0, I): the mean of m draws whose expectation is
 * `exp(-‖x‖² / 2)`, so its squared error is their variance over m, in any dimension: Maurey's argument in Barron's theorem.
 */
export function fourierAverage(frequencies: Tensor): RidgeSum {
  const [m] = frequencies.shape;
  const nil = frequencies.sum(1).mul(0); // [m]
  return new RidgeSum((z) => z.cos(), frequencies, nil, nil.add(1 / m), nil.sum());
}
