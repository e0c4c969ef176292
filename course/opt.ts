/** OPT: optimizers and convergence theory. */
import { chapter } from "typegrad/course";
import { descent } from "./opt-descent.js";
import { methods } from "./opt-methods.js";
import { practice } from "./opt-practice.js";
import { stochastic } from "./opt-stochastic.js";

export const optimization = chapter(
  "OPT",
  "Optimizers and convergence theory",
  String.raw`How fast does a method come down, and why? Gradient descent is measured against its bounds at every step; noise, and what averaging and variance reduction do about it; inertia, from Polyak to Nesterov; methods that give every coordinate its own rate, against the printed runs of Torch, Keras and ONNX; curvature, from Newton to two vectors' worth of it; and the practice of training: sets, clipping, schedules, checkpoints.`,
  [...descent, ...stochastic, ...methods, ...practice],
);
