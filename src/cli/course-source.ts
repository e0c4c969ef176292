/** The code of the course's rows as it was written, from the sources that the built chapters carry. */
import { readdirSync, readFileSync } from "node:fs";

const built = new URL("../chapters/", import.meta.url);

/** The TypeScript of every file of the chapters. */
function sources(): string[] {
  const maps = readdirSync(built, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js.map"));
  return maps.flatMap((name) => {
    const map: { readonly sourcesContent?: readonly string[] } = JSON.parse(
      readFileSync(new URL(name.replaceAll("\\", "/"), built), "utf8"),
    );
    return map.sourcesContent ?? [];
  });
}

/** Lines moved left by what all of them are indented. */
function dedent(lines: readonly string[]): string {
  const indents = lines.filter((line) => line.trim()).map((line) => line.search(/\S/));
  const least = Math.min(...indents);
  return lines.map((line) => line.slice(least)).join("\n");
}

/** A row's call begins a line, and the formatter puts its end on a line of its own, indented as much. */
const rowPattern = /^( *)(?:row|slowRow)\(\s*"([A-Z]{3}-\d\d)"[^]*?\n\1\}?\),?$/gm;

/** The body of a row's check: what follows `(t) => {`, or the expression after the arrow. */
function bodyOf(row: string): string {
  const start = /(?:async )?\(t\) => (\{\n)?/.exec(row);
  if (!start) return row;
  const lines = row.slice(start.index + start[0].length).split("\n");
  return dedent(
    lines.slice(
      0,
      lines.findLastIndex((line) => line.trim().startsWith("}")),
    ),
  );
}

/** What rows of a file share: everything above its chapter, or its list of rows, but imports and the comment of the file. */
function sharedOf(source: string): string {
  const list = source.search(
    /^(?:(?:export (?:default|const)\b.*)?\bchapter\(|export const \w+: readonly Row\[\] = \[)/m,
  );
  const above = source.slice(0, list < 0 ? source.length : list);
  return above
    .replace(/^\/\*\*[^]*?\*\/\n/, "")
    .replace(/^import [^;]*;\n/gm, "")
    .trim();
}

export interface CourseSource {
  /** The code of a row, by its id. */
  readonly rows: ReadonlyMap<string, string>;
  /** What the rows of all chapters use. */
  readonly helpers: string;
  /** What a row shares with others of its chapter, by its id: the code of its file, and of one for all files of the chapter. */
  readonly shared: ReadonlyMap<string, readonly string[]>;
}

/** Reads the code of all rows. */
export function courseSource(): CourseSource {
  const rows = new Map<string, string>();
  const shared = new Map<string, readonly string[]>();
  const all = sources();
  for (const source of all)
    for (const [code, , id] of source.matchAll(rowPattern)) {
      rows.set(id, bodyOf(code));
      const ofChapter = all.filter((other) => other.startsWith(`/** ${id.slice(0, 3)}: what its rows share. */`));
      shared.set(id, [...ofChapter, source].map(sharedOf));
    }
  const helpers = all.find((source) => source.startsWith("/** What rows of all chapters use")) ?? "";
  return { rows, helpers: sharedOf(helpers), shared };
}
