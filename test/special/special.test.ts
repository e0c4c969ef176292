import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as special from "typegrad/special";
import { compile, gradcheck, tensor, type Tensor, vmap } from "typegrad";
import { testOnDevices } from "../support/devices.js";
import { close, random } from "../linalg/support.js";

const rows: Readonly<Record<string, number[][]>> = JSON.parse(
  readFileSync(new URL("../../../test/special/fixtures/values.json", import.meta.url), "utf8"),
);

/**
 * Each function, with how far it may be from mpmath: relative, in units of 2⁻⁵³, and absolute. Incomplete functions are
 * exponentials of what they have as logarithm, whose size the units are multiplied by.
 */
const functions: Readonly<Record<string, readonly [f: (...xs: Tensor[]) => Tensor, units: number, absolute: number]>> =
  {
    gamma: [special.gamma, 16, 0],
    lgamma: [special.lgamma, 12, 0],
    lgammaNegative: [special.lgamma, 8, 2e-15], // loses its relative precision at its zeros there
    digamma: [special.digamma, 12, 2e-15],
    polygamma1: [(x) => special.polygamma(1, x), 8, 0],
    polygamma2: [(x) => special.polygamma(2, x), 8, 0],
    polygamma3: [(x) => special.polygamma(3, x), 12, 0],
    polygamma7: [(x) => special.polygamma(7, x), 20, 0],
    trigammaNegative: [(x) => special.polygamma(1, x), 20, 0],
    lbeta: [special.lbeta, 16, 4e-15],
    gammainc: [special.gammainc, 30, 0],
    gammaincc: [special.gammaincc, 30, 0],
    betainc: [special.betainc, 100, 0],
    i0: [special.i0, 40, 0],
    i1: [special.i1, 40, 0],
    i0e: [special.i0e, 16, 0],
    i1e: [special.i1e, 16, 0],
  };

for (const [name, table] of Object.entries(rows))
  test(`${name} against mpmath`, (t) => {
    const [f, units, absolute] = functions[name];
    const arity = table[0].length - 1;
    const column = (i: number): Float64Array => Float64Array.from(table, (row) => row[i]);
    const got = f(...Array.from({ length: arity }, (_, i) => tensor(column(i)))).dataSync();
    let worst = 0;
    let at = "";
    table.forEach((row, k) => {
      const expected = row[arity];
      const size = name.includes("inc") ? 1 + Math.abs(Math.log(expected)) : 1;
      const error = Math.max(0, Math.abs(got[k] - expected) - absolute) / (Math.abs(expected) * size * 2 ** -53);
      if (!(error <= worst)) [worst, at] = [error, `${row.slice(0, arity).join(", ")}: ${got[k]} for ${expected}`];
    });
    t.diagnostic(`${name}: ${worst.toFixed(2)} units at ${at} (${table.length} points)`);
    assert.ok(worst <= units, `${worst} units of 2^-53 at ${at}`);
    const narrow = f(...Array.from({ length: arity }, (_, i) => tensor(Float32Array.from(column(i))))).dataSync();
    const exact = f(
      ...Array.from({ length: arity }, (_, i) => tensor(Float64Array.from(Float32Array.from(column(i))))),
    ).dataSync();
    exact.forEach((y, k) => assert.equal(narrow[k], Math.fround(y), `float32 of ${table[k].join(", ")}`));
  });

test("values at the ends, and outside", () => {
  const inf = Infinity;
  const nan = Number.NaN;
  const is = (f: (...xs: Tensor[]) => Tensor, xs: readonly number[], y: number): void => {
    const got = f(...xs.map((x) => tensor(Float64Array.of(x)))).dataSync()[0];
    assert.ok(Object.is(got, y), `${f.name}(${xs.join(", ")}) is ${got}, expected ${y}`);
  };
  for (const [x, y] of [
    [1, 1],
    [5, 24],
    [0.5, Math.sqrt(Math.PI)],
    [0, inf],
    [-0, -inf],
    [-1, nan],
    [inf, inf],
    [-inf, nan],
    [nan, nan],
    [180, inf],
    [-200.5, -0],
  ])
    if (x !== 0.5) is(special.gamma, [x], y);
  for (const [x, y] of [
    [1, 0],
    [2, 0],
    [0, inf],
    [-3, inf],
    [inf, inf],
    [-inf, inf],
    [nan, nan],
  ])
    is(special.lgamma, [x], y);
  for (const [x, y] of [
    [0, -inf],
    [-0, inf],
    [-2, nan],
    [inf, inf],
    [-inf, nan],
  ])
    is(special.digamma, [x], y);
  for (const [a, x, y] of [
    [2, 0, 0],
    [2, inf, 1],
    [0, 1, 1],
    [-1, 1, nan],
    [1, -1, nan],
    [inf, 1, 0],
    [nan, 1, nan],
  ])
    is(special.gammainc, [a, x], y);
  for (const [a, b, x, y] of [
    [2, 3, 0, 0],
    [2, 3, 1, 1],
    [2, 3, 1.1, nan],
    [0, 1, 0.5, nan],
    [1, 1, 0.25, 0.25],
  ])
    if (y !== 0.25) is(special.betainc, [a, b, x], y);
  is(special.entr, [0], 0);
  is(special.entr, [-1], -inf);
  is((x) => special.xlogy(x, x), [0], 0);
  is(special.sinc, [0], 1);
  is(special.logit, [1], inf);
  is(special.logit, [0.5], 0);
});

