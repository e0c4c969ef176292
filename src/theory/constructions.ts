/** Rectifier networks with known properties: folds with as many regions as depth allows, and the largest of k numbers. */
import { ArgumentError } from "../index.js";
import { type AffineFunction, type AffineMap, combined, composed, coordinate, fromRows, identity } from "./affine.js";
import { binomial } from "./regions.js";
import { ReluNetwork } from "./relu-network.js";

/**
 * The map of layer-by-layer networks: what rectified units must be computed from the values at hand, and how the next
 * values are summed from them.
 */
interface Stage {
  readonly units: AffineMap;
  readonly sums: AffineMap;
}

/** The network that applies stages one after the other, then `last`; sums of one stage are merged into the units of the next. */
function networkOf(stages: readonly Stage[], last: AffineMap, inputs: number): ReluNetwork {
  let width = inputs;
  let pending = identity(inputs);
  const maps = stages.map(({ units, sums }) => {
    const map = composed(units, pending, width);
    width = units.bias.length;
    pending = sums;
    return map;
  });
  return ReluNetwork.of([...maps, composed(last, pending, width)], inputs);
}

const withBias = (f: AffineFunction, bias: number): AffineFunction => ({ ...f, bias });

/** Folds each of n coordinates from [0, 1] onto itself `teeth` times: (px)₊ - (2px - 2)₊ + (2px - 4)₊ - …, on n · p units. */
function fold(n: number, teeth: number): Stage {
  const units: AffineFunction[] = [];
  const sums: AffineFunction[] = [];
  for (let i = 0; i < n; i++) {
    const terms: [number, AffineFunction][] = [];
    for (let j = 0; j < teeth; j++) {
      terms.push([j % 2 ? -1 : 1, coordinate(n * teeth, units.length)]);
      units.push(j === 0 ? coordinate(n, i, teeth) : withBias(coordinate(n, i, 2 * teeth), -2 * j));
    }
    sums.push(combined(terms, n * teeth));
  }
  return { units: fromRows(units), sums: fromRows(sums) };
}

/** The tent map `1 - |2x - 1|` of [0, 1], composed `depth` times: 2^depth linear pieces from 2 units a layer (Telgarsky 2016). */
export function sawtooth(depth: number): ReluNetwork {
  return networkOf(
    Array.from({ length: depth }, () => fold(1, 2)),
    identity(1),
    1,
  );
}

/**
 * A network with n inputs, these hidden widths and one output that has at least `montufar(n, widths)` linear regions in the
 * unit box: all layers but the last fold it onto itself, the last cuts every copy by hyperplanes in general position.
 */
export function foldingNetwork(n: number, widths: readonly number[]): ReluNetwork {
  if (widths.length === 0 || widths.some((m) => m < n))
    throw new ArgumentError(
      `foldingNetwork: every width must be at least the ${n} inputs, got [${widths}]. widen the layers`,
    );
  const m = widths[widths.length - 1];
  // Normals on the moment curve: any n are independent, and no n + 1 of the hyperplanes share a point. Where n of them meet
  // has the elementary symmetric functions of their t as coordinates, so that all they cut lies within 0.4 of the centre.
  const reach = 0.4 / binomial(n, Math.floor(n / 2));
  const cuts = Array.from({ length: m }, (_, i) => {
    const t = (2 * i + 1) / m - 1;
    const weight = Array.from({ length: n }, (_, j) => t ** j);
    const offset = reach * t ** n;
    return { weight, bias: offset - 0.5 * weight.reduce((a, b) => a + b, 0) };
  });
  const last: Stage = { units: fromRows(cuts), sums: identity(m) };
  const output = fromRows([{ weight: Array.from({ length: m }, (_, i) => i + 1), bias: 0 }]);
  return networkOf([...widths.slice(0, -1).map((width) => fold(n, Math.floor(width / n))), last], output, n);
}

