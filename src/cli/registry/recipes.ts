/** How models are trained, by name: a model, data, what is done to them, and how it learns. One entry makes one known. */
import type { Tensor } from "../../index.js";
import {
  type Optimizer,
  type ParameterAverage,
  type Schedule,
  adam,
  adamw,
  clipByGlobalNorm,
  ema,
  matrices,
  schedules,
  sgd,
} from "../../optim/index.js";
import { GoogLeNet } from "../../models/index.js";
import { crossEntropy } from "../../nn/index.js";
import type { Objective, Trainable } from "../../train/index.js";
import { type Augmentation, cropAndFlip, flips, partAndFlip, shift } from "./augment.js";
import type { dataSets } from "./data.js";
import type { models } from "./models.js";

/** A figure that others published for the model on the data. */
export interface Published {
  /** What the data are called. */
  readonly data: string;
  readonly text: string;
  readonly source: string;
}

export interface Recipe {
  readonly model: keyof typeof models;
  /** What it is trained on unless other data are named. */
  readonly data: keyof typeof dataSets;
  /** What happens to batches in training steps, before inputs are prepared as everywhere. */
  readonly augment?: Augmentation;
  /** What is minimised in training, where it is not the loss of the task; inputs are prepared. */
  readonly objective?: (model: Trainable, x: Tensor, y: Tensor) => Objective;
  /** The average of the model's parameters, updated after every step unless told, that is judged and kept. */
  readonly average?: { readonly of: (model: Trainable) => ParameterAverage; readonly every?: "step" | "epoch" };
  /** Over how many batches gradients are averaged; 1 unless told. */
  readonly accumulate?: number;
  readonly optimizer: (lr: number, steps: number) => Optimizer;
  /** How it learns, for the report. */
  readonly method: readonly (readonly [name: string, value: string])[];
  readonly defaults: { readonly epochs: number; readonly batch: number; readonly lr: number };
  readonly published?: readonly Published[];
}

/** Up over the first `share` of the steps, then half a cosine to 0. */
const warmUpAndCosine = (peak: number, steps: number, share: number): Schedule =>
  schedules.warmupCosine({ peak, warmup: Math.ceil(steps * share), steps: steps + 1 });

const he = "He, Zhang, Ren & Sun, Deep Residual Learning for Image Recognition, CVPR 2016, table 6";

/** Residual networks for small pictures: the paper's way, with a cosine in place of its three rates. */
const smallResidual = (model: Recipe["model"], error: string): Recipe => ({
  model,
  data: "fashion-mnist",
  augment: cropAndFlip(2),
  optimizer: (lr, steps) =>
    sgd({
      learningRate: warmUpAndCosine(lr, steps, 0.05),
      momentum: 0.9,
      nesterov: true,
      weightDecay: 5e-4,
      weightDecayOn: matrices,
    }),
  method: [
    ["loss", "cross-entropy"],
    ["optimizer", "SGD, Nesterov momentum 0.9"],
    ["weight decay", "0.0005, not on biases and norms"],
    ["schedule", "warm-up over a twentieth, then a cosine to 0"],
    ["augmentation", "each picture moved by up to 2 pixels, half of them mirrored where that makes sense"],
  ],
  defaults: { epochs: 15, batch: 128, lr: 0.1 },
  published: [
    { data: "CIFAR-10", text: `${error} error`, source: he },
    {
      data: "Fashion-MNIST",
      text: "94.9 %, ResNet-18",
      source: "submitted to the data set's README, where nobody tested them: github.com/zalandoresearch/fashion-mnist",
    },
  ],
});

const photographicMethod: Recipe["method"] = [
  ["loss", "cross-entropy"],
  ["optimizer", "SGD, Nesterov momentum 0.9, gradients no longer than 5"],
  ["weight decay", "0.0001, not on biases and norms"],
  ["schedule", "warm-up over a twentieth, then a cosine to 0"],
];

