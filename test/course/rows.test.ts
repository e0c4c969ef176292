/** Every row holds, can fail, can be typeset and shows its code; the table in `docs/` says so. Slow rows: TYPEGRAD_FULL=1. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { runRow } from "typegrad/course";
import { chapters } from "#chapters/index.js";
import { courseTable, tablePath, type Verdict, verdictIn } from "#chapters/table.js";
import { courseSource } from "#src/cli/course-source.js";
import { formula, prose } from "#src/cli/formulas.js";

const full = process.env.TYPEGRAD_FULL === "1";
const rows = chapters.flatMap((chapter) => chapter.rows);
const verdicts = new Map<string, Verdict>();
const { rows: code, helpers } = courseSource();

for (const { id, rows } of chapters)
  describe(id, () => {
    for (const row of rows)
      test(
        `${row.id} ${row.title}`,
        { skip: row.slow && !full ? "takes long; TYPEGRAD_FULL=1 runs it" : false },
        async () => {
          const result = await runRow(row);
          verdicts.set(row.id, result.pass ? "pass" : "fail");
          assert.equal(result.reason, "");
          assert.ok(row.slow || result.seconds < 60, `a quick row takes seconds, not ${result.seconds.toFixed(0)}`);
          for (const { svg } of result.figures) assert.match(svg, /^<svg [^]*<\/svg>$/);

          // With every expected value wrong by five tolerances, every comparison with one fails.
          if (row.slow) return;
          const perturbed = await runRow(row, { perturbation: 5 });
          const blind = perturbed.checks.filter((check) => check.relation === "close" && check.pass);
          assert.deepEqual(blind, [], "these comparisons hold whatever is expected");
          assert.equal(perturbed.pass, false);
        },
      );
  });

test("ids are different, and every row has words, a formula that KaTeX sets, and its code", () => {
  assert.equal(new Set(rows.map((row) => row.id)).size, rows.length);
  assert.match(helpers, /^export const f64 = |\nexport const f64 = /);
  for (const { about } of chapters) assert.match(prose(about).text, /^<p>/);
  for (const row of rows) {
    assert.match(formula(row.statement, true).text, /class="katex-display"/, row.id);
    assert.ok(row.look.length > 40 && row.title, row.id);
    prose(row.look);
    assert.match(code.get(row.id) ?? "", /\bt\.(?:close|equal)\(/, `the code of ${row.id} is found`);
  }
});

test("docs/COURSE.md is what `npm run course:table` writes", async () => {
  const table = await readFile(tablePath, "utf8");
  const expected = courseTable(chapters, (row) => verdicts.get(row.id) ?? verdictIn(table, row));
  assert.equal(table, expected, "run npm run course:table");
});
