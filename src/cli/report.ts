/** The report of a run: one HTML page that needs nothing beside it. */
import { lines, themeCss } from "../plot/index.js";
import { type Column, type Markup, html, raw, table } from "./html.js";
import { type RunRecord, parametersOf } from "./record.js";
import { count, duration, figure, plural } from "./text.js";

const css = `${themeCss}
:root{--panel:#f7f8fa;--good:#1e7f5c;--bad:#b42f40}
@media(prefers-color-scheme:dark){:root{--panel:#1b202a;--good:#5fcfa3;--bad:#f27d8a}}
*{box-sizing:border-box}
body{margin:0;background:var(--tg-surface);color:var(--tg-ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1080px;margin:0 auto;padding:40px 24px 56px}
h1{font-size:28px;line-height:1.2;margin:0 0 4px;letter-spacing:-.015em}
h2{font-size:18px;margin:44px 0 12px;letter-spacing:-.01em}
p{margin:0 0 12px}
.muted,figcaption,th,dt{color:var(--tg-muted)}
.facts{display:grid;grid-template-columns:repeat(6,1fr);gap:12px;margin:24px 0 0}
.facts>div{background:var(--panel);border-radius:10px;padding:14px 16px}
.facts b{display:block;font-size:22px;line-height:1.2;font-weight:650;letter-spacing:-.02em;white-space:nowrap}
.facts div:first-child b{color:var(--good)}
.facts span{color:var(--tg-muted);font-size:13px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:28px;align-items:start}
.pair>*{min-width:0}
svg.tg-plot{width:100%;height:auto;display:block}
.digits{display:grid;grid-template-columns:repeat(auto-fill,minmax(96px,1fr));gap:14px 12px}
.digits figure{margin:0;font-size:13px;line-height:1.35}
.digits img{display:block;width:100%;aspect-ratio:1;image-rendering:pixelated;border-radius:8px;background:#000}
.digits b{color:var(--bad);font-weight:650}
.digits i{color:var(--good);font-style:normal;font-weight:650}
.digits figcaption{margin-top:5px}
.digits.twos{grid-template-columns:repeat(auto-fill,minmax(230px,1fr))}
.digits.twos figure{display:flex;gap:4px}
.digits.twos img{width:calc(50% - 2px)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left;font-weight:500;font-size:13px}
th,td{padding:6px 16px 6px 0;border-bottom:1px solid var(--tg-grid);white-space:nowrap}
tr>:last-child{padding-right:0}
.n{text-align:right}
tfoot td{font-weight:650;border-bottom:0}
code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{margin:0;padding:14px 16px;background:var(--panel);border-radius:10px;white-space:pre-wrap;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:5px 18px;margin:0;font-size:14px}
dd{margin:0;overflow-wrap:anywhere}
h3{font-size:14px;margin:0 0 10px}
.group{background:var(--panel);border-radius:10px;padding:16px}
details{margin-top:16px}summary{cursor:pointer;color:var(--tg-muted)}
footer{margin-top:48px;color:var(--tg-muted);font-size:13px}
@media(max-width:1000px){.facts{grid-template-columns:repeat(3,1fr)}}
@media(max-width:560px){th,td{white-space:normal;padding-right:10px;font-size:13px}td code{white-space:nowrap;font-size:12px}.wide{display:none}main{padding:24px 16px 40px}h1{font-size:23px}.facts{grid-template-columns:1fr 1fr}.facts b{font-size:20px}}
@media print{.group,.facts>div,pre{border:1px solid var(--tg-grid)}}`;

function best({ epochs, measure }: RunRecord) {
  const sign = measure.better === "max" ? 1 : -1;
  return epochs.reduce((a, b) => (sign * (b.heldOutMeasure - a.heldOutMeasure) > 0 ? b : a));
}

function facts(run: RunRecord): Markup {
  const last = run.epochs[run.epochs.length - 1];
  const cards: (readonly [string, string])[] = [
    ...run.judgement.cards,
    [duration(run.seconds), `for ${plural(run.epochs.length, "epoch")}`],
    [count(last.examplesPerSecond), `training ${run.examples}/s`],
    [count(parametersOf(run.layers)), "parameters"],
  ];
  return html`<div class="facts">
    ${cards.map(([value, name]) => html`<div><b>${value}</b><span>${name}</span></div>`)}
  </div>`;
}