/** Networks for large photographs, in the way of their papers with a cosine in place of hand-set rates. */
const photographic = (model: Recipe["model"], accuracy: string, more: Partial<Recipe> = {}): Recipe => ({
  model,
  data: "cifar-10",
  augment: cropAndFlip(4),
  optimizer: (lr, steps) =>
    sgd({
      learningRate: warmUpAndCosine(lr, steps, 0.05),
      momentum: 0.9,
      nesterov: true,
      clip: clipByGlobalNorm(5),
      weightDecay: 1e-4,
      weightDecayOn: matrices,
    }),
  method: [
    ...photographicMethod,
    ["augmentation", "each picture moved by up to 4 pixels, half of them mirrored where that makes sense"],
  ],
  defaults: { epochs: 30, batch: 128, lr: 0.05 },
  published: [{ data: "ImageNet", text: `${accuracy} top-1`, source: "torchvision's documentation of its weights" }],
  ...more,
});

/** The loss with three tenths of that of each auxiliary classifier (Szegedy et al. 2015, section 5). */
function withAuxiliary(model: Trainable, x: Tensor, y: Tensor): Objective {
  const { logits, auxiliary } =
    model instanceof GoogLeNet ? model.forwardWithAuxiliary(x) : { logits: model.forward(x), auxiliary: [] };
  const extra = auxiliary.map((output) => crossEntropy(output, y).mul(0.3));
  return { output: logits, loss: extra.reduce((a, b) => a.add(b), crossEntropy(logits, y)) };
}

const bai =
  "Bai, Kolter & Koltun, An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence Modeling, 2018, table 1";

