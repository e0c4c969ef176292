/** The course as pages that need nothing beside them: an index and a page for every chapter. */
import { join } from "node:path";
import type { Chapter, Row, RowResult } from "../course/index.js";
import { writeFileAtomic } from "../io/index.js";
import { sidesText, toleranceText } from "./course-text.js";
import { pageCss, searchScript } from "./course-style.js";
import { courseSource, type CourseSource } from "./course-source.js";
import { formula, formulaCss, inline, prose } from "./formulas.js";
import { type Column, html, type Markup, raw, table } from "./html.js";
import { count, plural } from "./text.js";
import { version } from "./version.js";

/** Everything the pages are made of. */
interface Book {
  readonly chapters: readonly Chapter[];
  readonly results: ReadonlyMap<string, RowResult>;
  readonly source: CourseSource;
}

const fileOf = (chapter: Chapter): string => `${chapter.id.toLowerCase()}.html`;

/** Whether a row passed, failed or was not run, as a mark. */
function verdict({ results }: Book, row: Row, [good, bad] = ["holds", "fails"]): Markup {
  const result = results.get(row.id);
  if (!result) return html`<span class="mark idle" title="not run for this page">not run</span>`;
  return result.pass
    ? html`<span class="mark good" title="every comparison holds">${good}</span>`
    : html`<span class="mark bad">${bad}</span>`;
}

function checksTable({ checks }: RowResult): Markup {
  if (checks.length === 0) return html``;
  const rows = checks.map((check) => {
    const [measured, expected] = sidesText(check);
    const worst = check.pairs.length === 0 ? html` <small>worst of ${count(check.count)}</small>` : "";
    return [html`${inline(check.what)}${worst}`, measured, expected, toleranceText(check), check.pass ? "✓" : "✗"];
  });
  const columns: Column[] = [
    { name: "" },
    { name: "measured", kind: "number" },
    { name: "expected", kind: "number" },
    { name: "tolerance", kind: "number" },
    { name: "" },
  ];
  return table(columns, rows, { rowClass: (i) => (checks[i].pass ? "" : "broken") });
}

function outcome(result: RowResult): Markup {
  const values = result.values.map(
    ({ what, value }) =>
      html`<dt>${inline(what)}</dt>
        <dd>${value}</dd>`,
  );
  const figures = result.figures.map(
    ({ svg, caption }) =>
      html`<figure>${raw(svg)}${caption ? html`<figcaption>${inline(caption)}</figcaption>` : ""}</figure>`,
  );
  return html`${result.reason ? html`<p class="reason">${result.reason}</p>` : ""}${checksTable(result)}
  ${values.length > 0 ? html`<dl>${values}</dl>` : ""}
  ${figures.length > 0 ? html`<div class="figures">${figures}</div>` : ""}`;
}

function codeBlock(summary: string, code: string, open: boolean): Markup {
  return html`<details${raw(open ? " open" : "")}><summary>${summary}</summary><pre><code>${code}</code></pre></details>`;
}

function section(book: Book, row: Row): Markup {
  const result = book.results.get(row.id);
  const code = book.source.rows.get(row.id) ?? "";
  return html`<section id="${row.id}">
    <h2><a class="id" href="#${row.id}">${row.id}</a> ${row.title} ${verdict(book, row)}</h2>
    <div class="statement">${formula(row.statement, true)}</div>
    ${prose(row.look)} ${result ? outcome(result) : ""}
    ${code ? codeBlock("Code", code, code.split("\n").length <= 24) : ""}
  </section>`;
}

/** Links to every chapter, and within the page's own to its rows. */
function navigation({ chapters }: Book, current: Chapter | null): Markup {
  const items = chapters.map((chapter) => {
    const rows = chapter.rows.map(
      (row) =>
        html`<li>
          <a href="#${row.id}"><b>${row.id.slice(4)}</b> ${row.title}</a>
        </li>`,
    );
    const own = chapter === current;
    return html`<li${raw(own ? ' class="current"' : "")}>
      <a href="${fileOf(chapter)}"><b>${chapter.id}</b> ${chapter.title}</a>${
        own
          ? html`<ol>
              ${rows}
            </ol>`
          : ""
      }
    </li>`;
  });
  return html`<nav aria-label="course">
    <a class="home" href="index.html">The course</a>
    <input
      id="search"
      type="search"
      placeholder="Search rows"
      aria-label="search rows by id and title"
      autocomplete="off"
    />
    <ul id="found" hidden></ul>
    <ul id="chapters">
      ${items}
    </ul>
  </nav>`;
}

