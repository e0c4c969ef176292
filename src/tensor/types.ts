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

/** Complex numbers as a tensor of real and one of imaginary parts. */
export interface Complex {
  readonly re: Tensor;
  readonly im: Tensor;
}

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

/** The shape of a matrix product, or a `Mismatch`. A vector is a row on the left and a column on the right. */
export type MatMul<A extends Shape, B extends Shape> = number extends A["length"]
  ? Shape
  : number extends B["length"]
    ? Shape
    : A extends readonly []
      ? Mismatch<"matmul: operands must have at least one axis">
      : B extends readonly []
        ? Mismatch<"matmul: operands must have at least one axis">
        : A extends readonly [infer K extends number]
          ? WithoutAxis<MatrixProduct<readonly [1, K], B>, B extends readonly [number] ? "both" : "row">
          : B extends readonly [infer K extends number]
            ? WithoutAxis<MatrixProduct<A, readonly [K, 1]>, "column">
            : MatrixProduct<A, B>;

type MatrixProduct<A extends Shape, B extends Shape> = A extends readonly [
  ...infer AB extends Shape,
  infer M extends number,
  infer K extends number,
]
  ? (B extends readonly [number] ? readonly [...B, 1] : B) extends readonly [
      ...infer BB extends Shape,
      infer K2 extends number,
      infer N extends number,
    ]
    ? [BroadcastDim<K, K2>] extends [never]
      ? Mismatch<`matmul: inner dimensions ${K} and ${K2} differ`>
      : Broadcast<AB, BB> extends infer P extends Shape
        ? readonly [...P, M, N]
        : Broadcast<AB, BB>
    : Shape
  : Shape;

/** A product without the axis that stood for a vector. */
type WithoutAxis<R, Which extends "row" | "column" | "both"> = R extends readonly [
  ...infer P extends Shape,
  infer M extends number,
  infer N extends number,
]
  ? readonly [...P, ...(Which extends "column" ? readonly [M] : Which extends "row" ? readonly [N] : readonly [])]
  : R;

/** `unknown` for a shape, so that it may be intersected with anything; the `Mismatch` itself otherwise. */
export type Fits<R> = R extends Mismatch<infer M> ? Mismatch<M> : unknown;
/** The shape of a result, `Shape` where it is a `Mismatch`. */
export type ShapeOf<R> = Extract<R, Shape>;

/** An operand that combines element by element with a tensor of shape `A`. */
export type Second<A extends Shape, O extends Operand> = O &
  (O extends Tensor<infer B extends Shape> ? Fits<Broadcast<A, B>> : unknown);
/** The result of combining them. */
export type BroadcastResult<A extends Shape, O extends Operand> = Tensor<
  O extends Tensor<infer B extends Shape> ? ShapeOf<Broadcast<A, B>> : A
>;

/** Whether a number is one literal, neither `number` nor a choice of several. */
type IsLiteral<N extends number, All = N> = number extends N
  ? false
  : N extends All
    ? [All] extends [N]
      ? true
      : false
    : false;

/** The non-negative place of an axis that may count from the end; `never` where it is not known or not there. */
type AxisIndex<S extends Shape, Axis extends number> =
  IsLiteral<Axis> extends true ? (`${Axis}` extends `-${infer N extends number}` ? FromEnd<S, N> : Axis) : never;
type FromEnd<S extends Shape, N extends number, Tail extends Shape = readonly []> = S extends readonly [
  ...infer Head extends Shape,
  infer Last extends number,
]
  ? (readonly [Last, ...Tail])["length"] extends N
    ? Head["length"]
    : FromEnd<Head, N, readonly [Last, ...Tail]>
  : never;

/** The length of an axis. */
type LengthAt<S extends Shape, Axis extends number> = [AxisIndex<S, Axis>] extends [never]
  ? number
  : S[AxisIndex<S, Axis>] extends infer N extends number
    ? N
    : number;

/** Axes a reduction goes over. */
export type Axes = number | readonly number[];

/** The places of several axes; `never` as soon as one is not known. */
type AxisIndices<
  S extends Shape,
  A extends readonly number[],
  Found extends number = never,
> = number extends A["length"]
  ? never
  : A extends readonly [infer H extends number, ...infer T extends readonly number[]]
    ? [AxisIndex<S, H>] extends [never]
      ? never
      : AxisIndices<S, T, Found | AxisIndex<S, H>>
    : Found;

/** The shape after the axes at places I became 1, or left. */
type Collapsed<
  S extends Shape,
  I extends number,
  Keep extends boolean,
  Seen extends Shape = readonly [],
  R extends Shape = readonly [],
> = S extends readonly [infer H extends number, ...infer T extends Shape]
  ? Collapsed<
      T,
      I,
      Keep,
      readonly [...Seen, H],
      Seen["length"] extends I ? (Keep extends true ? readonly [...R, 1] : R) : readonly [...R, H]
    >
  : R;

type CollapsedOr<S extends Shape, I extends number, Keep extends boolean> = [I] extends [never]
  ? Shape
  : Collapsed<S, I, Keep>;

/** The shape after reducing over all axes, when none are named, or over those named by literals. */
export type Reduced<S extends Shape, A extends Axes | undefined, Keep extends boolean> = [A] extends [undefined]
  ? Keep extends true
    ? number extends S["length"]
      ? Shape
      : { readonly [K in keyof S]: 1 }
    : readonly []
  : number extends S["length"]
    ? Shape
    : [A] extends [number]
      ? CollapsedOr<S, AxisIndex<S, A>, Keep>
      : [A] extends [readonly []]
        ? S
        : [A] extends [readonly number[]]
          ? CollapsedOr<S, AxisIndices<S, A>, Keep>
          : Shape;

/** The shape with its axes in another order; reversed when no order is named. */
export type Permuted<S extends Shape, P extends readonly number[] | undefined> = number extends S["length"]
  ? Shape
  : [P] extends [undefined]
    ? Reversed<S>
    : [P] extends [readonly number[]]
      ? number extends P["length"]
        ? Shape
        : { readonly [K in keyof P]: LengthAt<S, Extract<P[K], number>> }
      : Shape;

/** The shape with two axes in each other's place. */
export type Swapped<S extends Shape, A extends number, B extends number> = number extends S["length"]
  ? Shape
  : [AxisIndex<S, A>] extends [never]
    ? Shape
    : [AxisIndex<S, B>] extends [never]
      ? Shape
      : {
          readonly [K in keyof S]: K extends `${AxisIndex<S, A>}`
            ? LengthAt<S, B>
            : K extends `${AxisIndex<S, B>}`
              ? LengthAt<S, A>
              : S[K];
        };

/** The shape with an axis of length 1 at a place. */
export type Expanded<S extends Shape, Axis extends number> = number extends S["length"]
  ? Shape
  : [AxisIndex<readonly [...S, 1], Axis>] extends [never]
    ? Shape
    : InsertedAt<S, AxisIndex<readonly [...S, 1], Axis>>;
type InsertedAt<S extends Shape, I extends number, Head extends Shape = readonly []> = Head["length"] extends I
  ? readonly [...Head, 1, ...S]
  : S extends readonly [infer H extends number, ...infer T extends Shape]
    ? InsertedAt<T, I, readonly [...Head, H]>
    : Shape;

/** A requested shape, in which -1 is worked out. */
export type Reshaped<R extends Shape> = { readonly [K in keyof R]: `${R[K]}` extends `-${string}` ? number : R[K] };
