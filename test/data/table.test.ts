/** CSV and tables: what RFC 4180 says, damage, and data sets with published figures. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { DataLoader, iris, parseCsv, penguins, readCsv, Table, tableOf, vegaTable, wine } from "typegrad/data";
import { FileError, FormatError, tensor } from "typegrad";
import * as linalg from "typegrad/linalg";

test("cells may be quoted and hold delimiters, quotes and line breaks", () => {
  const table = parseCsv('\uFEFFname,note\r\nA,"one, two"\r\nB,"say ""hi""\nthere"\r\n\r\n');
  assert.deepEqual(table.columns, ["name", "note"]);
  assert.deepEqual(table.rows, [
    ["A", "one, two"],
    ["B", 'say "hi"\nthere'],
  ]);
  assert.deepEqual(parseCsv("1;2\n3;4", { delimiter: ";", columns: ["x", "y"] }).text("y"), ["2", "4"]);
});

test("numbers, classes and missing values", () => {
  const table = parseCsv("x,kind\n1,b\nNA,a\n-2.5e3,b\n,?\n");
  assert.deepEqual(Array.from(table.numbers("x")), [1, Number.NaN, -2500, Number.NaN]);
  assert.deepEqual(table.classes("kind"), { labels: Int32Array.of(0, 1, 0, -1), names: ["b", "a"] });
  assert.equal(table.complete().length, 2);
  assert.equal(table.filter((row) => row.kind === "b").length, 2);
  assert.deepEqual(table.complete(["x"]).matrix(["x"], "float64").shape, [2, 1]);
});

test("what is wrong with a table is said by column and row", () => {
  assert.throws(() => parseCsv("a,b\n1,2\n3"), /every row must have 2 cells, got 1 in row 2/);
  assert.throws(() => parseCsv("a,a\n1,2"), /got "a" twice/);
  assert.throws(() => parseCsv(""), /first line must name the columns/);
  assert.throws(() => parseCsv("a", { delimiter: "ab" }), /one character/);
  const table = parseCsv("a\n1\nx");
  assert.throws(() => table.numbers("a"), /column "a" must hold numbers, got "x" in row 2/);
  assert.throws(() => table.numbers("b"), /must be one of a, got "b"/);
});

test("files, plain and packed; errors name the file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "typegrad-csv-"));
  try {
    await writeFile(join(folder, "a.csv"), "x\n1\n");
    await writeFile(join(folder, "a.csv.gz"), gzipSync("x\n1\n"));
    await writeFile(join(folder, "bad.csv"), "x\n1,2\n");
    assert.deepEqual((await readCsv(join(folder, "a.csv"))).text("x"), ["1"]);
    assert.deepEqual((await readCsv(pathToFileURL(join(folder, "a.csv.gz")))).text("x"), ["1"]);
    await assert.rejects(
      readCsv(join(folder, "bad.csv")),
      (e) => e instanceof FormatError && /bad\.csv: every row/.test(e.message),
    );
    await assert.rejects(
      readCsv(join(folder, "none.csv")),
      (e) => e instanceof FileError && /none\.csv/.test(e.message),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("iris has Fisher's figures", async () => {
  const flowers = await iris({ dtype: "float64" });
  assert.equal(flowers.length, 150);
  assert.deepEqual(flowers.classNames, ["setosa", "versicolor", "virginica"]);
  const { features, labels } = flowers.arrays;
  assert.deepEqual(
    [0, 1, 2].map((k) => Array.from(labels.data).filter((l) => l === k).length),
    [50, 50, 50],
  );
  const x = tensor(Float64Array.from(features.data), { shape: [150, 4] });
  // R: colMeans(iris[1:4]) and eigen(cov(iris[1:4]))
  const means = x.mean(0).dataSync();
  [5.843333, 3.057333, 3.758, 1.199333].forEach((m, i) => assert.ok(Math.abs(means[i] - m) < 1e-6));
  const centred = x.sub(x.mean(0));
  const eigenvalues = linalg.eigvalsh(centred.T.matmul(centred).div(149)).dataSync();
  [0.02383509, 0.0782095, 0.24267075, 4.22824171].forEach((v, i) => assert.ok(Math.abs(eigenvalues[i] - v) < 1e-8));
  for await (const { features: batch } of new DataLoader(flowers, { batchSize: 32 })) assert.equal(batch.shape[1], 4);
});

test("penguins: 342 of 344 were measured", async () => {
  const birds = await penguins();
  assert.equal((await vegaTable("penguins")).length, 344);
  assert.equal(birds.length, 342);
  assert.deepEqual(birds.classNames, ["Adelie", "Chinstrap", "Gentoo"]);
  // Horst, Hill and Gorman 2020: 151, 68 and 123 with measurements
  const counts = [0, 1, 2].map((k) => Array.from(birds.arrays.labels.data).filter((l) => l === k).length);
  assert.deepEqual(counts, [151, 68, 123]);
});

test("records become tables", () => {
  const table = tableOf([{ a: 1 }, { a: null, b: "x" }]);
  assert.deepEqual(table.columns, ["a", "b"]);
  assert.deepEqual(table.rows, [
    ["1", ""],
    ["", "x"],
  ]);
  assert.ok(table instanceof Table);
});

test("scikit-learn's files are read from a folder, and checked", async () => {
  const folder = await mkdtemp(join(tmpdir(), "typegrad-wine-"));
  try {
    await writeFile(join(folder, "wine_data.csv"), "2,2,red,white\n1,2,0\n3,4.5,1\n");
    const { arrays, classNames } = await wine({ root: folder, download: false });
    assert.deepEqual(Array.from(arrays.features.data), [1, 2, 3, 4.5]);
    assert.deepEqual(Array.from(arrays.labels.data), [0, 1]);
    assert.deepEqual(classNames, ["red", "white"]);
    await writeFile(join(folder, "wine_data.csv"), "3,2,red,white\n1,2,0\n3,4.5,1\n");
    await assert.rejects(wine({ root: folder }), /must hold 3 rows/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
