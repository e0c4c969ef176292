/** Numbers that stand for one number for each spatial axis. */
import { ArgumentError, type Shape, ShapeError, type Tensor, shown } from "../index.js";

/** The same for every spatial axis, or one for each. */
export type PerAxis = number | readonly number[];

const atLeast = (least: number): string => (least === -Infinity ? "" : ` of at least ${least}`);

/** Throws unless all of these are positive integers. */
export function checkCounts(name: string, what: string, counts: readonly number[]): void {
  if (counts.some((n) => !Number.isInteger(n) || n < 1))
    throw new ArgumentError(
      `${name}: ${what} must be positive integers, got ${counts.map(shown).join(" and ")}. count them`,
    );
}

const isList = (value: PerAxis): value is readonly number[] => Array.isArray(value);

/** One integer of at least `least` for each of `rank` axes. */
export function perAxis(name: string, what: string, value: PerAxis, rank: number, least = 1): number[] {
  const list = isList(value) ? [...value] : new Array<number>(rank).fill(value);
  if (list.length !== rank || list.some((n) => !Number.isInteger(n) || n < least))
    throw new ArgumentError(
      `${name}: ${what} must be an integer${atLeast(least)}, or ${rank} of them, got ${JSON.stringify(value) ?? "none"}. round it or raise it`,
    );
  return list;
}

/** How much lies before and after each axis. */
export type Pairs = readonly (readonly [before: number, after: number])[];

/** Whether these are pairs, or nothing. */
export const isPairs = (value: PerAxis | Pairs): value is Pairs =>
  Array.isArray(value) && value.every((v) => Array.isArray(v));

/** A number on both sides of every axis, a number for each axis, or a pair for each; integers of at least `least`. */
export function pairsPerAxis(name: string, value: PerAxis | Pairs, rank: number, least = 0): Pairs {
  if (!isPairs(value))
    return perAxis(name, "padding other than pairs [before, after]", value, rank, least).map((n) => [n, n]);
  if (value.length !== rank || value.some((p) => p.length !== 2 || p.some((n) => !Number.isInteger(n) || n < least)))
    throw new ArgumentError(
      `${name}: padding must be ${rank} pairs [before, after] of integers${atLeast(least)}, got ${JSON.stringify(value)}. give one pair for each spatial axis`,
    );
  return value;
}

/** Lengths of the spatial axes of `[N, C, …]`, of which there must be `rank`. */
export function spatialShape(name: string, x: Tensor, rank: number): Shape {
  if (x.shape.length !== rank + 2)
    throw new ShapeError(
      `${name}: the input must have ${rank + 2} axes [N, C, ${["length", "height, width", "depth, height, width"][rank - 1]}], got ${x.describe()}. add the missing axes with reshape`,
    );
  return x.shape.slice(2);
}

/** Throws unless axis 1 has the channels a layer was made for. */
export function checkChannels(name: string, x: Tensor, channels: number): void {
  const got = x.shape[1];
  if (x.rank >= 2 && got === channels) return;
  const remedy =
    x.rank < 2
      ? "add the missing axes with reshape"
      : x.shape.at(-1) === channels
        ? "channels belong behind the batch: x.moveAxis(-1, 1)"
        : `make the layer for ${got} channels, or give it others`;
  throw new ShapeError(
    `${name}: axis 1 must have ${channels} channel${channels === 1 ? "" : "s"}, got ${x.rank < 2 ? "" : `${got} in `}${x.describe()}. ${remedy}`,
  );
}

/** Throws unless the input is `[N, channels, …]` with `rank` spatial axes, as a layer was made for. */
export function checkInput(name: string, x: Tensor, rank: number, channels: number): void {
  spatialShape(name, x, rank);
  checkChannels(name, x, channels);
}

/** Throws unless windows that span so many elements fit into axes of these lengths, padding included. */
export function checkFits(name: string, x: Tensor, spans: readonly number[], lengths: readonly number[]): void {
  if (spans.some((span, i) => span > lengths[i]))
    throw new ShapeError(
      `${name}: a window must fit into what it slides over, got windows of [${spans.join(",")}] and lengths [${lengths.join(",")}] for ${x.describe()}. pad, or take smaller windows`,
    );
}

/** What a function makes for one, two and three spatial axes. */
export const forRanks = <T>(f: (rank: number) => T): readonly [T, T, T] => [f(1), f(2), f(3)];
