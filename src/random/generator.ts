/** A generator with a state, for everyday use. */
import { hold, shareState, slicePlaces } from "../api/index.js";
import type { Shape } from "../ir/shape.js";
import type { Tensor } from "../tensor/index.js";
import { Module } from "../tree/index.js";
import { foldIn, type Key, key, normal, permutation, type Sampling, split, uniform } from "./keys.js";

/** Gives a fresh key at each call. Its state is a tensor, so that compiled steps advance it. */
export class Generator extends Module {
  state: Key;
  constructor(seed = 0) {
    super();
    this.state = key(seed);
  }
  /** Starts again from a seed. */
  manualSeed(seed: number): void {
    this.state = key(seed);
  }
  /** A key nobody else gets. Inside `vmap` its option `randomness` decides whether each slice gets a key of its own. */
  next(): Key {
    const places = slicePlaces("random");
    const [state, fresh] = split(this.state);
    this.state = state;
    hold(this); // or the chain of keys would grow from read to read
    return places.reduce<Key>((k, place) => foldIn(k, place), fresh);
  }
}

/** The generator behind `rand`, `randn`, dropout and initialisers. */
export const defaultGenerator = new Generator();
shareState(defaultGenerator);

/** Restarts the default generator. */
export const manualSeed = (seed: number): void => defaultGenerator.manualSeed(seed);
/** Uniform on [0, 1). */
export const rand = <const S extends Shape>(shape: S, options: Sampling = {}): Tensor<S> =>
  uniform(defaultGenerator.next(), shape, options);
/** Standard normal. */
export const randn = <const S extends Shape>(shape: S, options: Sampling = {}): Tensor<S> =>
  normal(defaultGenerator.next(), shape, options);
/** The numbers 0 … n - 1 in random order; int32. */
export const randperm = (n: number): Tensor<readonly [number]> => permutation(defaultGenerator.next(), n);
