/**
 * Writes `docs/COURSE.md`, the table of the rows that exist and pass: `npm run course:table`. Quick rows run; what is known
 * of slow ones is kept from the table as it is, unless `--full` runs them too.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Chapter, type Row, runRow } from "typegrad/course";
import { writeFileAtomic } from "typegrad/io";
import { chapters } from "./index.js";

/** Where the table stands. */
export const tablePath = fileURLToPath(new URL("../../docs/COURSE.md", import.meta.url));

const verdicts = { pass: "passes", fail: "**fails**", unknown: "not run yet" } as const;
export type Verdict = keyof typeof verdicts;

/** What a table says of a row; `unknown` when it does not stand there. */
export function verdictIn(table: string, { id }: Row): Verdict {
  const line = table.split("\n").find((text) => text.startsWith(`| ${id} `)) ?? "";
  return line.includes(verdicts.pass) ? "pass" : line.includes(verdicts.fail) ? "fail" : "unknown";
}

/** A Markdown table with its columns in line. */
function markdown(lines: readonly (readonly string[])[]): string {
  const widths = lines[0].map((_, j) => Math.max(...lines.map((line) => line[j].length)));
  const text = lines.map((line) => `| ${line.map((cell, j) => cell.padEnd(widths[j])).join(" | ")} |`);
  return text.toSpliced(1, 0, `| ${widths.map((n) => "-".repeat(n)).join(" | ")} |`).join("\n");
}

function part({ id, title, rows }: Chapter, verdictOf: (row: Row) => Verdict): string {
  const lines = rows.map((row) => [
    row.id,
    row.title.replaceAll("|", "\\|"),
    row.slow ? "slow" : "quick",
    verdicts[verdictOf(row)],
  ]);
  return `## ${id}: ${title}\n\n${markdown([["row", "title", "speed", "check"], ...lines])}\n`;
}

/** The table as Markdown. */
export function courseTable(all: readonly Chapter[], verdictOf: (row: Row) => Verdict): string {
  const rows = all.flatMap((chapter) => chapter.rows);
  const passing = rows.filter((row) => verdictOf(row) === "pass").length;
  const head = `# The course's rows

Every row is a statement that runs: \`npx typegrad course LIN-06\` prints what it measures, \`npx typegrad course --html DIR\`
writes all of them as pages to study from. Slow rows run with \`--full\`. This table is written by \`npm run course:table\`, and a
test keeps it true.

${rows.length} rows, ${passing} of them pass.
`;
  return [head, ...all.map((chapter) => part(chapter, verdictOf))].join("\n");
}

/** Runs rows and says what each gave. */
export async function verdictsOf(rows: readonly Row[]): Promise<Map<string, Verdict>> {
  const found = new Map<string, Verdict>();
  for (const row of rows) found.set(row.id, (await runRow(row)).pass ? "pass" : "fail");
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const full = process.argv.includes("--full");
  const before = await readFile(tablePath, "utf8").catch(() => "");
  const rows = chapters.flatMap((chapter) => chapter.rows);
  const found = await verdictsOf(rows.filter((row) => full || !row.slow));
  await writeFileAtomic(
    tablePath,
    courseTable(chapters, (row) => found.get(row.id) ?? verdictIn(before, row)),
  );
}
