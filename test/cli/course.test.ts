/** `typegrad course`, as it is called. */
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { row, runRow } from "typegrad/course";
import { chapters } from "#chapters/index.js";
import { resultLine } from "#src/cli/course-text.js";
import { succeed, temporaryFolder, typegrad } from "./support.js";

test("without names the chapters are listed", async () => {
  const text = await succeed(["course"]);
  for (const { id, title } of chapters) assert.ok(text.includes(`${id}  ${title}`), id);
});

test("rows run by chapter and by name, in any case and once, and print what they measured", async () => {
  const text = await succeed(["course", "lin-07", "LIN-02", "LIN-07"]);
  const lines = text.split("\n").filter((line) => line.startsWith("LIN"));
  assert.equal(lines.length, 2);
  assert.match(lines[0], /^LIN-02 +Trace identities .* pass +\d+\.\d\d s$/);
  assert.match(text, /2 rows, 2 pass, 0 fail/);
});

test("what does not exist is refused with what does", async () => {
  const cases: [string, RegExp][] = [
    ["LIM", /got "LIM"\. did you mean "LIN"\? the chapters are .*LIN/],
    ["LIN-99", /chapter LIN must have the row that is named, got "LIN-99"\. it has LIN-01 … LIN-\d\d/],
    ["LIN-", /got "LIN-"/],
    ["", /the chapters are/],
  ];
  for (const [name, message] of cases) {
    const { code, stdout, stderr } = await typegrad(["course", "LIN-02", name]);
    assert.match(stderr, message);
    assert.equal(stdout, "", "nothing ran");
    assert.equal(code, 2);
  }
});

test("nothing runs when what is measured cannot be written", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "file"), "");
  for (const flags of [
    ["--json", folder],
    ["--json", join(folder, "file", "a.json")],
    ["--html", join(folder, "file")],
  ]) {
    const { code, stdout, stderr } = await typegrad(["course", "LIN-02", ...flags]);
    assert.match(stderr, /^error: course: --(json|html): /);
    assert.equal(stdout, "", "nothing ran");
    assert.equal(code, 1);
  }
});

test("--json holds a record for every row", async () => {
  const file = join(await temporaryFolder(), "new folder", "course.json");
  await succeed(["course", "LIN-02", "LIN-04", "--json", file]);
  const records: Record<string, unknown>[] = JSON.parse(await readFile(file, "utf8"));
  assert.deepEqual(
    records.map((record) => [record.id, record.pass, record.reason]),
    [
      ["LIN-02", true, ""],
      ["LIN-04", true, ""],
    ],
  );
  const keys = ["id", "pass", "measured", "expected", "tolerance", "seconds", "reason"];
  for (const record of records) {
    assert.deepEqual(Object.keys(record), keys);
    const [measured, expected, tolerance] = [record.measured, record.expected, record.tolerance].map(Number);
    assert.ok(Math.abs(measured - expected) <= tolerance);
  }
});

test("--html writes an index and pages that need nothing beside them", async () => {
  const folder = await temporaryFolder();
  await succeed(["course", "LIN-06", "--html", folder]);
  assert.deepEqual((await readdir(folder)).toSorted(), ["index.html", "lin.html"]);
  const page = await readFile(join(folder, "lin.html"), "utf8");
  assert.match(page, /<section id="LIN-06">/);
  for (const part of ["<math ", "data:font/woff2;base64,", "<svg ", "t.close(", "65.32"])
    assert.ok(page.includes(part), part);
  const outside = [...page.matchAll(/(?:src|href)="([^"]*)"|url\((?!data:)([^)]*)\)/g)].map((m) => m[1] ?? m[2]);
  const strays = outside.filter((to) => !/^(?:#.*|index\.html|lin\.html.*|data:.*|https:.*)$/.test(to));
  assert.deepEqual(strays, []);
  assert.match(await readFile(join(folder, "index.html"), "utf8"), /href="lin\.html#LIN-06"/);
});

test("a failing row is told with its reason", async () => {
  const broken = row("TST-01", "Two is three", "2=3", "", (t) => t.close(2, 3, 0.5, "two"));
  assert.match(
    resultLine(await runRow(broken)),
    /^TST-01 +Two is three +2 +3 +± 0\.5 +FAIL .*\n +two: 2 = 3 ± 0\.5 does not hold$/,
  );
});
