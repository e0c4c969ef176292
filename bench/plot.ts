/** How far ahead we are, as a picture: a line for each workload, a mark for each peer, a factor on a logarithmic axis. */
import * as Plot from "@observablehq/plot";
import { render } from "#src/plot/render.js";
import { colour, grid, ink, muted, surface, textWidth } from "#src/plot/style.js";
import type { Row } from "./results.js";
import { contestants } from "./runner.js";

interface Mark {
  readonly workload: string;
  readonly device: string;
  readonly peer: string;
  readonly ratio: number;
}

const peers = [...new Set(contestants.filter((c) => c.peer).map((c) => c.name))];

/** Rows with most threads of each device. */
function marksOf(rows: readonly Row[]): Mark[] {
  const most = Math.max(...rows.map((row) => row.threads));
  return rows.flatMap(({ workload, kind, device, threads, peer, ratio }) => {
    if (peer === null || ratio === null || threads !== most) return [];
    return [
      { workload: kind === "cold" || kind === "memory" ? `${workload}, ${kind}` : workload, device, peer, ratio },
    ];
  });
}

const devices = [...new Set(contestants.filter((c) => !c.peer).map((c) => c.name))];
const title = "How many times better typegrad is than each peer (rings: wasm, discs: native)";

/** An SVG; right of the line at 1 we are ahead. */
export function picture(rows: readonly Row[]): string {
  const marks = marksOf(rows);
  if (marks.length === 0) return render({ title: "No peer was measured", width: 320, height: 40 }, { marks: [] });
  const names = [...new Set(marks.map((m) => m.workload))];
  const used = peers.filter((peer) => marks.some((m) => m.peer === peer));
  const at = { x: (m: Mark) => m.ratio, y: (m: Mark) => m.workload, r: 4.5, strokeWidth: 2 };
  const colourOf = (peer: string): string => colour(peers.indexOf(peer));
  const marksBeside = (peer: string, device: string): Plot.Markish =>
    Plot.dot(
      marks.filter((m) => m.peer === peer && m.device === device),
      { ...at, stroke: colourOf(peer), fill: device === devices[0] ? surface : colourOf(peer) },
    );
  return render(
    { title, width: 960, height: 100 + names.length * 20 },
    {
      marks: [
        Plot.gridY(names, { stroke: grid, strokeOpacity: 1 }),
        Plot.gridX({ stroke: grid, strokeOpacity: 1, ticks: 7 }),
        Plot.ruleX([1], { stroke: muted, strokeWidth: 1.5 }),
        ...used.flatMap((peer) => devices.map((device) => marksBeside(peer, device))),
        Plot.axisY({ color: ink, tickSize: 0, label: null }),
        Plot.axisX({ color: muted, tickSize: 0, ticks: 7, tickFormat: (x: number) => `${x}×`, label: null }),
      ],
      keys: used.map((peer) => ({ name: peer, colour: colourOf(peer), shape: "dot" })),
      plot: {
        x: { type: "log", nice: true },
        y: { type: "point", domain: names, label: null },
        marginLeft: Math.max(...names.map(textWidth)) + 32,
        marginRight: 36,
        marginBottom: 30,
      },
    },
  );
}