/** Halves a list of values: max(a, b) = (a - b)₊ + b₊ - (-b)₊ for every pair; one left over is carried as a₊ - (-a)₊. */
function halving(count: number): Stage {
  const units: AffineFunction[] = [];
  const sums: [number, number][][] = [];
  const add = (f: AffineFunction): number => units.push(f) - 1;
  for (let i = 0; i < count; i += 2) {
    const kept = i + 1 < count ? i + 1 : i;
    const terms: [number, number][] = [
      [1, add(coordinate(count, kept))],
      [-1, add(coordinate(count, kept, -1))],
    ];
    if (kept !== i)
      terms.push([
        1,
        add(
          combined(
            [
              [1, coordinate(count, i)],
              [-1, coordinate(count, kept)],
            ],
            count,
          ),
        ),
      ]);
    sums.push(terms);
  }
  const width = units.length;
  return {
    units: fromRows(units),
    sums: fromRows(
      sums.map((terms) =>
        combined(
          terms.map(([factor, i]) => [factor, coordinate(width, i)]),
          width,
        ),
      ),
    ),
  };
}

/** Carries values unchanged: a = a₊ - (-a)₊. */
function carrying(count: number): Stage {
  const units = Array.from({ length: count }, (_, i) => [coordinate(count, i), coordinate(count, i, -1)]).flat();
  const sums = Array.from({ length: count }, (_, i) =>
    combined(
      [
        [1, coordinate(2 * count, 2 * i)],
        [-1, coordinate(2 * count, 2 * i + 1)],
      ],
      2 * count,
    ),
  );
  return { units: fromRows(units), sums: fromRows(sums) };
}

/** How often k values are halved until one is left. */
const halvings = (k: number): number => Math.ceil(Math.log2(k));

/** Stages that run side by side on disjoint values. */
function beside(a: Stage, b: Stage): Stage {
  const join = (x: AffineMap, y: AffineMap): AffineMap => {
    const [left, right] = [x.weight[0].length, y.weight[0].length];
    return {
      weight: [
        ...x.weight.map((row) => [...row, ...Array.from({ length: right }, () => 0)]),
        ...y.weight.map((row) => [...Array.from({ length: left }, () => 0), ...row]),
      ],
      bias: [...x.bias, ...y.bias],
    };
  };
  return { units: join(a.units, b.units), sums: join(a.sums, b.sums) };
}

/** Stages that reduce `count` values to their largest in `depth` steps. */
function maxStages(count: number, depth: number): Stage[] {
  const stages: Stage[] = [];
  for (let left = count; stages.length < depth; left = Math.ceil(left / 2))
    stages.push(left > 1 ? halving(left) : carrying(1));
  return stages;
}

/** `x → maxᵢ fᵢ(x) - maxⱼ gⱼ(x)` as a rectifier network of depth ⌈log₂ k⌉, k the longer list; without gs, `maxᵢ fᵢ(x)`. */
export function maximumNetwork(
  positive: readonly AffineFunction[],
  negative: readonly AffineFunction[] = [],
): ReluNetwork {
  if (positive.length === 0)
    throw new ArgumentError("maximumNetwork: there must be a function to take the largest of, got none. give some");
  const inputs = positive[0].weight.length;
  const depth = halvings(Math.max(positive.length, negative.length));
  const first: AffineMap = fromRows([...positive, ...negative]);
  const up = maxStages(positive.length, depth);
  const down = negative.length ? maxStages(negative.length, depth) : [];
  const stages = up.map((stage, i) => (down.length ? beside(stage, down[i]) : stage));
  const last = fromRows([{ weight: negative.length ? [1, -1] : [1], bias: 0 }]);
  if (stages.length === 0) return ReluNetwork.of([composed(last, first, inputs)], inputs);
  const [head, ...rest] = stages;
  return networkOf([{ units: composed(head.units, first, inputs), sums: head.sums }, ...rest], last, inputs);
}

/** The largest of k inputs, by ⌈log₂ k⌉ hidden layers (Arora, Basu, Mianjy and Mukherjee 2018). */
export const maxTree = (k: number): ReluNetwork =>
  maximumNetwork(Array.from({ length: k }, (_, i) => coordinate(k, i)));
