import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunRecord } from "#src/cli/record.js";
import { classification, judgementOf } from "#src/cli/registry/classification.js";
import { report } from "#src/cli/report.js";
import { count, duration, figure, percent, plural } from "#src/cli/text.js";

const flat = (html: string): string => html.replace(/\s+/g, " ").replace(/> </g, "><");

/** What a model of three classes says. */
const verdict = {
  names: ["ant", "bee", "cat"],
  confusion: [
    [30, 0, 2],
    [0, 33, 0],
    [1, 0, 34],
  ],
  mistakes: [
    {
      index: 41,
      picture: { width: 2, height: 2, channels: 1 as const, pixels: Uint8Array.of(0, 1, 2, 3) },
      truth: 0,
      predicted: 2,
      probability: 0.875,
      truthProbability: 0.125,
    },
  ],
};

/** A run over three classes: 97 of 100 right. */
const run: RunRecord = {
  name: "tri<als>",
  title: "A model & its data",
  command: 'typegrad train tiny --data "my folder"',
  startedAt: "2026-01-02 03:04 UTC",
  seconds: 125,
  plannedEpochs: 5,
  epochs: [
    {
      epoch: 1,
      trainLoss: 1.5,
      trainMeasure: 0.5,
      heldOutLoss: 1.25,
      heldOutMeasure: 0.9,
      seconds: 60,
      examplesPerSecond: 1234,
      learningRate: 0.01,
    },
    {
      epoch: 2,
      trainLoss: 0.5,
      trainMeasure: 0.95,
      heldOutLoss: 0.75,
      heldOutMeasure: 0.97,
      seconds: 65,
      examplesPerSecond: 5678,
      learningRate: 0.005,
    },
  ],
  heldOut: "test",
  examples: "pictures",
  lossName: classification.lossName,
  measure: classification.measure,
  judgement: judgementOf(verdict, 0.7421),
  published: [{ data: "Zoo", text: "97.5 %", source: "Somebody 1999, table 1" }],
  layers: [
    { path: "layers.0", kind: "Linear 4 → 8", output: [8], tensors: "weight [8, 4], bias [8]", parameters: 40 },
    { path: "layers.1", kind: "Linear 8 → 3", output: [3], tensors: "weight [3, 8]", parameters: 1027 },
  ],
  settings: [{ name: "Training", rows: [["seed", "42"]] }],
  version: "1.2.3",
};
/** The page with the white space a browser would show. */
const page = flat(report(run));

test("the page says what the record says", () => {
  for (const text of [
    "97.00 %",
    "3 of 100",
    "0.7421",
    "2 min 05 s",
    "5,678",
    "1,067",
    "stopped in epoch 3 of 5",
    "2026-01-02 03:04 UTC",
    "The 1 most confident of 3 mistakes",
    "says <b>cat</b> · 88 %<br />",
    "is <i>ant</i> · 13 %",
    "ant as cat (2), cat as ant (1)",
    "<dt>97.5 %</dt><dd>on Zoo: Somebody 1999, table 1</dd>",
    "typegrad 1.2.3",
  ])
    assert.ok(page.includes(text), text);
  // recall of ant 30/32, precision of cat 34/36
  assert.match(page, /<td>ant<\/td><td class="n">32<\/td><td class="n">93.8 %<\/td><td class="n">96.8 %<\/td>/);
  assert.match(page, /<td>cat<\/td><td class="n">35<\/td><td class="n">97.1 %<\/td><td class="n">94.4 %<\/td>/);
  assert.match(page, /<dt>seed<\/dt><dd>42<\/dd>/);
});

test("text is escaped, also in attributes and in the charts", () => {
  assert.ok(
    page.includes("tri&#60;als&#62;") &&
      page.includes("A model &#38; its data") &&
      page.includes("&#34;my folder&#34;"),
  );
  assert.ok(!page.includes("tri<als>"));
});

test("the page needs nothing beside it, runs nothing, and is the same every time", () => {
  const links = [...page.matchAll(/\b(?:src|href|url)\b\s*[=(]\s*["']?([^"')\s>]+)/g)].map((m) => m[1]);
  assert.ok(links.length > 0 && links.every((link) => link.startsWith("data:image/png;base64,")), links.join());
  assert.doesNotMatch(page, /<script|<link|@import/);
  assert.equal(page.match(/<svg /g)?.length, 3, "loss, accuracy, confusion");
  assert.equal(flat(report(run)), page);
});

test("a run without mistakes, of one epoch", () => {
  const perfect = {
    ...run,
    plannedEpochs: 1,
    epochs: run.epochs.slice(0, 1),
    judgement: judgementOf(
      {
        ...verdict,
        mistakes: [],
        confusion: [
          [1, 0, 0],
          [0, 0, 0],
          [0, 0, 2],
        ],
      },
      0.01,
    ),
  };
  const text = flat(report(perfect));
  assert.ok(text.includes("No picture of the test set is taken for another class") && !text.includes("<h2>Mistakes"));
  assert.match(text, /<td>bee<\/td><td class="n">0<\/td><td class="n">none<\/td><td class="n">none<\/td>/);
  assert.doesNotMatch(text, /NaN|stopped/);
});

test("numbers read well", () => {
  assert.deepEqual([0, 999, 1000, 1234567].map(count), ["0", "999", "1,000", "1,234,567"]);
  assert.deepEqual([0.5, 59.94, 59.96, 61.4, 3599.6, 7265].map(duration), [
    "0.5 s",
    "59.9 s",
    "1 min 00 s",
    "1 min 01 s",
    "1 h 00 min",
    "2 h 01 min",
  ]);
  assert.deepEqual([0, 0.00001234, 0.041234, 12.3456, 2e7, NaN].map(figure), [
    "0",
    "1.23e-5",
    "0.04123",
    "12.35",
    "2.00e+7",
    "NaN",
  ]);
  assert.equal(percent(0.98765), "98.77 %");
  assert.deepEqual(
    [1, 2].map((n) => plural(n, "epoch")),
    ["1 epoch", "2 epochs"],
  );
});