/** The loss, epoch by epoch. */
export function lossCurve({ epochs, heldOut, lossName }: RunRecord): string {
  const x = epochs.map((e) => e.epoch);
  const series = [
    { name: "training", x, y: epochs.map((e) => e.trainLoss) },
    { name: heldOut, x, y: epochs.map((e) => e.heldOutLoss) },
  ];
  return lines(series, { ...chartSize, title: "Loss", y: { label: lossName } });
}

/** The measure of the task, epoch by epoch. */
export function measureCurve(run: RunRecord): string {
  const { epochs, heldOut, measure } = run;
  const x = epochs.map((e) => e.epoch);
  const top = best(run);
  const series = [
    { name: "training", x, y: epochs.map((e) => e.trainMeasure) },
    {
      name: `${heldOut}, best ${measure.text(top.heldOutMeasure)} in epoch ${top.epoch}`,
      x,
      y: epochs.map((e) => e.heldOutMeasure),
    },
  ];
  return lines(series, { ...chartSize, title: capital(measure.title), y: measure.axis });
}

const chartSize = { width: 500, height: 290, x: { label: "epoch" } };

function published({ published }: RunRecord): Markup {
  if (published.length === 0) return html``;
  const rows = published.map(
    ({ data, text, source }) =>
      html`<dt>${text}</dt>
        <dd>on ${data}: ${source}</dd>`,
  );
  return html`<h2>Published by others</h2>
    <dl>${rows}</dl>`;
}

const capital = (word: string): string => word[0].toUpperCase() + word.slice(1);

function model({ layers }: RunRecord): Markup {
  const rows = layers.map(({ path, kind, tensors, output, parameters }) => [
    html`<code>${path}</code>`,
    kind,
    html`<code>${tensors}</code>`,
    output === null ? "" : html`<code>[${output.join(", ")}]</code>`,
    count(parameters),
  ]);
  const columns: Column[] = [
    { name: "name" },
    { name: "layer" },
    { name: "tensors", kind: "wide" },
    { name: "output" },
    { name: "parameters", kind: "number" },
  ];
  return html`<h2>Model</h2>
    ${table(columns, rows, { total: ["total", "", "", "", count(parametersOf(layers))] })}`;
}

function epochTable({ epochs, heldOut, measure }: RunRecord): Markup {
  const rows = epochs.map((e) => [
    e.epoch,
    figure(e.trainLoss),
    figure(e.heldOutLoss),
    measure.text(e.heldOutMeasure),
    figure(e.learningRate),
    duration(e.seconds),
  ]);
  const numbers = ["training loss", `${heldOut} loss`, `${heldOut} ${measure.title}`, "learning rate", "time"];
  const columns: Column[] = [{ name: "epoch" }, ...numbers.map((name): Column => ({ name, kind: "number" }))];
  return html`<details>
    <summary>Every epoch in numbers</summary>
    ${table(columns, rows)}
  </details>`;
}

function settings({ settings, command }: RunRecord): Markup {
  const groups = settings.map(
    ({ name, rows }) =>
      html`<div class="group">
        <h3>${name}</h3>
        <dl>
          ${rows.map(
            ([key, value]) =>
              html`<dt>${key}</dt>
                <dd>${value}</dd>`,
          )}
        </dl>
      </div>`,
  );
  return html`<h2>Settings</h2>
    <div class="pair" style="gap:12px">${groups}</div>
    <h2>The same run again</h2>
    <pre><code>${command}</code></pre>`;
}

/** The page. The run must have finished at least one epoch. */
export function report(run: RunRecord): string {
  const { epochs, plannedEpochs } = run;
  const state = epochs.length < plannedEpochs ? `, stopped in epoch ${epochs.length + 1} of ${plannedEpochs}` : "";
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <title>${run.title}: ${run.name}</title>
        <style>
          ${raw(css)}
        </style>
      </head>
      <body>
        <main>
          <h1>${run.title}</h1>
          <p class="muted">Run <b>${run.name}</b>, started ${run.startedAt}${state}</p>
          ${facts(run)}
          <h2>Learning</h2>
          <div class="pair">${raw(lossCurve(run))}${raw(measureCurve(run))}</div>
          ${epochTable(run)} ${run.judgement.sections} ${published(run)} ${model(run)} ${settings(run)}
          <footer>Written by typegrad ${run.version}.</footer>
        </main>
      </body>
    </html> `;
  return page.text;
}
