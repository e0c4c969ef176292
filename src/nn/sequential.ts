/** Layers one after the other, with their features checked by the type checker. */
import type { Fits, Mismatch, Shape, ShapeOf, Tensor } from "../index.js";
import { Module } from "../tree/index.js";
import type {
  Appended,
  Channels,
  Globally,
  LastAxis,
  Layer,
  PerChannel,
  Pooled,
  RuleOf,
  Same,
  Sequence,
  ThroughAll,
} from "./layer.js";

/** What a `Sequential` is made of: layers, and functions such as `relu`. */
export type Stage = Layer | ((x: Tensor) => Tensor);

/** What a stage makes of a tensor. */
export const pass = (stage: Stage, x: Tensor): Tensor => (typeof stage === "function" ? stage(x) : stage.forward(x));

/** Features that come out of a chain of stages: along the last axis, along axis 1, or not known. */
type Features = { readonly axis: "last" | "channels"; readonly size: number } | null;

/** The features after a stage with rule R that comes with number I, or a `Mismatch`. */
type After<R, F extends Features, I extends number> = R extends Same
  ? F
  : R extends LastAxis<infer In, infer Out>
    ? Meet<"last", In, Out, F, I>
    : R extends Channels<infer In, infer Out>
      ? Meet<"channels", In, Out, F, I>
      : R extends PerChannel<infer C>
        ? Meet<"channels", C, C, F, I>
        : R extends Appended<infer Out>
          ? { readonly axis: "last"; readonly size: Out }
          : R extends Pooled
            ? F extends { readonly axis: "channels" }
              ? F
              : null
            : R extends Globally
              ? F extends { readonly axis: "channels"; readonly size: infer C extends number }
                ? { readonly axis: "last"; readonly size: C }
                : null
              : R extends Sequence<infer L>
                ? Fold<L, F>
                : null;

type Meet<Axis extends "last" | "channels", In extends number, Out extends number, F, I extends number> = F extends {
  readonly axis: Axis;
  readonly size: infer Got extends number;
}
  ? number extends Got
    ? { readonly axis: Axis; readonly size: Out }
    : number extends In
      ? { readonly axis: Axis; readonly size: Out }
      : Got extends In
        ? { readonly axis: Axis; readonly size: Out }
        : Mismatch<`Sequential: layer ${I} takes ${In} features, got ${Got}`>
  : { readonly axis: Axis; readonly size: Out };

/** The features after a chain of stages, or the first `Mismatch`. */
type Fold<
  L extends readonly unknown[],
  F extends Features = null,
  Done extends readonly unknown[] = readonly [],
> = L extends readonly [infer H, ...infer T]
  ? After<RuleOf<H>, F, Done["length"]> extends infer N
    ? N extends Mismatch<string>
      ? N
      : N extends Features
        ? Fold<T, N, readonly [...Done, H]>
        : null
    : null
  : number extends L["length"]
    ? null
    : F;

/**
 * Layers and functions one after the other. Literal feature counts that do not fit are an error in the editor:
 * `Sequential: layer 2 takes 100 features, got 128`. A chain of given layers is a chain of layers (`out`).
 */
export class Sequential<const out L extends readonly Stage[] = readonly Stage[]> extends Module {
  declare readonly shapes: Sequence<L>;
  layers: L;

  constructor(layers: L & Fits<Fold<L>>) {
    super();
    this.layers = layers;
  }

  forward<const S extends Shape>(
    x: Tensor<S> & Fits<ThroughAll<L, S, "Sequential">>,
  ): Tensor<ShapeOf<ThroughAll<L, S, "Sequential">>>;
  forward(x: Tensor): Tensor {
    return this.layers.reduce((y: Tensor, layer) => pass(layer, y), x);
  }
}
