/** The linear regions of a rectifier network, counted exactly. */
import { ArgumentError } from "../index.js";
import { type AffineMap, composed, identity, rowsOf } from "./affine.js";
import { type Box, Polyhedron } from "./polyhedron.js";
import type { ReluNetwork } from "./relu-network.js";

/** A set of inputs with one activation pattern; on it the network is an affine map. */
export interface LinearRegion {
  /** Which units are on, for each hidden layer. */
  readonly pattern: readonly (readonly boolean[])[];
  /** The affine map that the network is here. */
  readonly map: AffineMap;
  /** Convex polyhedra that make up the region: one in a box, one for each orthant it meets in the whole space. */
  readonly parts: readonly Polyhedron[];
}

/** A part of the input space: the units that are on so far, and the values of the current layer there. */
interface Cell {
  readonly part: Polyhedron;
  readonly pattern: readonly (readonly boolean[])[];
  readonly values: AffineMap;
}

/** Cells of one layer from a cell of the one before: every unit's hyperplane cuts what is there. */
function throughRectifier({ part, pattern, values }: Cell, inputs: number): Cell[] {
  let cells: { part: Polyhedron; on: boolean[] }[] = [{ part, on: [] }];
  for (const unit of rowsOf(values))
    cells = cells.flatMap((cell) => {
      const { above, below } = cell.part.cut(unit);
      return [
        ...(below ? [{ part: below, on: [...cell.on, false] }] : []),
        ...(above ? [{ part: above, on: [...cell.on, true] }] : []),
      ];
    });
  const off = { weight: Array.from({ length: inputs }, () => 0), bias: 0 };
  return cells.map(({ part, on }) => ({
    part,
    pattern: [...pattern, on],
    values: {
      weight: values.weight.map((row, i) => (on[i] ? row : off.weight)),
      bias: values.bias.map((b, i) => (on[i] ? b : off.bias)),
    },
  }));
}

/**
 * Every activation region with inner points, of the whole input space or of a box. Not sampled: each unit's hyperplane
 * cuts the polyhedra that are there. The work grows with the regions and steeply with the input dimension (at most 8).
 */
export function linearRegions(network: ReluNetwork, options: { readonly within?: Box } = {}): LinearRegion[] {
  const n = network.inputs;
  if (n > 8)
    throw new ArgumentError(
      `linearRegions: the input must have at most 8 dimensions, got ${n}. restrict it to a plane`,
    );
  if (options.within && options.within.low.length !== n)
    throw new ArgumentError(
      `linearRegions: the box must have ${n} dimensions, got ${options.within.low.length}. give a bound for each input`,
    );
  const starts = options.within ? [Polyhedron.box(options.within)] : Polyhedron.orthants(n);
  let cells: Cell[] = starts.map((part) => ({ part, pattern: [], values: identity(n) }));
  network.maps().forEach((map, layer) => {
    if (layer > 0) cells = cells.flatMap((cell) => throughRectifier(cell, n));
    cells = cells.map((cell) => ({ ...cell, values: composed(map, cell.values, n) }));
  });
  const regions = new Map<string, { pattern: Cell["pattern"]; map: AffineMap; parts: Polyhedron[] }>();
  for (const { part, pattern, values } of cells) {
    const key = pattern.map((on) => on.map(Number).join("")).join(" ");
    const known = regions.get(key);
    if (known) known.parts.push(part);
    else regions.set(key, { pattern, map: values, parts: [part] });
  }
  return [...regions.values()];
}

/** C(n, k). */
export const binomial = (n: number, k: number): number => {
  let value = 1;
  for (let i = 0; i < k; i++) value = (value * (n - i)) / (i + 1);
  return Math.round(value);
};

/** Regions into which m hyperplanes in general position cut n dimensions: `Σ_{i ≤ min(m, n)} C(m, i)` (Zaslavsky 1975). */
export function zaslavsky(m: number, n: number): number {
  let sum = 0;
  for (let i = 0; i <= Math.min(m, n); i++) sum += binomial(m, i);
  return sum;
}

/**
 * Regions that some network with n inputs and these hidden widths has at least:
 * `∏_{l < L} ⌊m_l / n⌋ⁿ · Σ_{i ≤ n} C(m_L, i)` (Montúfar, Pascanu, Cho and Bengio 2014, theorem 4).
 */
export function montufar(n: number, widths: readonly number[]): number {
  if (widths.length === 0 || widths.some((m) => m < n))
    throw new ArgumentError(
      `montufar: every width must be at least the ${n} inputs, got [${widths}]. widen the layers`,
    );
  const folds = widths.slice(0, -1).reduce((product, m) => product * Math.floor(m / n) ** n, 1);
  return folds * zaslavsky(widths[widths.length - 1], n);
}
