/** Every recipe takes a step of training on a few examples of the right kind and size. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, random } from "typegrad";
import { countParameters, namedParameters } from "typegrad/nn";
import { type Trainable, fit } from "typegrad/train";
import { modelNames, recipeNames, recipeOf } from "#src/cli/registry/index.js";
import { type Facts, type Pair, inputDType } from "#src/cli/registry/task.js";
import { type Plan, planOf } from "#src/cli/session.js";
import { learningOf } from "#src/cli/train.js";

const isFull = process.env["TYPEGRAD_FULL"] === "1";
/** The steps of larger models take long to compile. */
const quick = 500_000;
const examples = 2;

/** Facts as those of the recipe's data, for the smallest inputs that will do. */
function smallFacts({ model, data }: Plan): Facts {
  const [first, ...rest] = data.facts.input;
  const sized = (n: number): Facts => ({
    ...data.facts,
    input: rest.length === 0 ? [n] : [first, ...rest.map(() => n)],
  });
  const fits = [32, 64, 224].map(sized).find((facts) => (model.refuses?.(facts) ?? null) === null);
  assert.ok(fits, `${model.title} takes nothing of its data's kind`);
  return fits;
}

/** Random inputs, and targets of them, by the kind of task. */
const standIns: Readonly<Record<string, (shape: readonly number[], facts: Facts) => Pair>> = {
  classification: (shape, { outputs }) => [levels(shape), classes([examples], outputs)],
  segmentation: (shape, { outputs }) => [levels(shape), classes([examples, ...shape.slice(2)], outputs)],
  "drawing pixel by pixel": (shape) => {
    const x = levels(shape);
    return [x, x];
  },
  "drawing sounds sample by sample": (shape, { outputs }) => [classes(shape, outputs), classes(shape, outputs)],
  regression: (shape, { outputs }) => [levels(shape), levels([examples, outputs])],
};
const levels = (shape: readonly number[]): Tensor => random.uniform(random.key(1), shape);
const classes = (shape: readonly number[], count: number): Tensor => random.randint(random.key(2), shape, 0, count);

/** The squared length of every parameter. */
async function sizesOf(model: Trainable): Promise<number[]> {
  const sizes: number[] = [];
  for (const p of Object.values(namedParameters(model))) sizes.push(await p.square().sum().item());
  return sizes;
}

test("every model has a recipe of its own name", () => {
  const named: readonly string[] = recipeNames();
  assert.deepEqual(
    modelNames().filter((name) => !named.includes(name) || recipeOf(name).model !== name),
    [],
  );
});

for (const name of recipeNames())
  test(`${name} takes a step`, async (t) => {
    random.manualSeed(1);
    const plan = planOf(name);
    const facts = smallFacts(plan);
    const model = plan.model.build(facts);
    if (countParameters(model).total > quick && !isFull) return t.skip("only with TYPEGRAD_FULL=1");
    const batch = standIns[plan.model.task.name]([examples, ...facts.input], facts);
    assert.equal(plan.model.task.prepare(batch[0], facts).dtype, inputDType(plan.model.task, facts));
    const before = await sizesOf(model);
    const { history } = await fit(model, {
      ...learningOf(plan, facts, model, plan.recipe.defaults.lr, 10),
      data: [batch, batch],
      epochs: 1,
    });
    assert.ok(Number.isFinite(history[0].trainLoss), `loss ${history[0].trainLoss}`);
    const after = await sizesOf(model);
    // Two VGGs do not fit into the arena beside each other, and the collector takes its time.
    for (const p of Object.values(namedParameters(model))) p[Symbol.dispose]();
    const moved = before.filter((size, i) => size !== after[i]).length;
    assert.ok(moved > 0.5 * before.length, `${moved} of ${before.length} parameters moved`);
  });
