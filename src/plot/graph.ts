/** Directed graphs, laid out in layers. */
import { Graph, layout } from "@dagrejs/dagre";
import { ArgumentError } from "../util/errors.js";
import type { ChartOptions } from "./options.js";
import { element, render } from "./render.js";
import { colour, ink, muted, surface, textWidth } from "./style.js";

/** A node as it is drawn. */
export interface GraphBox {
  readonly id: number;
  /** What it is; the first line. */
  readonly label: string;
  /** More about it, smaller, in lines below. */
  readonly details?: readonly string[];
  /** Which of the chart's colours its frame has; a quiet one unless given. */
  readonly colour?: number | undefined;
  /** Drawn with a heavy frame. */
  readonly isStrong?: boolean;
  /** Drawn with no frame. */
  readonly isPlain?: boolean;
}

/** An arrow from one node to another. */
export interface GraphArrow {
  readonly from: number;
  readonly to: number;
  readonly label?: string;
  /** Drawn dashed in another colour, beside what goes forward, and left out of account when nodes are placed. */
  readonly isBack?: boolean;
}

/** What is drawn: `graphOf(f, x).drawing()` for a computation. */
export interface GraphDrawing {
  readonly boxes: readonly GraphBox[];
  readonly arrows: readonly GraphArrow[];
}

export interface GraphOptions extends Pick<ChartOptions, "title"> {
  /** Where the arrows go; up unless told. */
  readonly direction?: "up" | "down" | "right";
}

interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
type Point = { readonly x: number; readonly y: number };

const lineHeight = 15;
const linesOf = (box: GraphBox): readonly string[] => [box.label, ...(box.details ?? [])];

function checkGraph(boxes: readonly GraphBox[], arrows: readonly GraphArrow[]): void {
  if (boxes.length === 0) throw new ArgumentError("graph: there must be at least one node, got none. check the data");
  const known = new Set(boxes.map((b) => b.id));
  const lost = arrows.find((a) => !known.has(a.from) || !known.has(a.to));
  if (known.size < boxes.length || lost !== undefined)
    throw new ArgumentError(
      lost === undefined
        ? "graph: ids of nodes must differ, got one twice. number them"
        : `graph: arrows must join nodes there are, got ${lost.from} to ${lost.to}. add the node`,
    );
}

/** Where the nodes stand and how the arrows run, by dagre (Gansner et al. 1993). */
function place(boxes: readonly GraphBox[], arrows: readonly GraphArrow[], direction: "up" | "down" | "right") {
  const rankdir = { up: "BT", down: "TB", right: "LR" }[direction];
  const plan = new Graph({ multigraph: true });
  plan.setGraph({ rankdir, nodesep: 22, ranksep: 34, marginx: 6, marginy: 6 });
  for (const box of boxes) {
    const lines = linesOf(box);
    const width = Math.max(28, ...lines.map((line) => textWidth(line))) + 16;
    plan.setNode(`${box.id}`, { width, height: lines.length * lineHeight + 10 });
  }
  arrows.forEach((a, i) => {
    if (a.isBack) return;
    const label = a.label === undefined ? {} : { width: textWidth(a.label) + 8, height: lineHeight, labelpos: "c" };
    plan.setEdge(`${a.from}`, `${a.to}`, label, `${i}`);
  });
  layout(plan);
  const { width = 0, height = 0 } = plan.graph();
  return {
    width,
    height,
    box: (id: number): Placed => plan.node(`${id}`),
    path: ({ from, to }: GraphArrow, i: number): readonly Point[] => plan.edge(`${from}`, `${to}`, `${i}`).points,
  };
}

/** A smooth line through points: straight to the first middle, then curves from middle to middle. */
function smooth(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest[rest.length - 1];
  const curves = rest.slice(0, -1).map((p, i) => {
    const next = rest[i + 1];
    const end = i === rest.length - 2 ? last : { x: (p.x + next.x) / 2, y: (p.y + next.y) / 2 };
    return `Q${p.x},${p.y} ${end.x},${end.y}`;
  });
  return `M${first.x},${first.y}${curves.length > 0 ? curves.join("") : `L${last.x},${last.y}`}`;
}