test("closed forms", () => {
  const x = random([50], 3).mul(2).add(3); // 1 to 5
  const a = random([50], 4).mul(2).add(3);
  close(special.gamma(x.add(1)), x.mul(special.gamma(x)), 1e-14, "Γ(x + 1) = x Γ(x)");
  close(special.digamma(x.add(1)), special.digamma(x).add(x.reciprocal()), 1e-14, "ψ(x + 1) = ψ(x) + 1/x");
  close(
    special.beta(x, a),
    special
      .gamma(x)
      .mul(special.gamma(a))
      .div(special.gamma(x.add(a))),
    1e-13,
    "beta",
  );
  close(special.gammainc(1, x), x.neg().expm1().neg(), 1e-14, "exponential distribution");
  close(special.gammainc(0.5, x.square()), x.erf(), 1e-14, "error function");
  close(special.gammainc(a, x).add(special.gammaincc(a, x)), tensor(new Float64Array(50).fill(1)), 1e-14, "P + Q");
  const p = x.sub(1).div(4.1).add(0.01);
  close(special.betainc(a, 1, p), p.pow(a), 1e-13, "I(x; a, 1)");
  close(
    special.betainc(a, x, p).add(special.betainc(x, a, p.neg().add(1))),
    tensor(new Float64Array(50).fill(1)),
    1e-13,
    "I + I",
  );
  close(special.ndtri(special.ndtr(x.sub(3))), x.sub(3), 1e-13, "quantile of the normal distribution");
  // mpmath, 60 digits
  const tails = [
    [1e-300, -37.0470962993612],
    [1e-100, -21.273453560965326],
    [1e-20, -9.262340089798409],
    [1e-10, -6.361340902404056],
    [1e-4, -3.7190164854556804],
    [0.0199, -2.055818646612404],
  ];
  const tailPoints = tensor(Float64Array.from(tails, ([q]) => q));
  const tailValues = tensor(Float64Array.from(tails, ([, z]) => z));
  close(special.ndtri(tailPoints).div(tailValues), tailValues.mul(0).add(1), 4e-16, "quantiles of the lower tail");
  assert.deepEqual(
    [...special.ndtri(tensor([0, 1, -1, 1e-30])).dataSync()],
    [-Infinity, Infinity, Number.NaN, Math.fround(-11.464024688169063)],
  );
  close(special.expit(special.logit(p)), p, 1e-14, "logit");
  // ψ₁(1) = π²/6, ψ₁(1/2) = π²/2, ψ(1) = -γ
  close(
    special.polygamma(1, tensor(Float64Array.of(1, 0.5))),
    tensor(Float64Array.of(Math.PI ** 2 / 6, Math.PI ** 2 / 2)),
    1e-15,
    "trigamma",
  );
  close(
    special.digamma(tensor(Float64Array.of(1))),
    tensor(Float64Array.of(-0.5772156649015329)),
    1e-15,
    "Euler's constant",
  );
});

const p = random([6], 7).mul(0.4).add(0.5); // 0.1 to 0.9
const positive = random([6], 8).mul(1.5).add(2);
const differentiable: readonly (readonly [name: string, f: (x: Tensor) => Tensor, at: Tensor])[] = [
  ["gamma", special.gamma, positive],
  ["gamma of negative numbers", special.gamma, p.neg()],
  ["lgamma", special.lgamma, positive],
  ["lgamma of negative numbers", special.lgamma, p.neg().sub(1)],
  ["digamma of negative numbers", special.digamma, p.neg()],
  ["polygamma of negative numbers", (x) => special.polygamma(2, x), p.neg().mul(0.8).sub(0.1)],
  ["lbeta", (x) => special.lbeta(x, x.square().mul(6)), positive],
  ["beta", (x) => special.beta(x, x.add(1)), positive],
  ["gammainc", (x) => special.gammainc(x, x.square()), positive],
  ["gammaincc", (x) => special.gammaincc(x.square(), x), positive],
  ["betainc", (x) => special.betainc(x, x.add(1), p), positive],
  ["betainc by x", (x) => special.betainc(2.5, 3, x), p],
  ["i0", special.i0, positive],
  ["i1e", special.i1e, positive.neg()],
  ["ndtr", special.ndtr, positive],
  ["ndtri", special.ndtri, p],
  ["log ndtri in the tail", (x) => special.ndtri(x.exp()), tensor(Float64Array.of(-300, -40, -12, -5))],
  ["logit", special.logit, p],
  ["xlogy by x, at 0, too", (x) => special.xlogy(x, x.square().add(0.5)), tensor(Float64Array.of(0, 1, -2))],
  ["xlog1py by x, at 0, too", (x) => special.xlog1py(x, x.square()), tensor(Float64Array.of(0, 1, -2))],
  ["xlogy", (x) => special.xlogy(x, x.add(1)), p],
  ["xlog1py", (x) => special.xlog1py(x, x), p],
  ["entr", special.entr, p],
  ["sinc", special.sinc, p],
  ["sinc near 0", special.sinc, p.mul(0.01)],
];

for (const [name, f, at] of differentiable)
  test(`derivatives of ${name}, of first and second order, against differences`, () => {
    const report = gradcheck(f, at, { order: 2, absoluteTolerance: 1e-7 });
    assert.ok(report.passed, String(report));
  });

testOnDevices(
  (name) => `on ${name}, compiled or mapped is the same`,
  () => {
    for (const [what, f, point] of differentiable) {
      if (what.startsWith("betainc")) continue; // holds values of another device
      const at = tensor(Float64Array.from(point.dataSync()));
      close(compile(f)(at), f(at), 1e-13, `${what}, compiled`);
      close(vmap(f)(at), f(at), 1e-13, `${what}, vmap`);
    }
  },
);
