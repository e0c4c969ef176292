/** Joined layers: residual, dense, branches, gates. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Tensor, concatenate, grad, ones, zeros } from "typegrad";
import * as nn from "typegrad/nn";
import { manualSeed, randn } from "typegrad/random";
import { compareCases } from "../golden/cases.js";
import { type Case, fixture } from "../golden/fixtures.js";

compareCases(fixture<{ cases: Case[] }>("structure").cases, {
  squeezeExcite: ({ x, w1, b1, w2, b2 }) => {
    const layer = new nn.SqueezeExcite(4, 2);
    Object.assign(layer.fc1, { weight: w1, bias: b1 });
    Object.assign(layer.fc2, { weight: w2, bias: b2 });
    return layer.forward(x);
  },
});

const worst = async (x: Tensor, y: Tensor): Promise<number> => x.sub(y).abs().max().item();

test("a residual block adds its input, or a shortcut of it", async () => {
  manualSeed(1);
  const x = randn([2, 4]);
  const [f, h] = [new nn.Linear(4, 4), new nn.Linear(4, 3)];
  assert.ok((await worst(new nn.Residual(f).forward(x), x.add(f.forward(x)))) < 1e-6);
  const projected = new nn.Residual(new nn.Sequential([f, nn.relu, new nn.Linear(4, 3)]), h);
  const shape: readonly [2, 3] = projected.forward(randn([2, 4])).shape;
  assert.deepEqual([...shape], [2, 3]);
  assert.deepEqual(Object.keys(nn.namedParameters(projected)).slice(-2), ["shortcut.weight", "shortcut.bias"]);
  // @ts-expect-error Residual: the last axis must have 4 features, got 5
  assert.throws(() => projected.forward(randn([2, 5])), /Linear: the last axis/);
  const wrong = new nn.Residual(new nn.Linear(4, 1));
  assert.throws(
    () => wrong.forward(x),
    /Residual: the branch and the shortcut must give one shape, got float32\[2,1\]/,
  );
});

test("a block whose branch is 0 is the identity, also backwards", async () => {
  const block = new nn.Residual(new nn.Linear(3, 3, { initWeight: zeros, initBias: zeros }));
  const x = randn([5, 3]);
  assert.equal(await worst(block.forward(x), x), 0);
  assert.equal(await worst(grad((v: Tensor) => block.forward(v).sum())(x), ones([5, 3])), 0);
});

test("branches and dense connections join along the channels", async () => {
  manualSeed(2);
  const x = randn([1, 3, 4, 4]);
  const [a, b] = [new nn.Conv2d(3, 2, 1), new nn.Conv2d(3, 5, 3, { padding: 1 })];
  const joined = new nn.Branches([a, b, new nn.MaxPool2d(3, { stride: 1, padding: 1 })]).forward(x);
  assert.deepEqual([...joined.shape], [1, 10, 4, 4]);
  assert.ok((await worst(joined.at(":", "2:7"), b.forward(x))) < 1e-6);
  const dense = new nn.Sequential([new nn.DenseConnection(a), new nn.DenseConnection(new nn.Conv2d(5, 2, 1))]);
  const y = dense.forward(x);
  assert.deepEqual([...y.shape], [1, 7, 4, 4]);
  assert.ok((await worst(y.at(":", "0:5"), concatenate([x, a.forward(x)], 1))) < 1e-6);
  assert.throws(
    () => new nn.Branches([a, new nn.MaxPool2d(2)]).forward(x),
    /Branches: branches must give one shape but for axis 1, got float32\[1,2,4,4\], float32\[1,3,2,2\]/,
  );
  assert.throws(() => new nn.DenseConnection(new nn.MaxPool2d(2)).forward(x), /DenseConnection: branches must give/);
  assert.throws(() => new nn.Branches([]), /Branches: there must be at least one branch/);
});