/** A line with a head at its end, which points along the last piece. */
function arrow(points: readonly Point[], stroke: string, dash: string): SVGElement[] {
  const [before, tip] = points.slice(-2);
  const angle = (Math.atan2(tip.y - before.y, tip.x - before.x) * 180) / Math.PI;
  const line = { d: smooth(points), fill: "none", stroke, "stroke-width": 1.3, "stroke-dasharray": dash };
  const head = { d: "M0,0L-7,-3.2L-7,3.2Z", fill: stroke, transform: `translate(${tip.x},${tip.y}) rotate(${angle})` };
  return [element("path", line), element("path", head)];
}

/** The way back beside the way there: the same points in the other order, moved aside. */
function aside(points: readonly Point[]): Point[] {
  const [a, b] = [points[0], points[points.length - 1]];
  const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  const [dx, dy] = [(-(b.y - a.y) / length) * 7, ((b.x - a.x) / length) * 7];
  return points.toReversed().map((p) => ({ x: p.x + dx, y: p.y + dy }));
}

function drawBox(box: GraphBox, at: Placed): SVGElement[] {
  const stroke = box.colour === undefined ? muted : colour(box.colour);
  const corner = { x: at.x - at.width / 2, y: at.y - at.height / 2, width: at.width, height: at.height, rx: 6 };
  const frame = element("rect", { ...corner, fill: surface, stroke, "stroke-width": box.isStrong ? 2.5 : 1.2 });
  const tint = element("rect", { ...corner, fill: stroke, "fill-opacity": 0.08 });
  const lines = linesOf(box).map((line, i) =>
    element(
      "text",
      {
        x: at.x,
        y: corner.y + 5 + (i + 0.5) * lineHeight,
        dy: "0.35em",
        "text-anchor": "middle",
        fill: i === 0 ? ink : muted,
        "font-size": i === 0 ? 12 : 11,
        "font-weight": i === 0 ? 600 : 400,
      },
      line,
    ),
  );
  return box.isPlain ? [element("rect", { ...corner, fill: surface }), ...lines] : [frame, tint, ...lines];
}

/** Nodes and arrows in layers: computations, networks, dependencies. */
export function graph({ boxes, arrows }: GraphDrawing, options: GraphOptions = {}): string {
  checkGraph(boxes, arrows);
  const { title, direction = "up" } = options;
  const plan = place(boxes, arrows, direction);
  const top = title ? 26 : 0;
  const there = new Map<string, number>();
  for (const [i, a] of arrows.entries()) if (!a.isBack) there.set(`${a.from} ${a.to}`, i);
  const pathOf = (a: GraphArrow, i: number): readonly Point[] => {
    if (!a.isBack) return plan.path(a, i);
    const forward = there.get(`${a.to} ${a.from}`);
    if (forward === undefined) return [plan.box(a.from), plan.box(a.to)];
    return aside(plan.path({ from: a.to, to: a.from }, forward));
  };
  const draw = (): SVGElement => {
    const group = element("g", { "aria-label": "graph", transform: `translate(0,${top})` });
    arrows.forEach((a, i) => {
      const points = pathOf(a, i);
      group.append(...arrow(points, a.isBack ? colour(4) : muted, a.isBack ? "4 3" : "none"));
      if (a.label === undefined) return;
      const middle = points[Math.floor(points.length / 2)];
      const look = {
        "text-anchor": "middle",
        dy: "0.35em",
        fill: muted,
        "font-size": 11,
      };
      group.append(element("text", { x: middle.x, y: middle.y, ...look }, a.label));
    });
    for (const box of boxes) group.append(...drawBox(box, plan.box(box.id)));
    return group;
  };
  const width = Math.ceil(Math.max(plan.width, title ? textWidth(title) * 1.2 : 0)) + 4;
  return render({ title, width, height: Math.ceil(plan.height) + top + 4 }, { marks: [draw] });
}
