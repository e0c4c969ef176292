/** The models by name. One entry makes one known. */
import {
  PixelCNN,
  TCNReader,
  type TCNOptions,
  UNet,
  WaveNet,
  alexnet,
  densenet121,
  dilationCycles,
  googlenet,
  lenet5,
  resnet18,
  resnet20,
  resnet32,
  resnet34,
  resnet44,
  resnet50,
  resnet56,
  smallCnn,
  vgg16,
  vgg19,
} from "../../models/index.js";
import { classification } from "./classification.js";
import { pixels } from "./pixels.js";
import { regression } from "./regression.js";
import { segmentation } from "./segmentation.js";
import { sounds } from "./sounds.js";
import type { Facts, ModelEntry } from "./task.js";

/** Channels and classes of pictures that are classified. */
const sizes = ({ input: [channels], outputs: classes }: Facts) => ({ channels, classes });

/** Says what sides pictures must have, unless they have them. */
const sides =
  (what: string, holds: (rows: number, columns: number) => boolean) =>
  ({ input: [, rows, columns] }: Facts): string | null =>
    holds(rows, columns) ? null : `pictures ${what}`;

const fourths = sides("of a side that 4 divides, at least 16 pixels", (h, w) => h === w && h >= 16 && h % 4 === 0);

const halvedFiveTimes = sides("of at least 32 pixels each way", (h, w) => h >= 32 && w >= 32);

/** Sequences are long and examples many: no dropout, as in the paper. */
const reading = (kernel: number): TCNOptions => ({ kernel, dropout: 0 });

export const models = {
  lenet5: {
    title: "LeNet-5",
    task: classification,
    refuses: fourths,
    build: ({ input: [channels, size], outputs: classes }) => lenet5({ channels, size, classes }),
  },
  cnn: {
    title: "Two-conv net",
    task: classification,
    refuses: fourths,
    build: ({ input: [channels, size], outputs: classes }) => smallCnn({ channels, size, classes }),
  },
  resnet20: { title: "ResNet-20", task: classification, build: (facts) => resnet20(sizes(facts)) },
  resnet32: { title: "ResNet-32", task: classification, build: (facts) => resnet32(sizes(facts)) },
  resnet44: { title: "ResNet-44", task: classification, build: (facts) => resnet44(sizes(facts)) },
  resnet56: { title: "ResNet-56", task: classification, build: (facts) => resnet56(sizes(facts)) },
  alexnet: {
    title: "AlexNet",
    task: classification,
    refuses: sides("of at least 63 pixels each way", (h, w) => h >= 63 && w >= 63),
    build: (facts) => alexnet(sizes(facts)),
  },
  resnet18: { title: "ResNet-18", task: classification, build: (facts) => resnet18(sizes(facts)) },
  resnet34: { title: "ResNet-34", task: classification, build: (facts) => resnet34(sizes(facts)) },
  resnet50: { title: "ResNet-50", task: classification, build: (facts) => resnet50(sizes(facts)) },
  vgg16: { title: "VGG-16", task: classification, refuses: halvedFiveTimes, build: (facts) => vgg16(sizes(facts)) },
  vgg19: { title: "VGG-19", task: classification, refuses: halvedFiveTimes, build: (facts) => vgg19(sizes(facts)) },
  googlenet: { title: "GoogLeNet", task: classification, build: (facts) => googlenet(sizes(facts)) },
  densenet121: {
    title: "DenseNet-121",
    task: classification,
    refuses: halvedFiveTimes,
    build: (facts) => densenet121(sizes(facts)),
  },
  unet: {
    title: "U-Net",
    task: segmentation,
    refuses: sides("of sides that 8 divides", (h, w) => h % 8 === 0 && w % 8 === 0),
    build: ({ input: [channels], outputs: classes }) =>
      new UNet({ channels, classes, width: 16, depth: 3, batchNorm: true }),
  },
  pixelcnn: {
    title: "Gated PixelCNN",
    task: pixels,
    build: ({ input: [channels], outputs: levels }) =>
      new PixelCNN({ channels, levels, width: 32, blocks: 4, gated: true }),
  },
  tcn: {
    title: "TCN",
    task: regression,
    build: ({ input: [channels], outputs }) => new TCNReader(channels, Array<number>(5).fill(24), outputs, reading(6)),
  },
  "tcn-pixels": {
    title: "TCN over single pixels",
    task: classification,
    build: ({ input: [channels], outputs }) => new TCNReader(channels, Array<number>(6).fill(24), outputs, reading(8)),
  },
  wavenet: {
    title: "WaveNet",
    task: sounds,
    build: ({ outputs: levels }) =>
      new WaveNet({ levels, residualChannels: 32, skipChannels: 64, dilations: dilationCycles(9, 2) }),
  },
} satisfies Record<string, ModelEntry>;
