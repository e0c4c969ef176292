/** Numbers that are told: figures, the report's picture, and the answer to a file. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { tensor } from "typegrad";
import { rmse } from "typegrad/train";
import { dataOf } from "#src/cli/registry/index.js";
import { judgementOf } from "#src/cli/registry/regression.js";
import { permutation } from "typegrad/data";
import { encodePng } from "typegrad/plot";
import { succeed, temporaryFolder, typegrad } from "./support.js";

test("answers are judged by their errors", () => {
  // Errors 1, 0, -2, 1: squares 6 of 4; the truths 0, 1, 2, 5 lie 14 in squares around 2.
  const { figures, sections } = judgementOf([0, 1, 2, 5], [1, 1, 0, 6]);
  const value = (name: string): number => figures.find((f) => f.name === name)?.value ?? Number.NaN;
  assert.equal(value("loss"), 1.5);
  assert.equal(value("rmse"), Math.sqrt(1.5));
  assert.ok(Math.abs(value("explained") - (1 - 6 / 14)) < 1e-12);
  assert.equal(value("largest error"), 2);
  assert.match(sections[0].text, /<svg /);
});

test("rmse is over all elements of all batches", async () => {
  const metric = rmse();
  let state = metric.init();
  state = metric.update(state, tensor([[1], [1], [0]]), tensor([[0], [1], [2]]));
  state = metric.update(state, tensor([[6]]), tensor([[5]]));
  assert.ok(Math.abs(Number(await metric.value(state)) - Math.sqrt(1.5)) < 1e-6);
});

test("files become inputs, or are named", async () => {
  const adding = dataOf("adding");
  const facts = { ...adding.facts, input: [2, 3] };
  const read = (text: string) => adding.read({ name: "a.csv", bytes: new TextEncoder().encode(text) }, facts);
  assert.deepEqual([...(await read("0.5,0\n0.25,1\n1,1\n"))], [0.5, 0.25, 1, 0, 1, 1]);
  for (const text of ["0.5,0\n0.25,1\n", "0.5,0\n0.25,\n1,1\n", "a,b\n1,2\n3,4\n"])
    assert.throws(() => read(text), /^FormatError: a\.csv: it must hold 3 lines of a number and a mark/);
  const permuted = dataOf("permuted-mnist");
  const pixels = Uint8Array.from({ length: 784 }, (_, i) => (i % 28 === 0 || i % 28 > 26 ? 0 : i % 251));
  const bytes = encodePng({ width: 28, height: 28, channels: 1, pixels });
  const file = { name: "a.png", bytes };
  const [levels, moved] = [await dataOf("mnist").read(file, permuted.facts), await permuted.read(file, permuted.facts)];
  permutation(784, 0).forEach((from, i) => assert.equal(moved[i], levels[from]));
});

test("a TCN of few steps is trained, judged and asked from the command line", async () => {
  const out = await temporaryFolder();
  const stopped = await typegrad(
    ["train", "tcn", "--out", out, "--epochs", "1", "--save-every", "1"],
    (printed, child) => {
      if (printed.includes("into ")) setTimeout(() => child.kill("SIGINT"), 4000);
    },
  );
  assert.equal(stopped.code, 130, stopped.stderr);
  const rows = Array.from({ length: 200 }, (_, t) => `${t / 200},${Number(t === 9 || t === 100)}`);
  await writeFile(join(out, "ask.csv"), rows.join("\n"));
  assert.match(await succeed(["predict", join(out, "tcn"), join(out, "ask.csv")]), /^sum {2}-?[\d.e-]+$/m);
  assert.match(
    await succeed(["eval", join(out, "tcn")]),
    /^loss +[\d.]+\nrmse +[\d.]+\nexplained +-?[\d.]+\nlargest error/m,
  );
});
