/** Trajectories against PyTorch, step by step, eager and compiled. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Module, type Tensor, compile, valueAndGrad } from "typegrad";
import * as optim from "typegrad/optim";
import { close, fixture, fromStored, type Stored, type StoredLeaves } from "../golden/fixtures.js";

interface OptimizerCase {
  readonly recipe: "sgd" | "adam" | "adamw" | "rmsprop" | "adagrad";
  readonly options: { readonly learningRate?: number; readonly betas?: readonly [number, number] };
  readonly schedule: null | {
    readonly name: string;
    readonly start: number;
    readonly steps: number;
    readonly every: number;
    readonly factor: number;
    readonly end: number;
  };
  readonly clip: null | { readonly name: "norm" | "value"; readonly limit: number };
  readonly points: readonly StoredLeaves[];
}
const golden = fixture<{ x: Stored; y: Stored; start: StoredLeaves; cases: OptimizerCase[] }>("optimizers");

class Regression extends Module {
  a = fromStored(golden.start.a);
  b = fromStored(golden.start.b);
  loss(x: Tensor, y: Tensor): Tensor {
    return x.matmul(this.a).add(this.b).sub(y).square().mean().add(this.a.pow(4).mean().div(40));
  }
}

const recipes = { adam: optim.adam, adamw: optim.adamw, rmsprop: optim.rmsprop, adagrad: optim.adagrad };

function make({ recipe, options, schedule, clip }: OptimizerCase): optim.Optimizer {
  const rate =
    schedule && (schedule.name === "cosine" ? optim.schedules.cosine(schedule) : optim.schedules.step(schedule));
  const clipping = clip && (clip.name === "norm" ? optim.clipByGlobalNorm(clip.limit) : optim.clipByValue(clip.limit));
  const all = { ...options, ...(rate && { learningRate: rate }), ...(clipping && { clip: clipping }) };
  return recipe === "sgd" ? optim.sgd({ learningRate: 0, ...all }) : recipes[recipe](all);
}

for (const compiled of [false, true])
  golden.cases.forEach((c, i) => {
    const options = JSON.stringify({ ...c.options, schedule: c.schedule?.name, clip: c.clip?.name });
    test(`${c.recipe} ${options} ${compiled ? "compiled" : "eager"} (${i})`, async () => {
      const model = new Regression();
      const optimizer = make(c).init(model);
      const [x, y] = [fromStored(golden.x), fromStored(golden.y)];
      const step = (input: Tensor, target: Tensor): Tensor => {
        const [loss, grads] = valueAndGrad((m: Regression) => m.loss(input, target))(model);
        optimizer.update(model, grads);
        return loss;
      };
      const run = compiled ? compile(step, { state: [model, optimizer] }) : step;
      for (const [n, point] of c.points.entries()) {
        run(x, y);
        await close(model.a, point.a, `a after step ${n + 1}`);
        await close(model.b, point.b, `b after step ${n + 1}`);
      }
      assert.equal(await optimizer.count.item(), c.points.length);
    });
  });
