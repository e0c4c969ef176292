/**
 * What a training step keeps from the forward for the backward pass is what the rules of differentiation ask for: of a
 * convolution's weight gradient its input, of batch norm its input, of ReLU its value. All else is made, used and gone, so
 * the workspace is the sum of those and a few arrays more, however deep the network is.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, concatenate, explain, Module, ones, setDevice, type Tensor, valueAndGrad } from "typegrad";
import { BatchNorm, Conv2d, relu } from "typegrad/nn";
import { sgd } from "typegrad/optim";

const [batch, size, channels, growth, depth] = [8, 16, 16, 8, 12];
/** Bytes of a float32 array [batch, channels, size, size]. */
const bytes = (channels: number): number => 4 * batch * channels * size ** 2;

class Block extends Module {
  norm: BatchNorm;
  conv: Conv2d;
  constructor(from: number, to: number) {
    super();
    this.norm = new BatchNorm(from);
    this.conv = new Conv2d(from, to, 3, { padding: 1 });
  }
  forward(x: Tensor): Tensor {
    return this.conv.forward(relu(this.norm.forward(x)));
  }
}

class Network extends Module {
  readonly join: (x: Tensor, y: Tensor) => Tensor;
  blocks: Block[];
  constructor(blocks: Block[], join: (x: Tensor, y: Tensor) => Tensor) {
    super();
    this.blocks = blocks;
    this.join = join;
  }
  forward(x: Tensor): Tensor {
    return this.blocks.reduce((h, block) => this.join(h, block.forward(h)), x);
  }
}

async function workspaceOf(model: Network): Promise<number> {
  await setDevice("wasm");
  const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 });
  const step = compile(
    (x: Tensor) => {
      const [loss, gradients] = valueAndGrad((m: Network) => m.forward(x).square().mean())(model);
      optimizer.update(model, gradients);
      return loss;
    },
    { state: [model, optimizer] },
  );
  assert.ok(Number.isFinite(await step(ones([batch, channels, size, size])).item()));
  return explain(step).memory.workspace;
}

const layers = Array.from({ length: depth }, (_, i) => i);

for (const [name, join] of [
  ["plain", (_: Tensor, y: Tensor) => y],
  ["residual", (x: Tensor, y: Tensor) => x.add(y)],
] as const)
  test(`a ${name} network of ${depth} layers keeps the inputs of its norms and of its convolutions`, async () => {
    const kept = 2 * depth * bytes(channels);
    const workspace = await workspaceOf(
      new Network(
        layers.map(() => new Block(channels, channels)),
        join,
      ),
    );
    assert.ok(workspace <= kept + 5 * bytes(channels), `${workspace / bytes(channels)} arrays for ${2 * depth}`);
  });

test(`a densely connected network of ${depth} layers keeps the inputs of its norms and of its convolutions`, async () => {
  const widths = layers.map((i) => channels + i * growth);
  const kept = 2 * widths.reduce((sum, width) => sum + bytes(width), 0);
  const workspace = await workspaceOf(
    new Network(
      widths.map((width) => new Block(width, growth)),
      (x, y) => concatenate([x, y], 1),
    ),
  );
  const widest = bytes(channels + depth * growth);
  assert.ok(workspace <= kept + 5 * widest, `${workspace / widest} of the widest arrays for ${kept / widest}`);
});
