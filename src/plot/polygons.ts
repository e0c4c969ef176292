/** Filled shapes of the plane: cells, regions, polytopes. */
import * as Plot from "@observablehq/plot";
import { ArgumentError } from "../util/errors.js";
import type { ChartOptions, Points } from "./options.js";
import { dots, keysOf, plane, render } from "./render.js";
import { colour, surface } from "./style.js";

/** A polygon by its corners, in order around it. */
export interface Polygon {
  readonly corners: readonly (readonly [x: number, y: number])[];
  /** Which of the chart's colours it has; by its place in the list unless told. */
  readonly colour?: number;
}

/** Filled polygons, with point clouds on top. */
export function polygons(
  shapes: readonly Polygon[],
  options: ChartOptions & { readonly points?: readonly Points[] } = {},
): string {
  const bad = shapes.findIndex(({ corners }) => corners.length < 3 || !corners.flat().every(Number.isFinite));
  if (bad >= 0)
    throw new ArgumentError(
      `polygons: every polygon must have three finite corners or more, got ${shapes[bad].corners.length} in polygon ${bad}. leave it out`,
    );
  const { points = [] } = options;
  const filled = shapes.map(({ corners, colour: own }, i) =>
    Plot.line([...corners, corners[0]], {
      fill: colour((own ?? i) % 8),
      fillOpacity: 0.3 + 0.15 * (Math.floor((own ?? i) / 8) % 4),
      stroke: surface,
      strokeWidth: 1,
    }),
  );
  const all = shapes.flatMap(({ corners }) => corners);
  const { marks, plot } = plane(
    options,
    all.map(([x]) => x),
    all.map(([, y]) => y),
    true,
  );
  return render(options, {
    marks: [...marks, ...filled, ...dots(points, 3.5)],
    keys: keysOf(points, "dot"),
    plot: { ...plot, y: { ...plot?.y, nice: false } },
  });
}
