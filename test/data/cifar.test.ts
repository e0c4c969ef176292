import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { batchOf, cifar10, cifar100, parseTar } from "#src/data/index.js";
import { FileError, FormatError } from "#src/util/errors.js";

const folder = await mkdtemp(join(tmpdir(), "typegrad-cifar-"));
after(() => rm(folder, { recursive: true }));

/** Records with labels and pictures whose levels count up from the picture's number. */
const records = (labels: readonly (readonly number[])[], from = 0): Uint8Array =>
  Uint8Array.from(
    labels.flatMap((list, i) => [...list, ...Array.from({ length: 3072 }, (_, k) => (from + i + k) % 256)]),
  );

const ten: Readonly<Record<string, Uint8Array>> = {
  ...Object.fromEntries([1, 2, 3, 4, 5].map((b) => [`data_batch_${b}.bin`, records([[b], [9 - b]], 2 * (b - 1))])),
  "test_batch.bin": records([[7]], 100),
};

async function placed(name: string, files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(path, file), bytes);
  return path;
}

test("the batches of a folder one after another, [N,3,32,32] from 0 to 1", async () => {
  await placed("plain/cifar-10-batches-bin", ten);
  const data = await cifar10({ root: join(folder, "plain"), download: false });
  assert.deepEqual([data.length, data.arrays.images.shape], [10, [10, 3, 32, 32]]);
  assert.deepEqual([...data.arrays.labels.data], [1, 8, 2, 7, 3, 6, 4, 5, 5, 4]);
  const { images } = await batchOf(data, [9, 0]);
  // Picture 9 begins with level 9; its green with level (9 + 1024) mod 256 = 9, its pixel 3 rows down with 9 + 96.
  const green = await images.at(0, 1, 3, 0).item();
  assert.ok(Math.abs(green - 105 / 255) < 1e-7);
  const few = await cifar10({ root: join(folder, "plain"), limit: 3 });
  assert.deepEqual([...few.arrays.labels.data], [1, 8, 2]);
  const held = await cifar10({ root: join(folder, "plain"), split: "test" });
  assert.deepEqual(
    [held.length, held.arrays.labels.data[0], held.arrays.images.data[0]],
    [1, 7, Math.fround(100 / 255)],
  );
});

test("CIFAR-100 has two labels, of which the fine one counts", async () => {
  const root = await placed("hundred", {
    "train.bin": records([
      [19, 99],
      [0, 40],
    ]),
    "test.bin": records([[3, 4]]),
  });
  assert.deepEqual([...(await cifar100({ root })).arrays.labels.data], [99, 40]);
  await placed("wrong-hundred", { "train.bin": records([[20, 99]]), "test.bin": records([[3, 4]]) });
  await assert.rejects(
    cifar100({ root: join(folder, "wrong-hundred") }),
    /cifar100: labels must be below 20, got 20 at byte 0 of .*train\.bin/,
  );
});

test("the archive as GNU tar packs it, gzipped or not", async () => {
  await placed("packing/cifar-10-batches-bin", ten);
  for (const format of ["ustar", "gnu", "pax"]) {
    const root = await placed(`packed-${format}`, {});
    const path = join(root, "cifar-10-binary.tar.gz");
    execFileSync("tar", ["-C", join(folder, "packing"), `--format=${format}`, "-czf", path, "cifar-10-batches-bin"]);
    assert.deepEqual([...(await cifar10({ root })).arrays.labels.data], [1, 8, 2, 7, 3, 6, 4, 5, 5, 4], format);
  }
});

test("damaged, cut off and foreign files are refused by name", async () => {
  const bad = (error: unknown, message: RegExp): boolean => error instanceof FormatError && message.test(error.message);
  const short = await placed("short", { ...ten, "data_batch_3.bin": ten["data_batch_3.bin"].subarray(0, 5000) });
  await assert.rejects(cifar10({ root: short }), (e) =>
    bad(e, /data_batch_3\.bin must hold records of 3073 bytes, got 5000/),
  );
  const empty = await placed("empty", { ...ten, "data_batch_1.bin": new Uint8Array(0) });
  await assert.rejects(cifar10({ root: empty }), (e) => bad(e, /data_batch_1\.bin must hold records/));
  const label = await placed("label", { ...ten, "data_batch_2.bin": records([[1], [10]]) });
  await assert.rejects(cifar10({ root: label }), (e) => bad(e, /below 10, got 10 at byte 3073 of .*data_batch_2/));

  await placed("whole/cifar-10-batches-bin", ten);
  const tarPath = join(folder, "whole.tar");
  execFileSync("tar", ["-C", join(folder, "whole"), "--format=ustar", "-cf", tarPath, "cifar-10-batches-bin"]);
  const tar = new Uint8Array(await readFile(tarPath));
  const last = [...parseTar(tar).values()].at(-1) ?? assert.fail();
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [tar.subarray(0, last.byteOffset - tar.byteOffset + 100), /must have \d+ bytes, got 100 up to the archive's end/],
    [tar.subarray(0, 700), /header of 512 bytes|must have/],
    [tar.map((byte, i) => (i === 20 ? byte ^ 1 : byte)), /header of 512 bytes with its checksum must stand at byte 0/],
    [gzipSync(tar).subarray(0, 400), /gzip stream is damaged or cut off/],
    [new Uint8Array(1024), /must hold cifar-10-batches-bin\/data_batch_1\.bin, got no files/],
    [Uint8Array.from({ length: 4000 }, (_, i) => i * 37), /header of 512 bytes/],
  ];
  for (const [i, [bytes, message]] of cases.entries()) {
    const root = await placed(`archive-${i}`, { "cifar-10-binary.tar.gz": bytes });
    await assert.rejects(cifar10({ root }), (e) => bad(e, message), String(message));
  }
  await assert.rejects(
    cifar10({ root: join(folder, "nowhere"), download: false }),
    (e) =>
      e instanceof FileError &&
      /^cifar10: cifar-10-binary\.tar\.gz, or data_batch_1\.bin, .*TYPEGRAD_DATA/.test(e.message),
  );
});
