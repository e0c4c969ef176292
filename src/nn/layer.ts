/** What layers have in common: what they do to shapes, written down for the type checker. */
import { type Mismatch, type Shape, Tensor } from "../index.js";

/** Keeps the shape. */
export interface Same {
  readonly rule: "same";
}
/** Takes `In` features along the last axis to `Out`. */
export interface LastAxis<In extends number, Out extends number> {
  readonly rule: "last";
  readonly in: In;
  readonly out: Out;
}
/** Takes `In` channels along axis 1 to `Out`; the axes behind it may change their lengths. */
export interface Channels<In extends number, Out extends number> {
  readonly rule: "channels";
  readonly in: In;
  readonly out: Out;
}
/** Keeps the shape, whose axis 1 has `C` channels. */
export interface PerChannel<C extends number> {
  readonly rule: "per channel";
  readonly in: C;
}
/** Keeps the axes 0 and 1; those behind may change their lengths. */
export interface Pooled {
  readonly rule: "pooled";
}
/** Keeps the axes 0 and 1 alone. */
export interface Globally {
  readonly rule: "globally";
}
/** Adds a last axis of length `Out`. */
export interface Appended<Out extends number> {
  readonly rule: "appended";
  readonly out: Out;
}
/** Joins all axes but the first. */
export interface Flattened {
  readonly rule: "flattened";
}
/** What its layers do, one after the other. */
export interface Sequence<L extends readonly unknown[]> {
  readonly rule: "sequence";
  readonly layers: L;
}
/** Nothing is known. */
export interface Unruled {
  readonly rule: "none";
}
/** All that layers do to shapes. */
export type Rule =
  | Same
  | LastAxis<number, number>
  | Channels<number, number>
  | PerChannel<number>
  | Pooled
  | Globally
  | Appended<number>
  | Flattened
  | Sequence<readonly unknown[]>
  | Unruled;

/** A module that takes a tensor to a tensor. `shapes` exists for the type checker only. */
export interface Layer<R extends Rule = Rule> {
  readonly shapes?: R;
  forward(x: Tensor): Tensor;
}

/**
 * What an output of a layer sees of its input, where windows do not say it: its own place alone, every place, or what cannot
 * be said. A layer says so by a property `windows`; `receptiveField` asks for it.
 */
export type Sight = "own" | "all" | "unknown";

/** What a layer or function does to shapes; a function that keeps every shape says so by its own type. */
export type RuleOf<L> = L extends { readonly shapes?: infer R }
  ? Exclude<R, undefined>
  : L extends <S extends Shape>(x: Tensor<S>) => Tensor<S>
    ? Same
    : Unruled;

/** True unless two lengths are known and differ. */
type Meets<A extends number, B extends number> = number extends A
  ? true
  : number extends B
    ? true
    : A extends B
      ? true
      : false;

type Lengths<S extends Shape> = { readonly [K in keyof S]: number };

/** The shape a rule makes of S, or a `Mismatch`. */
export type Through<R, S extends Shape, Name extends string> = R extends Same
  ? S
  : number extends S["length"]
    ? Shape
    : R extends LastAxis<infer In, infer Out>
      ? S extends readonly [...infer B extends Shape, infer F extends number]
        ? Meets<F, In> extends true
          ? readonly [...B, Out]
          : Mismatch<`${Name}: the last axis must have ${In} features, got ${F}`>
        : Mismatch<`${Name}: the input must have an axis of ${In} features`>
      : R extends Channels<infer In, infer Out>
        ? S extends readonly [infer N extends number, infer C extends number, ...infer T extends Shape]
          ? Meets<C, In> extends true
            ? readonly [N, Out, ...Lengths<T>]
            : Mismatch<`${Name}: axis 1 must have ${In} channels, got ${C}`>
          : Mismatch<`${Name}: axis 1 must have ${In} channels`>
        : R extends PerChannel<infer In>
          ? S extends readonly [number, infer C extends number, ...Shape]
            ? Meets<C, In> extends true
              ? S
              : Mismatch<`${Name}: axis 1 must have ${In} channels, got ${C}`>
            : Mismatch<`${Name}: axis 1 must have ${In} channels`>
          : R extends Pooled
            ? S extends readonly [infer N extends number, infer C extends number, ...infer T extends Shape]
              ? readonly [N, C, ...Lengths<T>]
              : Shape
            : R extends Globally
              ? S extends readonly [infer N extends number, infer C extends number, ...Shape]
                ? readonly [N, C]
                : Shape
              : R extends Appended<infer Out>
                ? readonly [...S, Out]
                : R extends Flattened
                  ? S extends readonly [infer N extends number, ...Shape]
                    ? readonly [N, number]
                    : Shape
                  : R extends Sequence<infer L>
                    ? ThroughAll<L, S, Name>
                    : Shape;

/** The shape a chain of layers makes of S, or the first `Mismatch`. */
export type ThroughAll<L extends readonly unknown[], S extends Shape, Name extends string> = L extends readonly [
  infer H,
  ...infer T,
]
  ? Through<RuleOf<H>, S, Name> extends infer N
    ? N extends Shape
      ? ThroughAll<T, N, Name>
      : N
    : Shape
  : number extends L["length"]
    ? Shape
    : S;

/** A function of a tensor that keeps the shape, with a type that says so. */
export const keepsShape =
  <R extends readonly unknown[]>(f: (x: Tensor, ...rest: R) => Tensor) =>
  <S extends Shape>(x: Tensor<S>, ...rest: R): Tensor<S> =>
    Tensor.of<S>(f(x, ...rest).node);
