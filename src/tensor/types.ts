/**
 * Shapes as types, as far as they help: literal dimensions flow through, others degrade to `number`, never to `any` or
 * `never`. A mismatch becomes a `Mismatch` whose text reads like the run-time error.
 */
import type { Shape } from "../ir/shape.js";
import type { Tensor } from "./tensor.js";

declare const mismatch: unique symbol;
/** What an argument would have to be when shapes do not fit: nothing is, and the editor shows the message. */
export interface Mismatch<Message extends string> {
  readonly [mismatch]: Message;
}

/** A tensor or a plain number, which takes the tensor's dtype. */
export type Operand = Tensor | number | boolean;

type BroadcastDim<A extends number, B extends number> = A extends 1
  ? B
  : B extends 1
    ? A
    : number extends A
      ? number
      : number extends B
        ? number
        : A extends B
          ? A
          : never;

type Reversed<S extends Shape, R extends Shape = readonly []> = S extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? Reversed<T, readonly [H, ...R]>
  : R;

type BroadcastReversed<A extends Shape, B extends Shape, R extends Shape = readonly []> = A extends readonly [
  infer a extends number,
  ...infer AT extends Shape,
]
  ? B extends readonly [infer b extends number, ...infer BT extends Shape]
    ? [BroadcastDim<a, b>] extends [never]
      ? Mismatch<`broadcast: dimensions ${a} and ${b} differ`>
      : BroadcastReversed<AT, BT, readonly [BroadcastDim<a, b>, ...R]>
    : readonly [...Reversed<A>, ...R]
  : readonly [...Reversed<B>, ...R];

/** The shape two shapes broadcast to, or a `Mismatch`. */
export type Broadcast<A extends Shape, B extends Shape> = number extends A["length"]
  ? Shape
  : number extends B["length"]
    ? Shape
    : BroadcastReversed<Reversed<A>, Reversed<B>>;

/** The shape of a matrix product, or a `Mismatch`. */
export type MatMul<A extends Shape, B extends Shape> = number extends A["length"]
  ? Shape
  : number extends B["length"]
    ? Shape
    : A extends readonly [...infer AB extends Shape, infer M extends number, infer K extends number]
      ? B extends readonly [...infer BB extends Shape, infer K2 extends number, infer N extends number]
        ? [BroadcastDim<K, K2>] extends [never]
          ? Mismatch<`matmul: inner dimensions ${K} and ${K2} differ`>
          : Broadcast<AB, BB> extends infer P extends Shape
            ? readonly [...P, M, N]
            : Broadcast<AB, BB>
        : Shape
      : Shape;

/** `unknown` for a shape, so that it may be intersected with anything; the `Mismatch` itself otherwise. */
export type Fits<R> = R extends Mismatch<infer M> ? Mismatch<M> : unknown;
/** The shape of a result, `Shape` where it is a `Mismatch`. */
export type ShapeOf<R> = Extract<R, Shape>;

/** What an operand must be to combine element by element with a tensor of shape `A`. */
export type FitsBroadcast<A extends Shape, O extends Operand> =
  O extends Tensor<infer B extends Shape> ? Fits<Broadcast<A, B>> : unknown;
/** The result of combining them. */
export type BroadcastResult<A extends Shape, O extends Operand> = Tensor<
  O extends Tensor<infer B extends Shape> ? ShapeOf<Broadcast<A, B>> : A
>;

type LengthOf<S extends Shape> = S["length"];

/** A non-negative axis of S for a possibly negative literal one; `never` where it is not known. */
type AxisIndex<S extends Shape, Axis extends number> = number extends Axis
  ? never
  : number extends LengthOf<S>
    ? never
    : `${Axis}` extends `-${infer N extends number}`
      ? NegativeAxis<S, N>
      : Axis;
type NegativeAxis<S extends Shape, N extends number, Tail extends Shape = readonly []> = S extends readonly [
  ...infer Head extends Shape,
  infer Last extends number,
]
  ? (readonly [Last, ...Tail])["length"] extends N
    ? Head["length"]
    : NegativeAxis<Head, N, readonly [Last, ...Tail]>
  : never;

type DropAt<S extends Shape, Axis extends number, Kept extends Shape = readonly []> = S extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? Kept["length"] extends Axis
    ? readonly [...Kept, ...T]
    : DropAt<T, Axis, readonly [...Kept, H]>
  : Shape;
type OneAt<S extends Shape, Axis extends number, Kept extends Shape = readonly []> = S extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? Kept["length"] extends Axis
    ? readonly [...Kept, 1, ...T]
    : OneAt<T, Axis, readonly [...Kept, H]>
  : Shape;
type AllOnes<S extends Shape, R extends Shape = readonly []> = S extends readonly [number, ...infer T extends Shape]
  ? AllOnes<T, readonly [1, ...R]>
  : number extends S["length"]
    ? Shape
    : R;

/** Axes a reduction goes over. */
export type Axes = number | readonly number[];

/** The shape after reducing: all axes when none are named, one literal axis exactly, several as `number[]`. */
export type Reduced<S extends Shape, A extends Axes | undefined, Keep extends boolean> = undefined extends A
  ? Keep extends true
    ? AllOnes<S>
    : readonly []
  : A extends number
    ? [AxisIndex<S, A>] extends [never]
      ? Shape
      : Keep extends true
        ? OneAt<S, AxisIndex<S, A>>
        : DropAt<S, AxisIndex<S, A>>
    : Shape;

/** The shape with its axes in another order; reversed when no order is named. */
export type Permuted<S extends Shape, P extends readonly number[] | undefined> =
  number extends LengthOf<S>
    ? Shape
    : undefined extends P
      ? Reversed<S>
      : P extends readonly number[]
        ? number extends P["length"]
          ? Shape
          : { readonly [K in keyof P]: P[K] extends keyof S ? Extract<S[P[K]], number> : number }
        : Shape;

/** A requested shape, in which -1 is worked out. */
export type Reshaped<R extends Shape> = { readonly [K in keyof R]: `${R[K]}` extends `-${string}` ? number : R[K] };
