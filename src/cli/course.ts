/** `typegrad course`: lists, runs and prints the rows of the course, and writes their pages. */
import { join } from "node:path";
import { SingleBar } from "cli-progress";
import { type Chapter, type Row, type RowResult, runRow } from "../course/index.js";
import { fileExists, readFile, writeFileAtomic } from "../io/index.js";
import { expectedText, headLine, resultLine } from "./course-text.js";
import { blockBar } from "./progress.js";
import { duration, plural } from "./text.js";
import { didYouMean, UsageError } from "./usage.js";

/** What the command is asked for beside chapters and rows. */
export interface CourseFlags {
  readonly full?: boolean;
  readonly json?: string;
  readonly html?: string;
}

/** The chapters. They import the package by name, as everybody does, and are built after it. */
export async function courseChapters(): Promise<readonly Chapter[]> {
  const built = new URL("../chapters/index.js", import.meta.url).href;
  const { chapters }: { readonly chapters: readonly Chapter[] } = await import(built);
  return chapters;
}

const rowNames = (rows: readonly Row[]): string => `${rows[0].id} … ${rows[rows.length - 1].id}`;

/** The rows that a name stands for; an error that says what there is when it stands for none. */
function rowsNamed(chapters: readonly Chapter[], name: string): readonly Row[] {
  const wanted = name.toUpperCase();
  const home = chapters.find(({ id }) => id === wanted.split("-")[0]);
  if (home?.id === wanted) return home.rows;
  const found = home?.rows.find(({ id }) => id === wanted);
  if (found) return [found];
  if (home)
    throw new UsageError(
      `chapter ${home.id} must have the row that is named, got "${name}". it has ${rowNames(home.rows)}`,
    );
  const names = chapters.map(({ id }) => id);
  throw new UsageError(
    `there must be such a chapter or row, got "${name}".${didYouMean(wanted, names)} the chapters are ${names.join(", ")}`,
  );
}

/** The rows to run: those that are named, and of chapters the slow ones only on demand. */
function selection(chapters: readonly Chapter[], names: readonly string[], full: boolean): Row[] {
  const named = new Set(
    (names.length > 0 ? names : chapters.map(({ id }) => id)).flatMap((name) => {
      const rows = rowsNamed(chapters, name);
      return rows.length === 1 && name.includes("-") ? rows : rows.filter((row) => full || !row.slow);
    }),
  );
  return chapters.flatMap(({ rows }) => rows.filter((row) => named.has(row)));
}

function list(chapters: readonly Chapter[], out: NodeJS.WriteStream): number {
  out.write("The deep-learning course, as statements that run.\n\n");
  for (const { id, title, rows } of chapters) {
    const slow = rows.filter((row) => row.slow).length;
    out.write(`${id}  ${title.padEnd(56)} ${plural(rows.length, "row").padStart(8)}${slow ? `, ${slow} slow` : ""}\n`);
  }
  out.write(
    "\ntypegrad course LIN CAL   run the quick rows of chapters; --full runs the slow ones too\n" +
      "typegrad course LIN-06    run a row\n" +
      "typegrad course --html DIR   write everything as pages to study from\n",
  );
  return 0;
}

/** Runs rows one after the other, with a bar on a terminal. */
async function runAll(rows: readonly Row[], out: NodeJS.WriteStream): Promise<RowResult[]> {
  const results: RowResult[] = [];
  out.write(`${headLine}
`);
  for (const [i, row] of rows.entries()) {
    const bar = out.isTTY ? barOf(out, `${row.id} ${row.title}`) : null;
    bar?.start(rows.length, i);
    await new Promise((resolve) => setImmediate(resolve)); // lets the bar appear before the row takes the thread
    results.push(await runRow(row));
    bar?.stop();
    out.write(`${resultLine(results[i])}\n`);
  }
  return results;
}

const barOf = (out: NodeJS.WriteStream, name: string): SingleBar =>
  new SingleBar({
    stream: out,
    clearOnComplete: true,
    hideCursor: true,
    gracefulExit: false,
    format: (_, { value, total }) =>
      `${value + 1} of ${total} ▕${blockBar(value / total, 24)}▏ ${name}`.slice(0, (out.columns || 80) - 1),
  });

/** What `--json` writes of a row; figures that JSON has no number for are text. */
const record = ({ row, pass, main, seconds, reason }: RowResult): object => {
  const plain = (x: number): number | string => (Number.isFinite(x) ? x : String(x));
  return {
    id: row.id,
    pass,
    measured: main && plain(main.measured),
    expected: main && (main.relation === "close" ? plain(main.expected) : expectedText(main)),
    tolerance: main?.relation === "close" ? main.tolerance : null,
    seconds,
    reason,
  };
};

/** Throws unless a file can be there: rows may run for long, and should not do so in vain. */
async function claim(flag: string, path: string): Promise<void> {
  const op = `course: ${flag}`;
  if (await fileExists(path, op)) await readFile(path, op);
  else await writeFileAtomic(path, "", op);
}

/** The command. 0 when every row that ran passed, 1 otherwise. */
export async function course(names: readonly string[], flags: CourseFlags, out: NodeJS.WriteStream): Promise<number> {
  const chapters = await courseChapters();
  const { full = false, json, html } = flags;
  if (names.length === 0 && !full && json === undefined && html === undefined) return list(chapters, out);
  const rows = selection(chapters, names, full);
  if (json !== undefined) await claim("--json", json);
  if (html !== undefined) await claim("--html", join(html, "index.html"));
  const start = performance.now();
  const results = await runAll(rows, out);
  if (json !== undefined) await writeFileAtomic(json, `${JSON.stringify(results.map(record), null, 2)}\n`);
  if (html !== undefined) {
    const { writePages } = await import("./course-pages.js");
    out.write(`${await writePages(html, chapters, results)}\n`);
  }
  const failed = results.filter(({ pass }) => !pass);
  const took = duration((performance.now() - start) / 1000);
  out.write(
    `\n${plural(results.length, "row")}, ${results.length - failed.length} pass, ${failed.length} fail, ${took}\n`,
  );
  if (failed.length > 0) out.write(`failed: ${failed.map(({ row }) => row.id).join(", ")}\n`);
  return failed.length > 0 ? 1 : 0;
}
