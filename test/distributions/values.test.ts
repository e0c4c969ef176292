import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { tensor, type Tensor } from "typegrad";
import type { Distribution } from "typegrad/distributions";
import { kinds } from "./kinds.js";

type Numbers = readonly (number | string)[];
interface Table {
  readonly params: Readonly<Record<string, Numbers>>;
  readonly p: readonly number[];
  readonly points: readonly Numbers[];
  readonly logProb: readonly Numbers[];
  readonly cdf: readonly Numbers[];
  readonly icdf: readonly Numbers[];
  readonly mean: Numbers;
  readonly variance: Numbers;
  readonly entropy: Numbers;
}
const tables: Readonly<Record<string, Table>> = JSON.parse(
  readFileSync(new URL("../../../test/distributions/fixtures/values.json", import.meta.url), "utf8"),
);

const named: Readonly<Record<string, number>> = { inf: Infinity, "-inf": -Infinity, nan: Number.NaN };
const number = (x: number | string): number => (typeof x === "number" ? x : named[x]);

/** Every number within `tolerance` of the expected one, relative to it, or within `floor`. */
function compare(
  what: string,
  got: Tensor,
  expected: readonly Numbers[] | Numbers,
  tolerance: number,
  floor = 0,
): void {
  const wanted = expected.flat().map(number);
  assert.equal(got.size, wanted.length, what);
  got.dataSync().forEach((x, i) => {
    const y = wanted[i];
    const ok = Number.isNaN(y) ? Number.isNaN(x) : x === y || Math.abs(x - y) <= tolerance * Math.abs(y) + floor;
    assert.ok(ok, `${what} at ${i}: ${x} for ${y}`);
  });
}

/** Log-densities that are small differences of logarithms of factorials up to 10⁵: what those lose, here and in SciPy. */
const cancelling: Readonly<Record<string, number>> = {
  Gamma: 5e-11,
  Poisson: 2e-11,
  Binomial: 2e-11,
  NegativeBinomial: 1e-12,
  Beta: 2e-12,
  StudentT: 2e-12,
  Chi2: 1e-12,
};

/** Kinds without a closed form of the entropy, and where counts of several sizes cannot be summed over at once. */
const noEntropy = new Set(["NegativeBinomial", "Binomial"]);

test("the fixture has all kinds that SciPy has", () => {
  const expected = Object.keys(kinds).filter((name) => kinds[name].scipy !== null);
  assert.deepEqual(Object.keys(tables).toSorted(), expected.toSorted());
});

for (const [name, table] of Object.entries(tables))
  test(`${name} as in SciPy`, () => {
    const make = kinds[name].scipy;
    assert.ok(make !== null);
    const column = (numbers: Numbers): Tensor => tensor(Float64Array.from(numbers, number));
    const of = (shape: readonly number[]): Distribution =>
      make(Object.fromEntries(Object.entries(table.params).map(([key, v]) => [key, column(v).reshape(shape)])));
    const cases = table.mean.length;
    const each = of([cases, 1]);
    const points = column(table.points.flat()).reshape([cases, -1]);
    compare("logProb", each.logProb(points), table.logProb, 2e-12, cancelling[name] ?? 1e-13);
    compare("cdf", each.cdf(points), table.cdf, 1e-10, 1e-300);
    compare("icdf", each.icdf(tensor(Float64Array.from(table.p))), table.icdf, 1e-9, 1e-12);
    const plain = of([cases]);
    compare("mean", plain.mean, table.mean, 1e-13);
    compare("variance", plain.variance, table.variance, 1e-13);
    compare("stddev", plain.stddev.square(), table.variance, 1e-13);
    if (!noEntropy.has(name)) compare("entropy", plain.entropy(), table.entropy, 1e-11, 1e-12);
  });
