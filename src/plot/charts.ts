/** Charts with two continuous or counted axes. Every function turns data into an SVG string. */
import * as Plot from "@observablehq/plot";
import { ArgumentError, shown } from "../util/errors.js";
import { dots, indices, keysOf, plane, render, sameLength } from "./render.js";
import type { ChartOptions, Points } from "./options.js";
import { colour, grid, ink, muted, surface, textWidth } from "./style.js";

/** A curve; with `low` and `high` (as long as `y`) there is a band around it. Values that are not finite leave a gap. */
export interface Series {
  readonly name?: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly low?: readonly number[];
  readonly high?: readonly number[];
  readonly dashed?: boolean;
}

function band({ x, low, high }: Series, fill: string): Plot.Markish[] {
  if (!low || !high) return [];
  return [
    Plot.areaY(indices(x), {
      x: (i: number) => x[i],
      y1: (i: number) => low[i],
      y2: (i: number) => high[i],
      fill,
      fillOpacity: 0.16,
    }),
  ];
}

/** A line chart. Curves of at most 30 points show the points too. */
export function lines(series: readonly Series[], options: ChartOptions = {}): string {
  series.forEach(({ x, y, low, high }) => sameLength("lines", { x, y, low, high }));
  const curves = series.flatMap((one, i): Plot.Markish[] => {
    const stroke = colour(i);
    const at = { x: (k: number) => one.x[k], y: (k: number) => one.y[k] };
    const dash = one.dashed ? { strokeDasharray: "5 4" } : {};
    return [
      ...band(one, stroke),
      Plot.line(indices(one.x), { ...at, stroke, strokeWidth: 2, ...dash }),
      ...(one.x.length <= 30 ? [Plot.dot(indices(one.x), { ...at, r: 3, fill: stroke, stroke: surface })] : []),
    ];
  });
  const ys = series.flatMap((s) => [...s.y, ...(s.low ?? []), ...(s.high ?? [])]);
  const { marks, plot } = plane(
    options,
    series.flatMap((s) => s.x),
    ys,
    true,
  );
  const keys = keysOf(series, "line").map((key) => ({
    ...key,
    shape: series.some((s) => s.name === key.name && s.dashed) ? ("dashed" as const) : key.shape,
  }));
  return render(options, { marks: [...marks, ...curves], keys, plot });
}

/** A scatter plot of one or more clouds, each in its colour. */
export function scatter(groups: readonly Points[], options: ChartOptions & { readonly radius?: number } = {}): string {
  groups.forEach(({ x, y }) => sameLength("scatter", { x, y }));
  const { marks, plot } = plane(
    options,
    groups.flatMap((g) => g.x),
    groups.flatMap((g) => g.y),
  );
  return render(options, {
    marks: [Plot.gridX({ stroke: grid, strokeOpacity: 1, ticks: 8 }), ...marks, ...dots(groups, options.radius ?? 3.5)],
    keys: keysOf(groups, "dot"),
    plot,
  });
}

/** A named value. */
export interface Bar {
  readonly name: string;
  readonly value: number;
}

/** Horizontal bars, in the order given, each with its value at the end. */
export function bars(
  rows: readonly Bar[],
  options: ChartOptions & { readonly format?: (value: number) => string } = {},
): string {
  if (rows.length === 0) throw new ArgumentError("bars: there must be at least one bar, got none. check the data");
  const { format = (v: number) => `${Number(v.toPrecision(4))}` } = options;
  const widest = Math.max(...rows.map((row) => textWidth(row.name)));
  const at = { y: (_: Bar, i: number) => i, x: (row: Bar) => row.value };
  const label = { ...at, text: (row: Bar) => format(row.value), fill: ink };
  const signed = rows.some((row) => row.value < 0);
  return render(
    {
      ...options,
      height: options.height ?? (options.title ? 34 : 14) + rows.length * 26 + (options.x?.label ? 40 : 6),
    },
    {
      marks: [
        Plot.barX(rows, { ...at, fill: colour(0), insetTop: 3, insetBottom: 3, rx: 2 }),
        Plot.ruleX([0], { stroke: muted }),
        Plot.axisY({ color: ink, tickSize: 0, label: null, tickFormat: (i: number) => rows[i].name }),
        Plot.text(rows, { ...label, filter: (row: Bar) => row.value >= 0, textAnchor: "start", dx: 6 }),
        Plot.text(rows, { ...label, filter: (row: Bar) => row.value < 0, textAnchor: "end", dx: -6 }),
        Plot.axisX({
          color: muted,
          ticks: 0,
          tickSize: 0,
          label: options.x?.label ?? null,
          labelArrow: "none",
          labelAnchor: "center",
        }),
      ],
      plot: {
        // Values stand beside the ends of the bars: room for them on both sides where bars go both ways.
        x: {
          label: null,
          ...(options.x?.domain ? { domain: [...options.x.domain] } : { zero: true }),
          insetLeft: signed ? 64 : 0,
        },
        y: { type: "band", label: null, padding: 0 },
        marginLeft: widest + 14,
        marginRight: 64,
        marginBottom: options.x?.label ? 36 : 6,
      },
    },
  );
}

/** Counts of `values` in `bins` intervals of equal width between their least and greatest; the last includes its end. */
export function binCounts(values: ArrayLike<number>, bins: number): { from: number; to: number; count: number }[] {
  if (!Number.isInteger(bins) || bins < 1)
    throw new ArgumentError(`histogram: bins must be a positive integer, got ${shown(bins)}. 20 is usual`);
  const finite = Array.from(values).filter(Number.isFinite);
  if (finite.length === 0)
    throw new ArgumentError("histogram: there must be at least one finite value, got none. check the data");
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  const [start, width] = low === high ? [low - 0.5, 1 / bins] : [low, (high - low) / bins];
  const counts = new Array<number>(bins).fill(0);
  for (const v of finite) counts[Math.min(bins - 1, Math.floor((v - start) / width))]++;
  return counts.map((count, i) => ({ from: start + i * width, to: start + (i + 1) * width, count }));
}

/** A histogram; by default with about as many bins as the square root of the count, at most 60. */
export function histogram(values: ArrayLike<number>, options: ChartOptions & { readonly bins?: number } = {}): string {
  const bins = binCounts(values, options.bins ?? Math.max(1, Math.min(60, Math.ceil(Math.sqrt(values.length)))));
  type Bin = (typeof bins)[number];
  const box = { x1: (b: Bin) => b.from, x2: (b: Bin) => b.to, y1: 0, y2: (b: Bin) => b.count };
  const { marks, plot } = plane(
    options,
    bins.flatMap((b) => [b.from, b.to]),
    [0, ...bins.map((b) => b.count)],
  );
  return render(options, {
    marks: [...marks, Plot.rect(bins, { ...box, fill: colour(0), inset: 0.5 }), Plot.ruleY([0], { stroke: muted })],
    plot,
  });
}
