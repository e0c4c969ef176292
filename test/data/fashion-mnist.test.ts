import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Levels, arrayDataset, fashionMnist, fashionMnistClasses, ownFolders } from "#src/data/index.js";
import { FileError } from "#src/util/errors.js";

const folder = await mkdtemp(join(tmpdir(), "typegrad-fashion-"));
after(() => rm(folder, { recursive: true }));

/** Two pictures whose pixels count up, labelled 9 and 0. */
async function writePair(path: string): Promise<void> {
  const images = Uint8Array.from({ length: 16 + 2 * 784 }, (_, i) => i - 16);
  images.set([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "t10k-images-idx3-ubyte.gz"), gzipSync(images));
  await writeFile(join(path, "t10k-labels-idx1-ubyte"), Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 9, 0));
}

test("only root may hold the files itself: those of MNIST have the same names", async () => {
  const expected = ["mine", "mine/fashion-mnist", "/usr/share/datasets/fashion-mnist"];
  const folders = ownFolders("fashion-mnist", "mine");
  assert.deepEqual([folders[0], folders[1], folders.at(-1)], expected);
  for (const name of folders.slice(1)) assert.match(name, /\/fashion-mnist$/);
  for (const place of ["plain", "below/fashion-mnist"]) {
    await writePair(join(folder, place));
    const data = await fashionMnist({ root: join(folder, place.split("/")[0]), split: "test", download: false });
    assert.deepEqual([data.length, data.arrays.images.shape], [2, [2, 1, 28, 28]]);
    assert.deepEqual([...data.arrays.labels.data], [9, 0]);
  }
});

test("errors name fashionMnist", async () => {
  // @ts-expect-error there are two splits
  await assert.rejects(fashionMnist({ split: "all" }), /^ArgumentError: fashionMnist: split must be/);
  await assert.rejects(fashionMnist({ limit: -1 }), /fashionMnist: limit must be/);
  const missing = fashionMnist({ root: join(folder, "missing"), download: false });
  await (existsSync("/usr/share/datasets/fashion-mnist")
    ? missing
    : assert.rejects(
        missing,
        (error) => error instanceof FileError && error.message.startsWith("fashionMnist: train-images"),
      ));
});

test("bytes become numbers from 0 to 1 when they are asked for", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const data = arrayDataset({ images: new Levels(bytes, [64, 1, 2, 2]), labels: new Int32Array(64) });
  const images = data.arrays.images;
  assert.deepEqual(
    images.data,
    Float32Array.from(bytes, (x) => x / 255),
  );
  const { images: batch } = (await data.batch?.([63, 0, 63])) ?? assert.fail();
  assert.equal(batch.describe(), "float32[3,1,2,2]");
  assert.deepEqual(
    [...(await batch.data())],
    [252, 253, 254, 255, 0, 1, 2, 3, 252, 253, 254, 255].map((x) => Math.fround(x / 255)),
  );
  assert.deepEqual((await data.get(1)).images, {
    dtype: "float32",
    shape: [1, 2, 2],
    data: Float32Array.of(4 / 255, 5 / 255, 6 / 255, 7 / 255),
  });
  assert.throws(() => new Levels(bytes, [3, 5]), /Levels: \[3,5\] must hold 15 bytes, got 256/);
});

const published = "/usr/share/datasets/fashion-mnist";
const skip = !existsSync(published) && `SKIPPED: Debian's dataset-fashion-mnist is not installed in ${published}`;

test("all of Fashion-MNIST: counts, checksums of the pictures, first labels", { skip }, async () => {
  // Labels as zalandoresearch/fashion-mnist's utils/mnist_reader.py reads them.
  const expected = { train: [60_000, [9, 0, 0, 3, 0]], test: [10_000, [9, 2, 1, 1, 6]] } as const;
  for (const split of ["train", "test"] as const) {
    const { arrays, length } = await fashionMnist({ split, download: false });
    assert.equal(length, expected[split][0]);
    assert.deepEqual([...arrays.labels.data.subarray(0, 5)], expected[split][1]);
    // Every class is equally frequent.
    const counts = fashionMnistClasses.map((_, k) => arrays.labels.data.filter((x) => x === k).length);
    assert.deepEqual(counts, new Array(10).fill(length / 10));
    assert.ok(arrays.images instanceof Levels);
    const digest = createHash("sha256").update(arrays.images.bytes).digest("hex");
    assert.equal(digest, sums[split]);
  }
});

/** Of the pixels, by `zcat …-images-idx3-ubyte.gz | tail -c +17 | sha256sum`. */
const sums = {
  train: "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
  test: "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
};
