/** Pictures that networks cannot take are refused by their names; the least that they say they take, they do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { zeros } from "typegrad";
import * as models from "typegrad/models";

const least = {
  AlexNet: [models.alexnet({ width: 2 }), 63],
  VGG: [models.vgg16({ hidden: 4 }), 32],
  DenseNet: [new models.DenseNet({ layers: [1, 1, 1, 1], growthRate: 2, width: 4 }), 29],
} as const;

test("networks for pictures take sides from a least one on", () => {
  for (const [name, [model, side]] of Object.entries(least)) {
    assert.deepEqual(model.eval().forward(zeros([1, 3, side, side])).shape, [1, 1000]);
    const refused = new RegExp(
      `^ShapeError: ${name}: pictures must be \\[N, 3, H, W\\] with sides of at least ${side}, got`,
    );
    for (const shape of [
      [1, 3, side, side - 1],
      [1, 1, side, side],
      [3, side, side],
    ])
      assert.throws(() => model.forward(zeros(shape)), refused);
  }
});

test("networks refuse other channels", () => {
  const grey = zeros([1, 1, 32, 32]);
  assert.throws(() => models.resnet20().forward(grey), /CIFARResNet: pictures must be \[N, 3, H, W\]/);
  assert.throws(() => models.resnet18({ width: 4 }).forward(grey), /ResNet: pictures must be \[N, 3, H, W\]/);
  assert.throws(
    () => new models.UNet({ width: 2, channels: 3 }).forward(grey),
    /UNet: pictures must be \[N, 3, H, W\]/,
  );
  assert.throws(
    () => models.googlenet({ transformInput: true, channels: 1 }),
    /GoogLeNet: transformInput must go with pictures of 3 channels, got 1/,
  );
  const small = new models.PixelCNN({ width: 4, blocks: 1 });
  assert.throws(() => small.forward(zeros([1, 3, 4, 4])), /PixelCNN: pictures must be \[N, 1, H, W\]/);
  assert.throws(() => new models.TCN(2, [4]).forward(zeros([1, 3, 9])), /TCN: sequences must be \[N, 2, T\]/);
  assert.throws(() => new models.PixelCNN({ firstKernel: 4 }), /MaskedConv2d: the kernel must be odd/);
});
