/** Charts of a plane: cells, level sets and tables of pictures. Every function turns data into an SVG string. */
import * as Plot from "@observablehq/plot";
import { ArgumentError } from "../util/errors.js";
import { dots, element, keysOf, plane, render, sameLength } from "./render.js";
import type { ChartOptions, Points } from "./options.js";
import { pngUri } from "./png.js";
import type { Picture } from "./png.js";
import { grid, ink, muted, negative, positive, surface, textWidth } from "./style.js";

/** Rows of equal length, at least one; `values[i][j]` stands in row `i` from the top. */
export type Matrix = readonly (readonly number[])[];

interface Cell {
  readonly row: number;
  readonly column: number;
  readonly fill: string;
  /** From 0 (the ground shows) to 1. */
  readonly strength: number;
  readonly text: string;
}

function checkMatrix(op: string, values: Matrix): void {
  if (values.length === 0 || values[0].length === 0)
    throw new ArgumentError(`${op}: there must be at least one cell, got none. check the data`);
  const odd = values.findIndex((row) => row.length !== values[0].length);
  if (odd > 0)
    throw new ArgumentError(
      `${op}: rows must be equally long, got ${values[0].length} and ${values[odd].length} values. pad them`,
    );
}

/** Names of rows and columns, and the axes' own names. */
export interface TableOptions extends Pick<ChartOptions, "title" | "width"> {
  readonly rows?: readonly string[];
  readonly columns?: readonly string[];
  readonly rowLabel?: string;
  readonly columnLabel?: string;
}

/** Cells in a hue whose strength is an opacity, so that they fit a light and a dark page; text where it is given. */
function table(op: string, cells: readonly Cell[], size: readonly [number, number], options: TableOptions): string {
  const [m, n] = size;
  const { rows = [], columns = [], rowLabel, columnLabel, width = 520, title } = options;
  sameLength(op, { "row names": rows.length ? rows : new Array(m), rows: new Array(m) });
  sameLength(op, { "column names": columns.length ? columns : new Array(n), columns: new Array(n) });
  const left = Math.max(8, ...rows.map((name) => textWidth(name) + 12)) + (rowLabel ? 20 : 0);
  const top = title ? 34 : 6;
  const side = (width - left - 10) / n;
  const widest = Math.max(0, ...columns.map((name) => textWidth(name)));
  // Names that are wider than their columns are turned to go down to the left.
  const turned = widest > side - 4;
  const below = turned ? 14 + widest * Math.SQRT1_2 : 22;
  const bottom = (columns.length ? below : 4) + (columnLabel ? 22 : 0);
  const at = { x: (c: Cell) => c.column, y: (c: Cell) => c.row };
  const gap = side >= 12 ? 1 : 0;
  const axis = { color: muted, tickSize: 0, labelArrow: "none", labelAnchor: "center" } as const;
  return render(
    { title, width, height: Math.round(top + bottom + Math.min(side, 64) * m) },
    {
      marks: [
        Plot.cell(cells, {
          ...at,
          fill: (c: Cell) => c.fill,
          fillOpacity: (c: Cell) => c.strength,
          inset: gap / 2,
          rx: gap * 2,
        }),
        Plot.text(cells, { ...at, text: (c: Cell) => c.text, fill: (c: Cell) => (c.strength > 0.55 ? surface : ink) }),
        Plot.axisX({
          ...axis,
          label: columnLabel ?? null,
          labelOffset: bottom - 4,
          ...(turned ? { tickRotate: -45, textAnchor: "end" } : {}),
          tickFormat: (i: number) => columns[i] ?? "",
        }),
        Plot.axisY({
          ...axis,
          label: rowLabel ?? null,
          labelOffset: left - 4,
          tickFormat: (i: number) => rows[i] ?? "",
        }),
      ],
      plot: {
        x: { type: "band", padding: 0 },
        y: { type: "band", padding: 0 },
        color: { type: "identity" },
        opacity: { type: "identity" },
        marginLeft: left,
        marginRight: 10,
        marginTop: top,
        marginBottom: bottom,
      },
    },
  );
}

const cellsOf = (
  values: Matrix,
  cell: (value: number, row: number, column: number) => Omit<Cell, "row" | "column">,
): Cell[] => values.flatMap((list, row) => list.map((value, column) => ({ row, column, ...cell(value, row, column) })));

/**
 * A matrix as coloured cells, one hue for what is above `middle` and another for what is below (0 unless given).
 * With `format`, each cell carries its value.
 */
export function heatmap(
  values: Matrix,
  options: TableOptions & { readonly middle?: number; readonly format?: (value: number) => string } = {},
): string {
  checkMatrix("heatmap", values);
  const { middle = 0, format } = options;
  const distance = (v: number): number => (Number.isFinite(v) ? Math.abs(v - middle) : 0);
  const most = values.flat().reduce((a, v) => Math.max(a, distance(v)), 0) || 1;
  const cells = cellsOf(values, (v) => ({
    fill: v < middle ? negative : positive,
    strength: distance(v) / most,
    text: format ? format(v) : "",
  }));
  return table("heatmap", cells, [values.length, values[0].length], options);
}

