/** From Plot marks to an SVG string that stands alone, with the title and the legend inside. */
import * as Plot from "@observablehq/plot";
import { ArgumentError } from "../util/errors.js";
import type { AxisOptions, ChartOptions, Points } from "./options.js";
import { colour, font, fontSize, grid, ink, muted, surface, textWidth } from "./style.js";

/** The page's own document in a browser, a small one elsewhere. */
const page: Document =
  globalThis.document ?? (await import("linkedom")).parseHTML("<html><body></body></html>").document;

/** An entry of the legend. */
export interface Key {
  readonly name: string;
  readonly colour: string;
  readonly shape: "line" | "dashed" | "dot" | "box";
}

/** What `render` draws. */
export interface Layout {
  readonly marks: Plot.Markish[];
  /** Entries of the legend. */
  readonly keys?: readonly Key[];
  /** More Plot options: scales, margins. */
  readonly plot?: Plot.PlotOptions;
}

const namespace = "http://www.w3.org/2000/svg";
const titleHeight = 24;
const legendHeight = 22;

/** An SVG element. */
export function element(name: string, attributes: Readonly<Record<string, string | number>>, text = ""): SVGElement {
  const made = page.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, `${value}`);
  if (text) made.textContent = text;
  return made;
}

/** Fails unless the lists are equally long. */
export function sameLength(op: string, lists: Readonly<Record<string, ArrayLike<unknown> | undefined>>): void {
  const lengths = Object.entries(lists).flatMap(([name, list]) => (list ? [`${list.length} ${name}`] : []));
  if (new Set(lengths.map((text) => parseInt(text, 10))).size > 1)
    throw new ArgumentError(`${op}: lists must be equally long, got ${lengths.join(" and ")}. cut the longer one`);
}

function keySymbol(key: Key, x: number, y: number): SVGElement {
  if (key.shape === "dot") return element("circle", { cx: x + 7, cy: y, r: 4, fill: key.colour });
  if (key.shape === "box")
    return element("rect", { x: x + 1, y: y - 6, width: 12, height: 12, rx: 2, fill: key.colour });
  const stroke = { stroke: key.colour, "stroke-width": 2.5, "stroke-linecap": "round" };
  const dash: Record<string, string> = key.shape === "dashed" ? { "stroke-dasharray": "4 4" } : {};
  return element("line", { x1: x, x2: x + 14, y1: y, y2: y, ...stroke, ...dash });
}

/** A mark that draws the legend as one row that starts at `(left, y)`. */
function legend(keys: readonly Key[], left: number, y: number): Plot.Markish {
  return () => {
    const group = element("g", { "aria-label": "legend", "text-anchor": "start" });
    let x = left;
    for (const key of keys) {
      group.append(keySymbol(key, x, y), element("text", { x: x + 20, y, dy: "0.35em", fill: ink }, key.name));
      x += 20 + textWidth(key.name) + 18;
    }
    return group;
  };
}

/** A mark that writes at a place of the picture, not of the scales. */
const note =
  (text: string, x: number, y: number, look: Readonly<Record<string, string | number>>): Plot.Markish =>
  () =>
    element("text", { x, y, "text-anchor": "start", ...look }, text);

/** Draws marks with the common look: no frame, hairline grid, quiet axes, title and legend above. */
export function render(options: ChartOptions, { marks, keys = [], plot = {} }: Layout): string {
  const { title, width = 640, height = 320 } = options;
  const top = (title ? titleHeight : 0) + (keys.length > 0 ? legendHeight : 0);
  const drawn = Plot.plot({
    document: page,
    className: "tg-plot",
    width,
    height,
    marginTop: top + (options.y?.label ? 26 : 10),
    marginRight: 16,
    style: { fontFamily: font, fontSize: `${fontSize}px`, background: surface, color: ink },
    ...plot,
    marks: [
      ...marks,
      ...(title ? [note(title, 2, 14, { "font-size": 14, "font-weight": 600, fill: ink })] : []),
      ...(options.y?.label ? [note(options.y.label, 2, top + 13, { fill: muted })] : []),
      ...(keys.length > 0 ? [legend(keys, 2, (title ? titleHeight : 0) + 9)] : []),
    ],
  });
  drawn.setAttribute("xmlns", namespace);
  drawn.setAttribute("role", "img");
  if (title) drawn.setAttribute("aria-label", title);
  return drawn.outerHTML;
}

