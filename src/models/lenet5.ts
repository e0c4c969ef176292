import { AvgPool2d, Conv2d, Flatten, Linear, Sequential, tanh } from "../nn/index.js";

/**
 * LeNet-5 (LeCun et al. 1998) in the form that is taught: 61,706 parameters, digits `[N, 1, 28, 28]` in, logits
 * `[N, 10]` out.
 */
export const lenet5 = () =>
  new Sequential([
    new Conv2d(1, 6, 5, { padding: 2 }), // [N, 6, 28, 28]
    tanh,
    new AvgPool2d(2), // [N, 6, 14, 14]
    new Conv2d(6, 16, 5), // [N, 16, 10, 10]
    tanh,
    new AvgPool2d(2), // [N, 16, 5, 5]
    new Flatten(), // [N, 400]
    new Linear(400, 120),
    tanh,
    new Linear(120, 84),
    tanh,
    new Linear(84, 10),
  ]);

export type LeNet5 = ReturnType<typeof lenet5>;
