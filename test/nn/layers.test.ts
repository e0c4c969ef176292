/** Layers as functions and as modules, forward and backward, against PyTorch. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, grad } from "typegrad";
import * as nn from "typegrad/nn";
import { compareCases } from "../golden/cases.js";
import { type Case, close, fixture, fromStored, type Stored, type StoredLeaves } from "../golden/fixtures.js";

type Options = nn.ConvOptions & {
  readonly kernel: nn.PerAxis;
  readonly padding?: nn.PerAxis;
  readonly countIncludePad?: boolean;
  readonly paddingIndex?: number;
  readonly shape: readonly number[];
};
interface NormStep {
  readonly training: boolean;
  readonly x: Stored;
  readonly output: Stored;
  readonly cotangent: Stored;
  readonly gradients: StoredLeaves;
  readonly runningMean: Stored;
  readonly runningVariance: Stored;
}
interface NormCase {
  readonly features: number;
  readonly momentum: number;
  readonly weight: Stored;
  readonly bias: Stored;
  readonly steps: readonly NormStep[];
}
const golden = fixture<{ cases: Case<Options>[]; batchNorm: NormCase[] }>("layers");

compareCases<Options>(golden.cases, {
  linear: ({ x, weight, bias }) => nn.linear(x, weight, bias),
  conv1d: ({ x, weight, bias }, o) => nn.conv1d(x, weight, bias, o),
  conv2d: ({ x, weight, bias }, o) => nn.conv2d(x, weight, bias, o),
  conv3d: ({ x, weight, bias }, o) => nn.conv3d(x, weight, bias, o),
  avgPool1d: ({ x }, o) => nn.avgPool1d(x, o.kernel, o),
  avgPool2d: ({ x }, o) => nn.avgPool2d(x, o.kernel, o),
  avgPool3d: ({ x }, o) => nn.avgPool3d(x, o.kernel, o),
  maxPool1d: ({ x }, o) => nn.maxPool1d(x, o.kernel, o),
  maxPool2d: ({ x }, o) => nn.maxPool2d(x, o.kernel, o),
  maxPool3d: ({ x }, o) => nn.maxPool3d(x, o.kernel, o),
  embedding: ({ indices, weight }, o) => nn.embedding(indices, weight, o.paddingIndex),
  layerNorm: ({ x, weight, bias }, o) => nn.layerNorm(x, o.shape, weight, bias),
});

golden.batchNorm.forEach((c, i) => {
  test(`BatchNorm ${JSON.stringify(c.steps[0].x.shape)} momentum ${c.momentum} (${i})`, async () => {
    const layer = new nn.BatchNorm(c.features, { momentum: c.momentum });
    layer.weight = fromStored(c.weight);
    layer.bias = fromStored(c.bias);
    for (const [n, step] of c.steps.entries()) {
      if (step.training) layer.train();
      else layer.eval();
      const x = fromStored(step.x);
      const cotangent = fromStored(step.cotangent);
      let output: Tensor = x;
      const g = grad((tree: { x: Tensor; layer: typeof layer }) => {
        output = tree.layer.forward(tree.x);
        return output.mul(cotangent).sum();
      })({ x, layer });
      await close(output, step.output, `output ${n}`);
      await close(g.x, step.gradients.x, `gradient of x ${n}`, 2e-5);
      assert.ok(g.layer.weight && g.layer.bias);
      await close(g.layer.weight, step.gradients.weight, `gradient of weight ${n}`);
      await close(g.layer.bias, step.gradients.bias, `gradient of bias ${n}`);
      assert.ok(layer.runningMean && layer.runningVariance);
      await close(layer.runningMean, step.runningMean, `running mean ${n}`);
      await close(layer.runningVariance, step.runningVariance, `running variance ${n}`);
    }
  });
});