/** Least and greatest of the finite values; a little around the value where there is only one. */
function extent(values: readonly number[]): [number, number] {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  const room = Math.abs(low) / 2 || 0.5;
  return low < high ? [low, high] : [low - room, low + room];
}

/** A number of few characters, so that it has room beside an axis: 0.001, 200, 1e-4. */
function shortNumber(value: number): string {
  const [plain, power] = [String(Number(value.toPrecision(6))), value.toExponential().replace("+", "")];
  return plain.length > 5 && power.length < plain.length ? power : plain;
}

/** Tick positions or their count, and how they read: whole values get whole ticks, a log axis powers of ten. */
function ticksOf(axis: AxisOptions, values: readonly number[], count: number): Plot.ScaleOptions & Plot.AxisOptions {
  const [low, high] = axis.domain ?? extent(values);
  const format = axis.format ? { tickFormat: axis.format } : {};
  if (axis.log) {
    const first = Math.ceil(Math.log10(low));
    const all = Math.floor(Math.log10(high)) - first + 1;
    const every = Math.ceil(all / (2 * count));
    const powers = Array.from({ length: Math.ceil(all / every) }, (_, k) => Number(`1e${first + k * every}`));
    return { ticks: powers.length > 1 ? powers : count, tickFormat: shortNumber, ...format };
  }
  if (values.length > 0 && values.every(Number.isInteger) && high > low)
    return { ticks: Math.max(1, Math.min(Math.round(high - low), count)), ...format };
  return { ticks: count, ...format };
}

const scaleOf = (axis: AxisOptions, values: readonly number[], nice: boolean): Plot.ScaleOptions => ({
  domain: [...(axis.domain ?? extent(values))],
  type: axis.log ? "log" : "linear",
  nice: nice && !axis.log && !axis.domain,
  label: null,
});

/** Two continuous scales with their axes and hairlines, for data at `xs` and `ys`; the vertical axis is named above. */
export function plane(options: ChartOptions, xs: readonly number[], ys: readonly number[], tight = false): Layout {
  const { x = {}, y = {} } = options;
  const look = { color: muted, tickSize: 0, labelArrow: "none" } as const;
  const across = ticksOf(x, xs, 8);
  const up = ticksOf(y, ys, 5);
  return {
    marks: [
      Plot.gridY({ stroke: grid, strokeOpacity: 1, ticks: up.ticks }),
      Plot.axisX({ ...look, ...across, label: x.label ?? null, labelAnchor: "center", labelOffset: 34 }),
      Plot.axisY({ ...look, ...up, label: null }),
    ],
    plot: {
      x: scaleOf(x, xs, !tight),
      y: scaleOf(y, ys, true),
      marginLeft: 52,
      marginBottom: x.label ? 44 : 30,
    },
  };
}

/** A key for every series that has a name. */
export const keysOf = (series: readonly { readonly name?: string }[], shape: Key["shape"]): Key[] =>
  series.flatMap(({ name }, i) => (name ? [{ name, colour: colour(i), shape }] : []));

/** The positions in a list. */
export const indices = (list: ArrayLike<unknown>): number[] => Array.from({ length: list.length }, (_, i) => i);

/** The marks of point clouds, also for charts that put them over something else. */
export const dots = (groups: readonly Points[], r: number): Plot.Markish[] =>
  groups.flatMap(({ x, y, isPath = false }, i): Plot.Markish[] => {
    const at = { x: (k: number) => x[k], y: (k: number) => y[k] };
    const shown = isPath ? indices(x).slice(-1) : indices(x);
    const look = { r, fill: colour(i), fillOpacity: isPath ? 1 : 0.85, stroke: surface, strokeWidth: 0.75 };
    return [
      ...(isPath ? [Plot.line(indices(x), { ...at, stroke: colour(i), strokeWidth: 1.8 })] : []),
      Plot.dot(shown, { ...at, ...look }),
    ];
  });
