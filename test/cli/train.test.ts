import assert from "node:assert/strict";
import { chmod, copyFile, cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { lenet5, smallCnn } from "typegrad/models";
import { loadStateDict, stateDict } from "typegrad/nn";
import { type HostArray, formatSafetensors, parseSafetensors, toHost } from "typegrad/io";
import { encodePng } from "typegrad/plot";
import { digits } from "typegrad/data";
import { random, tensor } from "typegrad";
import { exists, jsonLines, smallData, succeed, temporaryFolder, typegrad } from "./support.js";

const data = await smallData(400, 100);
const out = await temporaryFolder();
/** Three epochs of 13 steps. */
const command = ["train", "lenet5", "--epochs", "3", "--data", data, "--out", out];
const whole = await succeed([...command, "--name", "whole"]);
const files = ["checkpoint.safetensors", "metrics.jsonl", "model.safetensors", "report.html", "run.json"];
const bytes = (run: string, file: string): Promise<Buffer> => readFile(join(out, run, file));

/** Same numbers in everything but what tells of time. */
async function assertSameRun(run: string): Promise<void> {
  for (const file of ["checkpoint.safetensors", "model.safetensors"])
    assert.ok((await bytes(run, file)).equals(await bytes("whole", file)), `${run}/${file}`);
  const timeless = async (name: string): Promise<unknown[]> =>
    (await jsonLines(join(out, name, "metrics.jsonl"))).map(({ seconds: _s, examplesPerSecond: _e, ...rest }) => rest);
  assert.deepEqual(await timeless(run), await timeless("whole"));
}

test("a run writes a checkpoint, metrics, the model, its settings and a report", async () => {
  assert.deepEqual((await readdir(join(out, "whole"))).sort(), files);
  const metrics = await jsonLines(join(out, "whole", "metrics.jsonl"));
  assert.deepEqual(
    metrics.map(({ epoch }) => epoch),
    [1, 2, 3],
  );
  for (const record of metrics)
    for (const name of ["trainLoss", "testLoss", "testAccuracy", "seconds", "examplesPerSecond", "learningRate"])
      assert.ok(Number.isFinite(record[name]), `${name} is ${record[name]}`);
  assert.ok(Number(metrics[2].trainLoss) < Number(metrics[0].trainLoss), "it learns");
  assert.match(whole, /LeNet-5 on 500 handwritten digits: 400 to learn from, 100 to test with/);
  assert.match(
    whole,
    /^epoch 3 {2}loss \d\.\d{4} {2}test loss \d\.\d{4} {2}test accuracy \d+\.\d\d % {2}[\d,]+ pictures\/s {2}[\d.]+ s$/m,
  );
  assert.ok(!whole.includes("\u001b") && !whole.includes("\r"), "no bar where there is no terminal");
});

test("the model's file alone says what the metrics say", async () => {
  random.manualSeed(0);
  const model = lenet5().eval();
  const { tensors } = parseSafetensors(await bytes("whole", "model.safetensors"));
  loadStateDict(model, Object.fromEntries([...tensors].map(([name, x]) => [name, tensor(x.data, x)])));
  const { images, labels } = (await digits({ split: "test", limit: 100 })).arrays;
  const logits = model.forward(tensor(images.data, { shape: images.shape }).sub(0.1307).div(0.3081)); // [100, 10]
  const right = await logits.argmax(1).equal(tensor(labels.data, labels)).astype("float32").mean().item();
  const [, , last] = await jsonLines(join(out, "whole", "metrics.jsonl"));
  assert.ok(Math.abs(right - Number(last.testAccuracy)) < 1e-6, `${right} and ${last.testAccuracy}`);
});

test("the report shows the run", async () => {
  const page = (await bytes("whole", "report.html")).toString();
  const [, , last] = await jsonLines(join(out, "whole", "metrics.jsonl"));
  const wrong = Math.round(100 * (1 - Number(last.testAccuracy)));
  assert.ok(page.includes(Number(last.testLoss).toPrecision(4)), "the loss that the metrics have");
  assert.ok(page.includes(`${wrong} of 100`), `${wrong} mistakes`);
  assert.equal(page.match(/<figure>/g)?.length ?? 0, wrong);
  assert.equal(page.match(/<svg /g)?.length, 3);
  assert.ok(page.includes("61,706") && page.includes("weight [6, 1, 5, 5]"));
  assert.ok(page.replace(/\s+/g, " ").includes("--epochs 3 --batch 32 --lr 0.003 --seed 42 --device cpu"));
});

test("another seed is another run, the same seed the same", async () => {
  await succeed([...command, "--name", "again", "--save-every", "5"]);
  await assertSameRun("again");
  await succeed([...command, "--name", "other", "--seed", "43"]);
  assert.ok(!(await bytes("other", "model.safetensors")).equals(await bytes("whole", "model.safetensors")));
});

test("killed in an epoch and resumed, a run is the same bit for bit", async () => {
  const killed = [...command, "--name", "killed", "--save-every", "1"];
  const first = await typegrad(killed, (printed, child) => {
    if (printed.includes("epoch 1 ")) setTimeout(() => child.kill("SIGKILL"), 30);
  });
  assert.equal(first.signal, "SIGKILL");
  assert.ok(!(await exists(join(out, "killed", "report.html"))));
  const resumed = await succeed(["train", "lenet5", "--out", out, "--name", "killed", "--resume"]);
  assert.match(resumed, /going on in epoch 2 after \d+ of 13 steps/);
  await assertSameRun("killed");
});

test("a run without a checkpoint starts from its beginning", async () => {
  const run = join(out, "early");
  await mkdir(run);
  await copyFile(join(out, "whole", "run.json"), join(run, "run.json"));
  await succeed([...command, "--name", "early", "--resume"]);
  await assertSameRun("early");
});

test("Ctrl-C ends after the step in hand with a checkpoint and says how to go on", async () => {
  const stopped = await typegrad([...command, "--name", "stopped"], (printed, child) => {
    if (printed.includes("epoch 1 ") && !printed.includes("stopping")) child.kill("SIGINT");
  });
  assert.equal(stopped.code, 130, stopped.stderr);
  assert.match(stopped.stdout, /stopping after this step/);
  const hint = /go on with: typegrad (.*)$/m.exec(stopped.stdout)?.[1] ?? "";
  assert.ok(hint.includes(`--data '${data}'`) && hint.includes(`--out ${out} --name stopped --resume`), hint);
  await succeed([...command, "--name", "stopped", "--resume"]);
  await assertSameRun("stopped");
});

test("a finished run is left as it is by --resume", async () => {
  const again = await succeed([...command, "--name", "again", "--resume"]);
  assert.match(again, /all 3 epochs are done/);
  await assertSameRun("again");
});

/** A copy of the whole run with one file changed. */
async function spoiled(name: string, file: string, change: (content: Buffer) => Buffer): Promise<string[]> {
  await cp(join(out, "whole"), join(out, name), { recursive: true });
  await writeFile(join(out, name, file), change(await bytes("whole", file)));
  return ["train", "lenet5", "--out", out, "--name", name, "--resume"];
}

test("damaged files of a run are named", async () => {
  const cases: [string, string, (content: Buffer) => Buffer, RegExp][] = [
    ["cut", "checkpoint.safetensors", (b) => b.subarray(0, b.length - 100), /cut.checkpoint\.safetensors is damaged: /],
    ["empty", "checkpoint.safetensors", () => Buffer.alloc(0), /empty.checkpoint\.safetensors is damaged: /],
    ["noise", "checkpoint.safetensors", (b) => b.fill(0xff, 8, 60), /noise.checkpoint\.safetensors is damaged: /],
    ["line", "metrics.jsonl", () => Buffer.from("{\n"), /line.metrics\.jsonl: must be JSON/],
    ["lost", "metrics.jsonl", () => Buffer.from(""), /lost.metrics\.jsonl: must have the epochs before 4, got none/],
    [
      "settings",
      "run.json",
      () => Buffer.from('{"settings":{}}'),
      /settings.run\.json: must be what typegrad train writes/,
    ],
    [
      "foreign",
      "checkpoint.safetensors",
      (b) => Buffer.from(b.toString("latin1").replace("model.layers.0.bias", "model.layers.0.bios"), "latin1"),
      /layers\.0\.bias/,
    ],
  ];
  for (const [name, file, change, message] of cases) {
    const { code, stderr } = await typegrad(await spoiled(name, file, change));
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n {4}at /, "no stack trace");
    assert.equal(code, 1);
  }
});

