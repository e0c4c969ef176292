import type { Tensor } from "../index.js";
import { Module } from "../tree/index.js";
import type { Flattened, Sight } from "./layer.js";

/** Joins all axes but the first: `[N, …]` to `[N, F]`. */
export class Flatten extends Module {
  declare readonly shapes: Flattened;

  /** Each output sees every place. */
  get windows(): Sight {
    return "all";
  }

  forward(x: Tensor): Tensor<readonly [number, number]> {
    return flatten(x);
  }
}

/** Joins all axes but the first. */
export const flatten = (x: Tensor): Tensor<readonly [number, number]> => {
  const [n, ...rest] = x.shape;
  return x.reshape([n, rest.reduce((a, b) => a * b, 1)]);
};
