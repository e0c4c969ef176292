/** Losses without labels, and their gradients, against PyTorch. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { grad, tensor, zeros } from "typegrad";
import * as nn from "typegrad/nn";
import { compareCases } from "../golden/cases.js";
import { type Case, fixture } from "../golden/fixtures.js";

interface Options extends nn.LossOptions {
  readonly temperature?: number;
  readonly threshold?: number;
}

compareCases<Options>(fixture<{ cases: Case<Options>[] }>("regularisation").cases, {
  distillation: ({ student, teacher }, o) => nn.distillation(student, teacher, o),
  entropy: ({ input }, o) => nn.entropy(input, o),
  pseudoLabel: ({ input, guide }, o) => nn.pseudoLabel(input, guide, o),
  infoNce: ({ scores }, o) => nn.infoNce(scores, o),
  infoNceOfCosines: ({ a, b }, o) => nn.infoNce(nn.cosineScores(a, b, { temperature: 0.2 }), o),
});

test("teacher and guide get no gradient; impossible classes have no entropy", async () => {
  const logits = tensor([[1, 2, 0.5]]);
  const zero = [[0, 0, 0]];
  const other = tensor([[0.1, 3, -1]]);
  const [teacher, guide] = [
    grad((v: typeof other) => nn.distillation(logits, v))(other),
    grad((v: typeof other) => nn.pseudoLabel(logits, v, { threshold: 0 }))(other),
  ];
  assert.deepEqual(teacher.toArraySync(), zero);
  assert.deepEqual(guide.toArraySync(), zero);
  assert.ok(Math.abs((await nn.entropy(tensor([[0, 0, -Infinity]])).item()) - Math.log(2)) < 1e-6);
});

test("wrong numbers and shapes are named", () => {
  const x = zeros([2, 3]);
  assert.throws(
    () => nn.distillation(x, x, { temperature: 0 }),
    /distillation: the temperature must be positive, got 0/,
  );
  assert.throws(() => nn.distillation(x, zeros([2, 4])), /same shape|must have the same shape/);
  assert.throws(() => nn.pseudoLabel(x, x, { threshold: 2 }), /pseudoLabel: the threshold must be from 0 to 1, got 2/);
  assert.throws(() => nn.infoNce(x), /infoNce: there must be as many keys as queries, got float32\[2,3\]/);
  assert.throws(() => nn.cosineScores(x, zeros([2, 4])), /cosineScores: both must hold vectors of one length/);
});
