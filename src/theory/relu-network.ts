/** Feed-forward networks of rectified linear units, their activation patterns and the affine maps inside a cell. */
import { ArgumentError, type Tensor } from "../index.js";
import { type Linear, linear } from "../nn/index.js";
import { Module } from "../tree/index.js";
import { type AffineMap, affineOf, linearOf } from "./affine.js";

/** `W_L (… (W_2 (W_1 x + b_1)₊ + b_2)₊ …) + b_L`: linear layers with a rectifier after each but the last. */
export class ReluNetwork extends Module {
  layers: Linear[];

  constructor(layers: readonly Linear[]) {
    super();
    if (layers.length === 0)
      throw new ArgumentError("ReluNetwork: it must have at least one layer, got none. give it layers");
    layers.slice(1).forEach((layer, i) => {
      const [given] = layers[i].weight.shape;
      const [, taken] = layer.weight.shape;
      if (given !== taken)
        throw new ArgumentError(
          `ReluNetwork: layer ${i + 1} must take the ${given} features of layer ${i}, got ${taken}. change its weights`,
        );
    });
    this.layers = [...layers];
  }

  /** The float64 network of these maps. */
  static of(maps: readonly AffineMap[], inputs: number): ReluNetwork {
    return new ReluNetwork(maps.map((map, i) => linearOf(map, i === 0 ? inputs : maps[i - 1].bias.length)));
  }

  get inputs(): number {
    return this.layers[0].weight.shape[1];
  }

  /** Hidden layers: how often a rectifier is applied one after the other. */
  get depth(): number {
    return this.layers.length - 1;
  }

  /** `[…, in]` to `[…, out]`. */
  forward(x: Tensor): Tensor {
    return this.layers.reduce((h, layer, i) => linear(i === 0 ? h : h.relu(), layer.weight, layer.bias), x);
  }

  /** What each layer computes, in plain numbers. */
  maps(): AffineMap[] {
    return this.layers.map(affineOf);
  }
}

/** Which units are on, that is, have a positive input: for `x` `[…, in]` one bool tensor `[…, width]` for each hidden layer. */
export function activationPattern(network: ReluNetwork, x: Tensor): Tensor[] {
  const patterns: Tensor[] = [];
  let h = x;
  for (const layer of network.layers.slice(0, -1)) {
    h = linear(h, layer.weight, layer.bias);
    patterns.push(h.greater(0));
    h = h.relu();
  }
  return patterns;
}

/**
 * The affine map that a network is in the cell around `x` `[in]`: with Dₗ the diagonal matrix of the units that are on,
 * `W_L D_{L-1} W_{L-1} … D_1 W_1` `[out, in]`, and the bias `[out]` carried through the same products.
 */
export function localAffineMap(network: ReluNetwork, x: Tensor): { readonly weight: Tensor; readonly bias: Tensor } {
  const [first, ...rest] = network.layers;
  if (x.rank !== 1 || x.shape[0] !== network.inputs)
    throw new ArgumentError(
      `localAffineMap: it takes one point [${network.inputs}], got ${x.describe()}. use vmap for several`,
    );
  const patterns = activationPattern(network, x);
  let weight: Tensor = first.weight; // [width, in]
  let bias: Tensor = first.bias ?? first.weight.sum(1).mul(0); // [width]
  rest.forEach((layer, i) => {
    const on = patterns[i].astype(weight.dtype); // [width]
    weight = layer.weight.matmul(weight.mul(on.expandDims(1)));
    bias = layer.weight.matmul(bias.mul(on));
    if (layer.bias) bias = bias.add(layer.bias);
  });
  return { weight, bias };
}
