import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bars,
  binCounts,
  confusion,
  contour,
  heatmap,
  histogram,
  imageGrid,
  lines,
  polygons,
  scatter,
} from "typegrad/plot";

/** The values of an attribute in the order the elements stand. */
const attribute = (svg: string, element: string, name: string): string[] =>
  [...svg.matchAll(new RegExp(`<${element}\\b[^>]*? ${name}="([^"]*)"`, "g"))].map((m) => m[1]);
const texts = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((m) => m[1]);
/** The corners of a path that is made of straight lines. */
const corners = (path: string): number[][] =>
  path
    .split(/[MLZ]/)
    .filter(Boolean)
    .map((p) => p.split(",").map(Number));
const group = (svg: string, label: string): string => {
  const start = svg.indexOf(`aria-label="${label}"`);
  assert.ok(start >= 0, `a group ${label} in ${svg.slice(0, 200)}`);
  return svg.slice(start, svg.indexOf("</g>", start));
};

test("lines: the curve runs through the data, on linear and logarithmic axes", () => {
  const svg = lines([{ name: "a", x: [0, 1, 2], y: [0, 1, 0.5] }], { y: { domain: [0, 1] } });
  const [path] = attribute(group(svg, "line"), "path", "d").map(corners);
  const [a, b, c] = path;
  assert.ok(Math.abs(b[0] - a[0] - (c[0] - b[0])) < 1e-2, "equal steps across");
  assert.ok(Math.abs((a[1] - c[1]) / (a[1] - b[1]) - 0.5) < 1e-3, "half the height");
  const log = lines([{ x: [0, 1, 2], y: [1, 0.1, 0.01] }], { y: { log: true } });
  const [p, q, r] = corners(attribute(group(log, "line"), "path", "d")[0]);
  assert.ok(Math.abs(q[1] - p[1] - (r[1] - q[1])) < 1e-2, "equal ratios are equal steps on a log axis");
  assert.ok(
    ["1", "0.1", "0.01"].every((t) => texts(log).includes(t)),
    "ticks at powers of ten",
  );
});

test("lines: band, gap at values that are not finite, legend, whole ticks", () => {
  const svg = lines(
    [
      { name: "train <&>", x: [1, 2, 3], y: [3, 2, 1], low: [2, 1, 0], high: [4, 3, 2] },
      { name: "test", x: [1, 2, 3, 4], y: [3, NaN, 1, 1], dashed: true },
    ],
    { title: "Loss", x: { label: "epoch" }, y: { label: "nats" } },
  );
  assert.equal(attribute(group(svg, "area"), "path", "d").length, 1);
  assert.match(svg, /train &lt;&amp;&gt;/);
  assert.deepEqual(
    texts(svg).filter((t) => ["1", "2", "3", "4", "epoch", "nats", "Loss", "test"].includes(t)).length >= 8,
    true,
  );
  assert.ok(!texts(svg).includes("1.5"), "epochs have whole ticks");
  const dashed = [...svg.matchAll(/<path [^>]*d="([^"]*)"/g)]
    .map((m) => m[1])
    .find((d) => (d.match(/M/g) ?? []).length > 1);
  assert.ok(dashed, "a curve with a gap starts twice");
});

