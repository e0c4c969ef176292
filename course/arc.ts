/** ARC: the classic architectures. */
import { chapter } from "typegrad/course";
import { sequences } from "./arc-sequences.js";
import { vision } from "./arc-vision.js";

export const architectures = chapter(
  "ARC",
  "Convolutional architectures",
  "The networks that made the field, from LeNet-5 to DenseNet, U-Net, WaveNet and PixelCNN: their sizes as published, what their shapes mean, and what they learn.",
  [...sequences, ...vision].toSorted((a, b) => a.id.localeCompare(b.id)),
);