/** The rows that the search knows, as JSON that cannot end a script. */
function searchData({ chapters }: Book): Markup {
  const rows = chapters.flatMap((chapter) => chapter.rows.map((row) => [row.id, row.title, fileOf(chapter)]));
  return raw(JSON.stringify(rows).replaceAll("<", "\\u003c"));
}

function page(book: Book, title: string, current: Chapter | null, main: Markup): string {
  const body = html`<body>
    <details class="menu"><summary>Contents</summary></details>
    ${navigation(book, current)}
    <main>
      ${main}
      <footer>typegrad ${version}. Every number on this page was computed when it was written.</footer>
    </main>
    <script>
      const rows = ${searchData(book)};
      ${raw(searchScript)};
    </script>
  </body>`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <title>${title}</title>
        <style>
          ${raw(formulaCss(body.text) + pageCss)}
        </style>
      </head>
      ${body}
    </html> `.text;
}

function chapterPage(book: Book, chapter: Chapter): string {
  const at = book.chapters.indexOf(chapter);
  const link = (other: Chapter | undefined, rel: string, arrow: string): Markup =>
    other ? html`<a rel="${rel}" href="${fileOf(other)}">${arrow} ${other.title}</a>` : html`<span></span>`;
  const parts = new Set(chapter.rows.flatMap((row) => book.source.shared.get(row.id) ?? []));
  const shared = [...parts].filter(Boolean).join("\n\n");
  const main = html`<h1><small>${chapter.id}</small> ${chapter.title}</h1>
    ${prose(chapter.about)} ${shared ? codeBlock("What the rows of this chapter share", shared, false) : ""}
    ${codeBlock("What the rows of all chapters use", book.source.helpers, false)}
    ${chapter.rows.map((row) => section(book, row))}
    <p class="around">${link(book.chapters[at - 1], "prev", "←")}${link(book.chapters[at + 1], "next", "→")}</p>`;
  return page(book, `${chapter.title} · the deep-learning course`, chapter, main);
}

function indexPage(book: Book): string {
  const all = [...book.results.values()];
  const passed = all.filter((result) => result.pass).length;
  const cards = book.chapters.map(
    (chapter) =>
      html`<section class="card">
        <h2>
          <a href="${fileOf(chapter)}"><small>${chapter.id}</small> ${chapter.title}</a>
        </h2>
        ${prose(chapter.about)}
        <ol>
          ${chapter.rows.map(
            (row) =>
              html`<li>
                <a href="${fileOf(chapter)}#${row.id}"><b>${row.id}</b> ${row.title}</a>
                ${verdict(book, row, ["✓", "fails"])}
              </li>`,
          )}
        </ol>
      </section>`,
  );
  const main = html`<h1>The deep-learning course, executable</h1>
    <p>
      Every row is a statement with what to look at, the numbers that prove it, pictures, and the few lines of code that
      computed them. ${plural(all.length, "row")} ran for these pages, ${passed} of them hold.
    </p>
    ${cards}`;
  return page(book, "The deep-learning course", null, main);
}

/** Writes the pages of the chapters that have results, and an index of them; says where. */
export async function writePages(
  folder: string,
  chapters: readonly Chapter[],
  results: readonly RowResult[],
): Promise<string> {
  const byId = new Map(results.map((result) => [result.row.id, result]));
  const shown = chapters.filter((chapter) => chapter.rows.some((row) => byId.has(row.id)));
  const book: Book = { chapters: shown, results: byId, source: courseSource() };
  for (const chapter of shown) await writeFileAtomic(join(folder, fileOf(chapter)), chapterPage(book, chapter));
  await writeFileAtomic(join(folder, "index.html"), indexPage(book));
  return `${plural(shown.length, "chapter")} written: ${join(folder, "index.html")}`;
}