test("every chart stands alone: one svg element with its namespace, a name for screen readers, no link to elsewhere", () => {
  const picture = { width: 2, height: 2, channels: 1 as const, pixels: Uint8Array.of(0, 85, 170, 255) };
  const charts = [
    lines([{ x: [1], y: [1] }], { title: "t" }),
    scatter([{ x: [1, 2], y: [3, 4] }], { title: "t" }),
    bars([{ name: "a", value: 1 }], { title: "t" }),
    histogram([1, 2, 3], { title: "t" }),
    heatmap(
      [
        [1, 2],
        [3, 4],
      ],
      { title: "t" },
    ),
    confusion(
      [
        [5, 1],
        [0, 4],
      ],
      ["a", "b"],
      { title: "t" },
    ),
    contour(
      {
        x: [0, 1],
        y: [0, 1],
        values: [
          [0, 1],
          [1, 2],
        ],
      },
      { title: "t" },
    ),
    imageGrid([{ picture, caption: "c" }], { title: "t" }),
    polygons(
      [
        {
          corners: [
            [0, 0],
            [1, 0],
            [0, 1],
          ],
        },
      ],
      { title: "t" },
    ),
  ];
  for (const svg of charts) {
    assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    assert.match(svg, /^<svg [^>]*aria-label="t"/);
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
    assert.deepEqual(
      [...svg.matchAll(/(?:href|src|url)\s*[=(]\s*["']?(?!data:)[^"']/g)].map((m) => m[0]),
      [],
    );
  }
});

test("drawing twice gives the same bytes", () => {
  const field = {
    x: [0, 1] as const,
    y: [0, 1] as const,
    values: [
      [0, 1, 5],
      [1, 2, 3],
    ],
  };
  assert.equal(contour(field, { middle: 2 }), contour(field, { middle: 2 }));
});

test("scatter: one dot a point, a colour a cloud", () => {
  const svg = scatter([
    { name: "a", x: [1, 2], y: [1, 2] },
    { name: "b", x: [3], y: [1] },
  ]);
  assert.equal((svg.match(/<circle /g) ?? []).length, 3 + 2, "points and keys");
});

test("bars: lengths are proportional to the values and the values are written", () => {
  const svg = bars(
    [
      { name: "one", value: 1 },
      { name: "four", value: 4 },
    ],
    { format: (v) => `${v} m` },
  );
  const [one, four] = attribute(group(svg, "bar"), "rect", "width").map(Number);
  assert.ok(Math.abs(four / one - 4) < 0.01, `${four} / ${one}`);
  assert.ok(["one", "four", "1 m", "4 m"].every((t) => texts(svg).includes(t)));
});

test("histogram: counts of numpy.histogram", () => {
  // numpy.histogram([1, 2, 2, 3, 4, 4, 4, 9], bins=4) → [3, 4, 0, 1], edges [1, 3, 5, 7, 9]
  assert.deepEqual(binCounts([1, 2, 2, 3, 4, 4, 4, 9], 4), [
    { from: 1, to: 3, count: 3 },
    { from: 3, to: 5, count: 4 },
    { from: 5, to: 7, count: 0 },
    { from: 7, to: 9, count: 1 },
  ]);
  // numpy.histogram([2, 2], bins=2) → [0, 2], edges [1.5, 2, 2.5]
  assert.deepEqual(
    binCounts([2, 2, NaN], 2).map((b) => b.count),
    [0, 2],
  );
  const heights = attribute(group(histogram([1, 2, 2, 3, 4, 4, 4, 9], { bins: 4 }), "rect"), "rect", "height").map(
    Number,
  );
  assert.ok(heights[1] > heights[0] && heights[0] > heights[3]);
});

test("heatmap: hue is the side of the middle, strength the distance, text the value", () => {
  const svg = heatmap(
    [
      [2, -1],
      [0, 1],
    ],
    { format: (v) => v.toFixed(1) },
  );
  const cells = group(svg, "cell");
  const fills = attribute(cells, "rect", "fill");
  assert.deepEqual(attribute(cells, "rect", "fill-opacity").map(Number), [1, 0.5, 0, 0.5]);
  assert.equal(fills[0], fills[3]);
  assert.notEqual(fills[0], fills[1]);
  assert.deepEqual(texts(group(svg, "text") + "</g>").slice(0, 4), ["2.0", "-1.0", "0.0", "1.0"]);
});

test("confusion: the share of the row shows, zeros stay empty", () => {
  const svg = confusion(
    [
      [3, 1],
      [0, 8],
    ],
    ["cat", "dog"],
  );
  assert.deepEqual(attribute(group(svg, "cell"), "rect", "fill-opacity").map(Number), [0.75, 0.5, 0, 1]);
  assert.deepEqual(
    texts(svg).filter((t) => /^\d+$/.test(t)),
    ["3", "1", "8"],
  );
  assert.equal(texts(svg).filter((t) => t === "cat").length, 2);
});

test("contour: the level set of a plane is a straight line at the level", () => {
  const ramp = Array.from({ length: 11 }, () => Array.from({ length: 11 }, (_, j) => j / 10));
  const svg = contour({ x: [0, 1], y: [0, 1], values: ramp }, { levels: 1, width: 640 });
  const points = corners(attribute(group(svg, "contour"), "path", "d")[0]);
  const left = Math.min(...points.map(([x]) => x));
  const [from, to] = [52, 640 - 16];
  assert.ok(Math.abs((left - from) / (to - from) - 0.5) < 0.01, `the half stands at ${left}`);
});

test("polygons: corners stand at their places, closed, each in its colour", () => {
  const svg = polygons([
    {
      corners: [
        [0, 0],
        [2, 0],
        [0, 1],
      ],
    },
    {
      corners: [
        [2, 0],
        [2, 1],
        [0, 1],
      ],
      colour: 3,
    },
  ]);
  const paths = attribute(svg, "path", "d").map(corners);
  assert.equal(paths.length, 2);
  const [[a, b, c, end]] = paths;
  assert.deepEqual(end, a);
  assert.ok(b[0] > a[0] && b[1] === a[1] && c[0] === a[0] && c[1] < a[1]);
  assert.deepEqual(paths[1][0], b, "a corner in two polygons stands at one place");
  const fills = [...svg.matchAll(/<g [^>]*fill="([^"]*)" aria-label="line"/g)].map((m) => m[1]);
  assert.equal(new Set(fills).size, 2, fills.join());
});

test("what cannot be drawn is refused with the reason", () => {
  const cases: [() => string, RegExp][] = [
    [() => lines([{ x: [1, 2], y: [1] }]), /lines: lists must be equally long, got 2 x and 1 y/],
    [() => lines([{ x: [1], y: [1], low: [1, 2] }]), /got 1 x and 1 y and 2 low/],
    [() => scatter([{ x: [1], y: [] }]), /scatter: lists must be equally long/],
    [() => bars([]), /bars: there must be at least one bar/],
    [() => histogram([NaN]), /histogram: there must be at least one finite value/],
    [() => histogram([1], { bins: 0 }), /histogram: bins must be a positive integer, got 0/],
    [() => heatmap([[1, 2], [3]]), /heatmap: rows must be equally long, got 2 and 1 values/],
    [() => heatmap([]), /heatmap: there must be at least one cell/],
    [() => heatmap([[1]], { rows: ["a", "b"] }), /heatmap: lists must be equally long, got 2 row names and 1 rows/],
    [() => confusion([[1, 2]], ["a", "b"]), /confusion: lists must be equally long/],
    [
      () => contour({ x: [0, 1], y: [0, 1], values: [[1, 1]] }),
      /contour: values must be finite and differ, got 1 to 1/,
    ],
    [
      () =>
        polygons([
          {
            corners: [
              [0, 0],
              [1, 0],
            ],
          },
        ]),
      /polygons: every polygon must have three finite corners or more, got 2/,
    ],
    [() => imageGrid([]), /imageGrid: there must be at least one picture/],
  ];
  for (const [draw, message] of cases) assert.throws(draw, message);
});

test("contour: a path is one line through its points, and one dot at its end", () => {
  const field = {
    x: [0, 1],
    y: [0, 1],
    values: [
      [0, 1],
      [1, 2],
    ],
  } as const;
  const points = { name: "run", x: [0, 0.5, 1], y: [0, 1, 0] };
  const path = contour(field, { points: [{ ...points, isPath: true }] });
  const cloud = contour(field, { points: [points] });
  assert.equal(attribute(group(path, "dot"), "circle", "r").length, 1);
  assert.equal(attribute(group(cloud, "dot"), "circle", "r").length, 3);
  const [[a, b, c]] = attribute(group(path, "line"), "path", "d").map(corners);
  assert.ok(Math.abs(b[0] - (a[0] + c[0]) / 2) < 1e-2 && b[1] < a[1] && Math.abs(a[1] - c[1]) < 1e-2);
});