export const recipes = {
  lenet5: {
    model: "lenet5",
    data: "mnist",
    augment: shift(1),
    optimizer: (lr, steps) => adamw({ learningRate: warmUpAndCosine(lr, steps, 0.05), weightDecay: 0.1 }),
    method: [
      ["loss", "cross-entropy"],
      ["optimizer", "AdamW, weight decay 0.1"],
      ["schedule", "warm-up over a twentieth, then a cosine to 0"],
      ["augmentation", "each batch moved by up to 1 pixel"],
    ],
    defaults: { epochs: 15, batch: 32, lr: 3e-3 },
    published: [
      {
        data: "MNIST",
        text: "99.05 % without, 99.2 % with distorted pictures",
        source:
          "LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition, 1998, figure 9",
      },
    ],
  },
  cnn: {
    model: "cnn",
    data: "fashion-mnist",
    augment: cropAndFlip(1),
    optimizer: (lr, steps) =>
      adamw({ learningRate: warmUpAndCosine(lr, steps, 0.1), weightDecay: 0.05, weightDecayOn: matrices }),
    method: [
      ["loss", "cross-entropy"],
      ["optimizer", "AdamW"],
      ["weight decay", "0.05, not on biases"],
      ["schedule", "warm-up over a tenth, then a cosine to 0"],
      ["augmentation", "each picture moved by up to 1 pixel, half of them mirrored where that makes sense"],
    ],
    defaults: { epochs: 10, batch: 64, lr: 2e-3 },
    published: [
      {
        data: "Fashion-MNIST",
        text: "87.6 % to 93.2 %, nets with two convolutions",
        source:
          "submitted to the data set's README, where nobody tested them: github.com/zalandoresearch/fashion-mnist",
      },
    ],
  },
  unet: {
    model: "unet",
    data: "cells",
    augment: flips,
    optimizer: (lr, steps) => adam({ learningRate: warmUpAndCosine(lr, steps, 0.05) }),
    method: [
      ["loss", "cross-entropy of every pixel"],
      ["optimizer", "Adam"],
      ["schedule", "warm-up over a twentieth, then a cosine to 0"],
      ["augmentation", "half of the pictures mirrored left to right, half of them top to bottom"],
    ],
    defaults: { epochs: 30, batch: 16, lr: 3e-3 },
  },
  pixelcnn: {
    model: "pixelcnn",
    data: "binary-mnist",
    average: { of: (model) => ema(model, { decay: 0.99 }) },
    optimizer: (lr, steps) => adam({ learningRate: warmUpAndCosine(lr, steps, 0.02) }),
    method: [
      ["loss", "cross-entropy of every pixel"],
      ["optimizer", "Adam"],
      ["schedule", "warm-up over a fiftieth, then a cosine to 0"],
      ["averaging", "exponential, 0.99; the averaged model is judged"],
    ],
    defaults: { epochs: 4, batch: 32, lr: 2e-3 },
    published: [
      {
        data: "MNIST in black and white",
        text: "81.3 nats per picture (0.150 bits per dimension), PixelCNN",
        source: "van den Oord, Kalchbrenner & Kavukcuoglu, Pixel Recurrent Neural Networks, ICML 2016, table 4",
      },
    ],
  },
  wavenet: {
    model: "wavenet",
    data: "speech",
    optimizer: (lr, steps) => adam({ learningRate: warmUpAndCosine(lr, steps, 0.02) }),
    method: [
      ["loss", "cross-entropy of every sample"],
      ["optimizer", "Adam"],
      ["schedule", "warm-up over a fiftieth, then a cosine to 0"],
    ],
    defaults: { epochs: 20, batch: 4, lr: 2e-3 },
  },
  tcn: {
    model: "tcn",
    data: "adding",
    optimizer: (lr, steps) => adam({ learningRate: warmUpAndCosine(lr, steps, 0.02), clip: clipByGlobalNorm(1) }),
    method: [
      ["loss", "mean squared error"],
      ["optimizer", "Adam, gradients no longer than 1"],
      ["schedule", "warm-up over a fiftieth, then a cosine to 0"],
    ],
    defaults: { epochs: 6, batch: 32, lr: 4e-3 },
    published: [
      { data: "the adding problem with 600 steps", text: "loss 5.8e-5, TCN of 70,000 parameters", source: bai },
    ],
  },
  "tcn-pixels": {
    model: "tcn-pixels",
    data: "mnist",
    optimizer: (lr, steps) => adam({ learningRate: warmUpAndCosine(lr, steps, 0.05), clip: clipByGlobalNorm(1) }),
    method: [
      ["loss", "cross-entropy"],
      ["optimizer", "Adam, gradients no longer than 1"],
      ["schedule", "warm-up over a twentieth, then a cosine to 0"],
    ],
    defaults: { epochs: 2, batch: 32, lr: 4e-3 },
    published: [
      { data: "MNIST pixel by pixel", text: "99.0 %, TCN", source: bai },
      { data: "MNIST pixel by pixel, in another order", text: "97.2 %, TCN", source: bai },
    ],
  },
  alexnet: photographic("alexnet", "56.52 %", {
    data: "image-folder",
    augment: partAndFlip,
    method: [...photographicMethod, ["augmentation", "a part of each picture at full size, half of them mirrored"]],
    defaults: { epochs: 30, batch: 128, lr: 0.01 },
  }),
  resnet18: photographic("resnet18", "69.76 %"),
  resnet34: photographic("resnet34", "73.31 %"),
  resnet50: photographic("resnet50", "76.13 %"),
  vgg16: photographic("vgg16", "71.59 %", { defaults: { epochs: 30, batch: 128, lr: 0.01 } }),
  vgg19: photographic("vgg19", "72.38 %", { defaults: { epochs: 30, batch: 128, lr: 0.01 } }),
  googlenet: photographic("googlenet", "69.78 %", { objective: withAuxiliary }),
  densenet121: photographic("densenet121", "74.43 %"),
  resnet20: smallResidual("resnet20", "8.75 %"),
  resnet32: smallResidual("resnet32", "7.51 %"),
  resnet44: smallResidual("resnet44", "7.17 %"),
  resnet56: smallResidual("resnet56", "6.97 %"),
} satisfies Record<string, Recipe>;
