/** Polynomials and ridge functions: bounds from theorems. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, tensor } from "typegrad";
import * as random from "typegrad/random";
import {
  absolutePolynomial,
  bernstein,
  fitGreedy,
  fitRandomFeatures,
  fitRidgePolynomials,
  fourierAverage,
  planeDirections,
} from "typegrad/theory";

const grid = (low: number, high: number, count: number): Tensor =>
  tensor(Float64Array.from({ length: count + 1 }, (_, i) => low + ((high - low) * i) / count));
const largest = (x: Tensor): number => x.abs().max().itemSync();

test("Bernstein polynomials", () => {
  const f = (x: number): number => Math.abs(x - 0.5);
  // E|X/100 - 1/2| for 100 tosses of a fair coin: C(100, 50) / 2^101
  const centre = bernstein(f, 100)(tensor([0.5], { dtype: "float64" })).itemSync();
  assert.ok(Math.abs(centre - 0.0397946) < 1e-7, `${centre}`);
  // straight lines are kept, also at the ends
  const straight = bernstein((x) => 3 * x - 1, 20)(tensor([0, 0.3, 1], { dtype: "float64" })).dataSync();
  [-1, -0.1, 2].forEach((y, i) => assert.ok(Math.abs(straight[i] - y) < 1e-12));
  for (const n of [4, 25, 100]) {
    const x = grid(0, 1, 500);
    const error = largest(bernstein(f, n)(x).sub(x.sub(0.5).abs()));
    assert.ok(error <= 1.25 / Math.sqrt(n), `${n}: ${error}`);
  }
  assert.throws(() => bernstein(f, 0), /degree must be an integer of at least 1/);
});

test("Lebesgue's polynomials of |x| come within 2/(k+1)", () => {
  const x = grid(-1, 1, 2000);
  for (const k of [0, 1, 5, 40]) {
    const gap = x.abs().sub(absolutePolynomial(k)(x));
    assert.ok(largest(gap) <= 2 / (k + 1) + 1e-15);
    assert.ok(gap.min().itemSync() >= -1e-15, "from below");
  }
  assert.equal(largest(absolutePolynomial(1)(x).sub(x.square().mul(0.5))), 0);
});

test("xy is a sum of two ridge functions, and fits find it", () => {
  const x = random.normal(random.key(1), [60, 2], { dtype: "float64" });
  const y = x.at("...", 0).mul(x.at("...", 1));
  const directions = tensor(
    [
      [1, 1],
      [1, -1],
    ],
    { dtype: "float64" },
  );
  const fit = fitRidgePolynomials(x, y, directions, 2);
  assert.ok(largest(fit.forward(x).sub(y)) < 1e-12);
  const squares = fit.coefficients.at("...", 2).dataSync();
  assert.ok(Math.abs(squares[0] - 0.25) < 1e-12 && Math.abs(squares[1] + 0.25) < 1e-12);
});

test("more directions come closer to a bump of the plane", () => {
  const x = random.uniform(random.key(2), [900, 2], { dtype: "float64" }).mul(4).sub(2);
  const bump = x.square().sum(1).mul(-1).exp();
  const errors = [1, 2, 4, 8].map((k) =>
    fitRidgePolynomials(x, bump, planeDirections(k), 8).forward(x).sub(bump).square().mean().itemSync(),
  );
  for (let i = 1; i < errors.length; i++) assert.ok(errors[i] < errors[i - 1], errors.join(" "));
  assert.ok(errors[3] < errors[0] / 100, errors.join(" "));
});

test("tanh units are universal, squares are not", () => {
  const x = grid(0, 1, 400).expandDims(1);
  const y = x
    .at("...", 0)
    .mul(2 * Math.PI)
    .sin();
  const error = (activation: (z: Tensor) => Tensor): number =>
    largest(
      fitRandomFeatures(x, y, { units: 50, activation, key: random.key(3), scale: 10 })
        .forward(x)
        .sub(y),
    );
  assert.ok(error((z) => z.tanh()) < 1e-3);
  // the span holds quadratics alone, which are far from a whole period of the sine
  assert.ok(error((z) => z.square()) > 0.3);
});

test("the error of Fourier averages falls as 1/m in every dimension", () => {
  for (const n of [2, 10]) {
    const x = random.normal(random.key(5), [400, n], { dtype: "float64" });
    const y = x.square().sum(1).mul(-0.5).exp();
    const error = (m: number): number => {
      let sum = 0;
      for (let seed = 0; seed < 20; seed++) {
        const frequencies = random.normal(random.key(1000 * m + seed), [m, n], { dtype: "float64" });
        sum += fourierAverage(frequencies).forward(x).sub(y).square().mean().itemSync();
      }
      return sum / 20;
    };
    const slope = Math.log(error(256) / error(16)) / Math.log(16);
    assert.ok(Math.abs(slope + 1) < 0.15, `${n}: ${slope}`);
  }
});

test("greedy fits improve with every unit", () => {
  const x = random.normal(random.key(6), [300, 2], { dtype: "float64" });
  const y = x.square().sum(1).mul(-0.5).exp();
  const fits = fitGreedy(x, y, { units: 6, activation: (z) => z.tanh(), key: random.key(7), candidates: 64 });
  const errors = fits.map((fit) => fit.forward(x).sub(y).square().mean().itemSync());
  for (let i = 1; i < errors.length; i++) assert.ok(errors[i] <= errors[i - 1] * (1 + 1e-9), errors.join(" "));
  assert.ok(errors[5] < errors[0] / 4, errors.join(" "));
  assert.throws(() => fitGreedy(y, y, { units: 1, activation: (z) => z, key: random.key(1) }), /points \[points, n\]/);
});