/** A confusion matrix: rows are true classes, columns predictions; a cell's strength is its share of the row. */
export function confusion(
  counts: Matrix,
  names: readonly string[],
  options: Pick<ChartOptions, "title" | "width"> = {},
): string {
  checkMatrix("confusion", counts);
  sameLength("confusion", { rows: counts, columns: counts[0], names });
  const totals = counts.map((row) => row.reduce((a, b) => a + b, 0));
  const cells = cellsOf(counts, (count, row, column) => {
    const share = totals[row] ? count / totals[row] : 0;
    // Errors are rare in a good model: the root lets one in a hundred be seen.
    const strength = row === column ? share : Math.sqrt(share);
    return { fill: row === column ? positive : negative, strength, text: count ? `${count}` : "" };
  });
  const labels = { rows: names, columns: names, rowLabel: "true", columnLabel: "predicted" };
  return table("confusion", cells, [counts.length, counts.length], { ...options, ...labels });
}

/** Values on a regular grid: `values[i][j]` stands at the `i`-th of equal steps from `y[0]` to `y[1]`, the `j`-th on `x`. */
export interface Field {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly values: Matrix;
}

/** Level sets of a field, `levels` of them, with point clouds on top: loss surfaces, densities, decision boundaries. */
export function contour(
  field: Field,
  options: ChartOptions & {
    readonly levels?: number;
    readonly middle?: number;
    readonly points?: readonly Points[];
  } = {},
): string {
  checkMatrix("contour", field.values);
  const { levels = 10, middle, points = [] } = options;
  const flat = field.values.flat();
  const low = flat.reduce((a, b) => Math.min(a, b));
  const high = flat.reduce((a, b) => Math.max(a, b));
  if (!(high > low))
    throw new ArgumentError(`contour: values must be finite and differ, got ${low} to ${high}. check the data`);
  const thresholds = Array.from({ length: levels }, (_, k) => low + ((high - low) * (k + 0.5)) / levels);
  const shape = { width: field.values[0].length, height: field.values.length };
  const place = { x1: field.x[0], x2: field.x[1], y1: field.y[0], y2: field.y[1] };
  // Level sets are nested, so one faint colour painted for each adds up to a scale.
  const shade = (side: number[], sign: 1 | -1, fill: string): Plot.Markish =>
    Plot.contour(
      flat.map((v) => sign * v),
      {
        ...shape,
        ...place,
        value: Plot.identity,
        thresholds: side.map((t) => sign * t),
        fill,
        fillOpacity: 1.1 / levels,
        stroke: surface,
        strokeOpacity: 0.5,
      },
    );
  const split = middle ?? -Infinity;
  const above = shade(
    thresholds.filter((t) => t >= split),
    1,
    positive,
  );
  const below = shade(
    thresholds.filter((t) => t < split),
    -1,
    negative,
  );
  const { marks, plot } = plane(options, field.x, field.y, true);
  return render(options, {
    marks: [...marks, above, below, ...dots(points, 3.5)],
    keys: keysOf(points, "dot"),
    plot: { ...plot, y: { ...plot?.y, nice: false } },
  });
}

/** A picture with up to a few words below it. */
export interface Captioned {
  readonly picture: Picture;
  readonly caption?: string;
}

/** A table of pictures, `columns` beside each other, each `side` pixels wide and as high as its shape asks. */
export function imageGrid(
  images: readonly Captioned[],
  options: { readonly title?: string; readonly columns?: number; readonly side?: number } = {},
): string {
  if (images.length === 0)
    throw new ArgumentError("imageGrid: there must be at least one picture, got none. check the data");
  const { title, side = 56 } = options;
  const columns = Math.min(options.columns ?? 10, images.length);
  const tall = Math.max(...images.map(({ picture }) => (side * picture.height) / picture.width));
  const step = { x: side + 10, y: tall + (images.some((i) => i.caption) ? 24 : 10) };
  const top = title ? 32 : 6;
  const draw: Plot.Markish = () => {
    const group = element("g", { "aria-label": "pictures", "text-anchor": "middle" });
    images.forEach(({ picture, caption }, i) => {
      const [x, y] = [6 + (i % columns) * step.x, top + Math.floor(i / columns) * step.y];
      const height = (side * picture.height) / picture.width;
      const box = { x, y, width: side, height };
      const image = element("image", {
        ...box,
        href: pngUri(picture),
        preserveAspectRatio: "none",
        style: "image-rendering:pixelated",
      });
      group.append(image, element("rect", { ...box, fill: "none", stroke: grid }));
      if (caption) group.append(element("text", { x: x + side / 2, y: y + height + 14, fill: ink }, caption));
    });
    return group;
  };
  const height = top + Math.ceil(images.length / columns) * step.y;
  return render({ title, width: 2 + columns * step.x, height }, { marks: [draw] });
}
