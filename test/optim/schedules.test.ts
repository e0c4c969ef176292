/** Schedules against PyTorch's tables. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, tensor } from "typegrad";
import { type Schedule, schedules } from "typegrad/optim";
import { fixture } from "../golden/fixtures.js";

interface Options {
  readonly value: number;
  readonly start: number;
  readonly end: number;
  readonly peak: number;
  readonly steps: number;
  readonly every: number;
  readonly at: readonly number[];
  readonly factor: number;
  readonly power: number;
  readonly period: number;
  readonly warmup: number;
}
const { join: _join, ...alike } = schedules;
const makers: Readonly<Record<string, (o: Options) => Schedule>> = {
  ...alike,
  constant: ({ value }) => schedules.constant(value),
};

interface Table {
  readonly name: string;
  readonly options: Options;
  readonly rates: readonly number[];
}
for (const { name, options, rates } of fixture<{ schedules: Table[] }>("optimizers").schedules)
  test(`${name} ${JSON.stringify(options)}`, async () => {
    const rateAt = compile(makers[name](options));
    for (const [count, expected] of rates.entries()) {
      const rate = await rateAt(tensor(count, { dtype: "int32" })).item();
      assert.ok(Math.abs(rate - expected) <= 1e-6, `at ${count}: ${rate} and not ${expected}`);
    }
  });
