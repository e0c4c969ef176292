/** `typegrad report`: the reports of finished runs, and a table of them. */
import { readFile, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { FormatError } from "../index.js";
import { writeFileAtomic } from "../io/index.js";
import { readCheckpoint } from "./checkpoint.js";
import { type RunRecord, parametersOf } from "./record.js";
import { inRecord } from "./registry/task.js";
import { measureCurve, report } from "./report.js";
import { recordOf } from "./results.js";
import { hasFields, isNumber, isText, listOf, orNull, parseJson } from "./run.js";
import { type Session, heldOutName, loadData } from "./session.js";
import { count, duration, plural } from "./text.js";
import { readTrained } from "./trained.js";
import { UsageError } from "./usage.js";

/** What the table says of a run; kept beside its report, so that the table needs no run. */
interface Line {
  readonly title: string;
  readonly command: string;
  readonly seed: number;
  readonly epochs: number;
  readonly seconds: number;
  readonly parameters: number;
  /** What the model reaches on its test set. */
  readonly result: string;
  readonly published: RunRecord["published"];
  /** Of the machine that the time was taken on. */
  readonly machine: string | null;
}
const isLine = hasFields<Line>({
  title: isText,
  command: isText,
  seed: isNumber,
  epochs: isNumber,
  seconds: isNumber,
  parameters: isNumber,
  result: isText,
  published: listOf(hasFields<RunRecord["published"][number]>({ data: isText, text: isText, source: isText })),
  machine: orNull(isText),
});

export interface ReportFlags {
  readonly out: string;
  readonly device: string;
}

/** Writes the reports of runs to a folder, from their checkpoints, and the table of all reports there. */
export async function publish(
  folders: readonly string[],
  flags: ReportFlags,
  out: NodeJS.WriteStream,
): Promise<number> {
  const say = (line: string): void => void out.write(`${line}\n`);
  for (const folder of folders) {
    const { record, line } = await finished(folder, flags.device, say);
    const file = (extension: string): string => join(flags.out, `${record.name}.${extension}`);
    await writeFileAtomic(file("html"), report(record), "report: --out");
    await writeFileAtomic(file("svg"), measureCurve(record), "report: --out");
    await writeFileAtomic(file("json"), `${JSON.stringify(line, null, 2)}\n`, "report: --out");
    say(`${record.title}: ${line.result}; ${file("html")}`);
  }
  await writeFileAtomic(join(flags.out, "README.md"), await table(flags.out), "report: --out");
  return 0;
}

/** What a run gave, with its model loaded and tested again. */
async function finished(
  folder: string,
  device: string,
  say: (line: string) => void,
): Promise<{ record: RunRecord; line: Line }> {
  const { run, plan, model } = await readTrained(folder, device);
  const history = (await readCheckpoint(folder))?.progress.history ?? [];
  if (history.length === 0) throw new UsageError(`there must be an epoch to report in "${folder}", got none. train on`);
  const data = await loadData(plan, run.data.folder ?? undefined, say);
  if (data.sha256 !== run.data.sha256)
    throw new UsageError(
      `the data of "${folder}" must be what it was trained on, got others from ${data.source}. set TYPEGRAD_DATA to the folder that holds them`,
    );
  const flags = { out: "runs", name: basename(folder), saveEvery: 1 };
  const session: Session = { flags, folder, plan, run, data, resumed: true };
  const record = await recordOf(session, model, history);
  checkAgain(record, session);
  const { seed } = run.settings;
  const figures = record.judgement.figures.map(({ name, text }) => `${name} ${text}`);
  const line: Line = {
    title: `${plan.model.title} on ${plan.data.title}`,
    command: record.command,
    seed,
    epochs: history.length,
    seconds: record.seconds,
    parameters: parametersOf(record.layers),
    result: figures[0],
    published: record.published,
    machine:
      record.settings.find(({ name }) => name === "Machine")?.rows.find(([name]) => name === "processor")?.[1] ?? null,
  };
  return { record, line };
}

/** Fails unless the model that was read back is as good as the one that was trained. */
function checkAgain({ judgement, epochs, plannedEpochs, name }: RunRecord, { plan, run }: Session): void {
  const { measure } = plan.model.task;
  if (heldOutName(run.settings) !== "test" || epochs.length < plannedEpochs) return;
  const then = epochs[epochs.length - 1].heldOutMeasure;
  const now = judgement.figures.find((figure) => figure.name === measure.name)?.value ?? Number.NaN;
  if (Math.abs(now - then) > 1e-5)
    throw new FormatError(
      `${name}: the model read back must be as good as it was, ${inRecord("test", measure)} ${then}, got ${now}. train it again`,
    );
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

function row(name: string, { title, result, epochs, seconds, parameters, published }: Line): string {
  const others = published.map(({ data, text, source }) => `${text} on ${data} (${source})`).join("; ");
  const cells = [
    `[${title}](${name}.html)`,
    result,
    others || "none",
    count(parameters),
    `${plural(epochs, "epoch")} in ${duration(seconds)}`,
  ];
  return `| ${cells.map(cell).join(" | ")} |`;
}

const section = (name: string, { title, command, seed, result, machine }: Line): string =>
  `## ${title}

![${title}, epoch by epoch](${name}.svg)

${result}, seed ${seed}${machine === null ? "" : `, on ${machine}`}. [The whole report](${name}.html).

\`\`\`
${command}
\`\`\`
`;

/** The page of all reports in a folder. */
async function table(folder: string): Promise<string> {
  const names = (await readdir(folder)).flatMap((file) => (file.endsWith(".json") ? [basename(file, ".json")] : []));
  const lines: [string, Line][] = [];
  for (const name of names.sort()) {
    const path = join(folder, `${name}.json`);
    lines.push([name, parseJson(path, await readFile(path, "utf8"), isLine)]);
  }
  return `# Results

What the recipes reach, each model read back from its checkpoint and tested again. Written by \`typegrad report\`.

| run | on the test set | published | parameters | training |
| --- | --- | --- | ---: | --- |
${lines.map(([name, line]) => row(name, line)).join("\n")}

${lines.map(([name, line]) => section(name, line)).join("\n")}`;
}