test("what would not be the same run is refused", async () => {
  const resume = ["train", "lenet5", "--out", out, "--name", "whole", "--resume"];
  const fewer = await smallData(300, 100);
  const cases: [string[], RegExp][] = [
    [
      [...resume, "--batch", "16", "--lr", "0.01"],
      /--batch 16 where the run has 32, --lr 0\.01 where the run has 0\.003/,
    ],
    [[...resume, "--seed", "1"], /--seed 1 where the run has 42/],
    [[...resume, "--device", "reference"], /--device reference where the run has cpu/],
    [[...resume, "--epochs", "9"], /--epochs 9 where the run has 3/],
    [
      [...resume, "--data", fewer],
      /--resume needs the data that the run has, .*\(400 and 100 examples\), got .*\(300 and 100/,
    ],
    [
      [...command, "--name", "whole"],
      /there is a run in .* already\. go on with it by --resume, or choose another --name/,
    ],
    [[...command, "--name", "absent", "--resume"], /there must be a run in .*, got no run\.json there/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await typegrad(args);
    assert.match(stderr, message);
    assert.equal(code, 2);
  }
});

test(
  "a folder that cannot be written is named",
  { skip: process.getuid?.() === 0 && "root may write everywhere" },
  async () => {
    const locked = join(await temporaryFolder(), "locked");
    await mkdir(locked);
    await chmod(locked, 0o500);
    const { code, stderr } = await typegrad([...command.slice(0, -2), "--out", locked]);
    assert.match(stderr, /the run's folder must be writable, got EACCES for ".*locked.lenet5"\. choose another --out/);
    assert.equal(code, 1);
  },
);

test("a file in place of a folder is named", async () => {
  const { code, stderr } = await typegrad([...command.slice(0, -2), "--out", join(out, "whole", "run.json")]);
  assert.match(stderr, /the run's folder must be writable, got ENOTDIR/);
  assert.equal(code, 1);
});

test("a place where no folder can be made is named", { skip: process.platform !== "linux" && "no /proc" }, async () => {
  const { code, stderr } = await typegrad([...command.slice(0, -2), "--out", "/proc/typegrad"]);
  assert.match(stderr, /^error: the run's folder must be writable, got \w+ for "\/proc\/typegrad\/lenet5"\. choose/);
  assert.equal(code, 1);
});

test("files of another model are named", async () => {
  const run = join(out, "mixed");
  await cp(join(out, "whole"), run, { recursive: true });
  random.manualSeed(0);
  const tensors: [string, HostArray][] = [];
  for (const [name, x] of Object.entries(stateDict(smallCnn()))) tensors.push([name, await toHost(x)]);
  await writeFile(join(run, "model.safetensors"), formatSafetensors(tensors));
  const prefixed = tensors.map(([name, x]): [string, HostArray] => [`model.${name}`, x]);
  const { metadata } = parseSafetensors(await bytes("whole", "checkpoint.safetensors"));
  await writeFile(join(run, "checkpoint.safetensors"), formatSafetensors(prefixed, [...metadata]));
  const cases: [string[], RegExp][] = [
    [
      ["eval", run],
      /^error: .*model\.safetensors: it must hold the tensors of LeNet-5, got those of another model \(missing .*\)\. put/,
    ],
    [
      ["train", "lenet5", "--out", out, "--name", "mixed", "--resume"],
      /checkpoint\.safetensors: it must hold the tensors/,
    ],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await typegrad(args);
    assert.match(stderr, message);
    assert.equal(code, 1);
  }
  assert.ok(await exists(join(run, "run.json")), "nothing is lost");
});

test("a damaged picture is named, and the run's name is free again", async () => {
  const folder = await temporaryFolder();
  const png = encodePng({ width: 40, height: 40, channels: 1, pixels: new Uint8Array(1600) });
  for (const place of ["train/ant", "train/bee", "val/ant", "val/bee"]) {
    await mkdir(join(folder, place), { recursive: true });
    await writeFile(join(folder, place, "1.png"), png);
  }
  await writeFile(join(folder, "train", "bee", "2.png"), png.subarray(0, 40));
  await mkdir(join(folder, "train", "cow"));
  const args = ["train", "resnet20", "--data", "image-folder", "--data-dir", folder, "--out", out, "--epochs", "1"];
  const empty = await typegrad(args);
  assert.match(empty.stderr, /^error: imageFolder: every class must have a picture .*got none in .*cow/);
  assert.equal(empty.code, 1);
  await rm(join(folder, "train", "cow"), { recursive: true });
  for (const _ of [1, 2]) {
    const { code, stderr } = await typegrad(args);
    assert.match(stderr, /^error: imageFolder: .*train.bee.2\.png: the file must be an undamaged PNG, got 40 bytes/);
    assert.equal(code, 1);
  }
  const { stderr } = await typegrad(["train", "resnet20", "--data", "image-folder", "--data-dir", join(folder, "val")]);
  assert.match(stderr, /^error: --data-dir must name a folder that holds train and val, .*with (ant, bee|bee, ant)$/m);
});

test("eval gives the figures of the report again, and refuses data of another kind", async () => {
  const [, , last] = await jsonLines(join(out, "whole", "metrics.jsonl"));
  const said = await succeed(["eval", join(out, "whole")]);
  assert.match(said, /LeNet-5 on 100 test pictures/);
  assert.ok(said.includes(`accuracy  ${(100 * Number(last.testAccuracy)).toFixed(2)} %`), said);
  assert.ok(said.includes(`loss      ${Number(last.testLoss).toPrecision(4)}`), said);
  const other = await succeed(["eval", join(out, "whole"), "--data-dir", await smallData(10, 50)]);
  assert.match(other, /LeNet-5 on 50 test pictures.*\nnote: the run had other data/);
  const { code, stderr } = await typegrad(["eval", join(out, "whole"), "--data", "cells"]);
  assert.match(stderr, /LeNet-5 is for classification, got Cells/);
  assert.equal(code, 2);
  assert.match(
    (await typegrad(["eval", join(out, "whole"), "--data", "permuted-mnist", "--data-dir", data])).stdout,
    /LeNet-5 on 100 test pictures \(MNIST, its pixels in another order\)/,
  );
});

test("a part of the training data is held out, decides when to stop, and which model is kept", async () => {
  const flags = "--name held --epochs 40 --lr 0.05 --val-split 0.25 --patience 1".split(" ");
  const said = await succeed(["train", "lenet5", "--data", data, "--out", out, ...flags]);
  assert.match(said, /^epoch 1 {2}loss \S+ {2}validation loss \S+ {2}validation accuracy/m);
  const metrics = await jsonLines(join(out, "held", "metrics.jsonl"));
  assert.ok(metrics.length < 40, "it stops early");
  const best = Math.max(...metrics.map((m) => Number(m.validationAccuracy)));
  assert.ok(Number(metrics[metrics.length - 1].validationAccuracy) <= best);
  const page = (await bytes("held", "report.html")).toString();
  assert.ok(page.includes("--val-split 0.25 --patience 1") && page.includes("validation, best"));
  const tested = /test accuracy ([\d.]+) %/.exec(said)?.[1];
  assert.ok((await succeed(["eval", join(out, "held")])).includes(`accuracy  ${tested} %`));
});

test("predict says what is in a picture, as MNIST has it or as a person draws it", async () => {
  const { images, labels } = (await digits({ split: "train", limit: 40 })).arrays;
  const folder = await temporaryFolder();
  let right = 0;
  for (let i = 0; i < 6; i++) {
    const level = (x: number, y: number): number => images.data[i * 784 + y * 28 + x];
    // Dark ink on white, ten times as large.
    const pixels = Uint8Array.from(
      { length: 280 * 280 },
      (_, k) => 255 - Math.round(255 * level(Math.floor((k % 280) / 10), Math.floor(k / 2800))),
    );
    const path = join(folder, `${i}.png`);
    await writeFile(path, encodePng({ width: 280, height: 280, channels: 1, pixels }));
    const lines = (await succeed(["predict", join(out, "whole"), path])).trimEnd().split("\n");
    assert.equal(lines.length, 10);
    const shares = lines.map((line) => Number(/([\d.]+) %$/.exec(line)?.[1]));
    assert.ok(Math.abs(shares.reduce((a, b) => a + b, 0) - 100) < 0.1, "probabilities add up");
    assert.deepEqual(
      shares,
      shares.toSorted((a, b) => b - a),
    );
    if (Number(lines[0].trimStart()[0]) === labels.data[i]) right++;
  }
  assert.ok(right >= 4, `${right} of 6 training digits`);
  await writeFile(join(folder, "text.png"), "not a picture");
  await writeFile(join(folder, "cut.png"), (await readFile(join(folder, "0.png"))).subarray(0, 200));
  const cases: [string[], number, RegExp][] = [
    [
      ["predict", join(out, "whole"), join(folder, "text.png")],
      1,
      /^error: text\.png: the file must be a PNG or a JPEG/,
    ],
    [
      ["predict", join(out, "whole"), join(folder, "cut.png")],
      1,
      /^error: cut\.png: the file must be an undamaged PNG/,
    ],
    [
      ["predict", join(out, "whole"), join(folder, "none.png")],
      1,
      /^error: predict: .*none\.png: there is no such file/,
    ],
    [["predict", join(out, "whole"), folder], 1, /^error: predict: .*: it is a folder\. name a file/],
    [["predict", join(out, "whole")], 2, /there must be a picture to look at, got none/],
    [["predict", out, join(folder, "0.png")], 2, /there must be a run in/],
  ];
  for (const [args, expected, message] of cases) {
    const { code, stderr } = await typegrad(args);
    assert.match(stderr, message);
    assert.equal(code, expected);
  }
});
