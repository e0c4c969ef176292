import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { encode } from "fast-png";
import {
  batchOf,
  decodePicture,
  imageFolder,
  imageMasks,
  readCsv,
  readWav,
  resizePicture,
  windows,
} from "#src/data/index.js";
import { type Picture, encodePng } from "#src/plot/index.js";
import { FileError, FormatError } from "#src/util/errors.js";

const folder = await mkdtemp(join(tmpdir(), "typegrad-pictures-"));
after(() => rm(folder, { recursive: true }));
async function put(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), bytes);
}
const flat = (width: number, height: number, pixel: readonly number[]): Picture => ({
  width,
  height,
  channels: pixel.length === 1 ? 1 : pixel.length === 3 ? 3 : 4,
  pixels: Uint8Array.from({ length: width * height * pixel.length }, (_, i) => pixel[i % pixel.length]),
});

/** Pillow 9.4: red grows to the right, green upwards, blue is 128; quality 95, no subsampling. */
const jpeg = Buffer.from(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsKDAkKCgr/2wBDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgr/wAARCAAQABADAREAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwD034Q/tbYWL/iZ+n8dfKZ1wZv7p/Avhl4ffB7h9RfCL9rbLRf8TP0/jr8jzrgzf3T/AEQ8MvD74PcPwe+Ef7W2BEP7T9P46/0Qzrgzf3T5Pwx8Pvg9zsfUXwg/a2/1Z/tP0/jr8jzrgzf3T/RDwx8Pvg9zsf/Z",
  "base64",
);

test("JPEG as Pillow decodes it, to a few levels", async () => {
  const { width, height, channels, pixels } = await decodePicture(jpeg);
  assert.deepEqual([width, height, channels], [16, 16, 3]);
  for (let y = 0; y < 16; y++)
    for (let x = 0; x < 16; x++)
      [17 * x, 255 - 17 * y, 128].forEach((level, c) =>
        assert.ok(Math.abs(pixels[3 * (16 * y + x) + c] - level) <= 6, `${x}, ${y}, ${c}`),
      );
});

test("classes are folders in the order of their names; batches are [N,C,H,W] and int32", async () => {
  await put("set/dog/b.png", encodePng(flat(6, 4, [255, 0, 51])));
  await put("set/dog/deep/a.jpg", jpeg);
  await put("set/cat/z.PNG", encodePng(flat(4, 6, [102])));
  await put("set/cat/notes.txt", new Uint8Array(3));
  const data = await imageFolder(join(folder, "set"), { size: 4 });
  assert.deepEqual(data.classes, ["cat", "dog"]);
  assert.deepEqual(
    data.files.map(({ path, label }) => [path.slice(folder.length + 5), label]),
    [
      ["cat/z.PNG", 0],
      ["dog/b.png", 1],
      ["dog/deep/a.jpg", 1],
    ],
  );
  const { images, labels } = await batchOf(data, [1, 0, 2]);
  assert.deepEqual([images.describe(), labels.describe()], ["float32[3,3,4,4]", "int32[3]"]);
  assert.deepEqual([...(await labels.data())], [1, 0, 1]);
  assert.deepEqual(
    [...(await images.at(":2", ":", 2, 1).data())],
    [1, 0, 0.2, 0.4, 0.4, 0.4].map((v) => Math.fround(v)),
  );
  const grey = await (await imageFolder(join(folder, "set"), { channels: 1 })).get(1);
  assert.deepEqual(grey.images.shape, [1, 4, 6]);
  assert.equal(grey.images.data[0], Math.fround(Math.round(0.299 * 255 + 0.114 * 51) / 255));
  const covered = await imageFolder(join(folder, "set"), { channels: 4 });
  assert.deepEqual([...(await covered.get(0)).images.data.subarray(72)], new Array(24).fill(1));
});

test("transparent pictures lie on white; grey with alpha and 16 bits are read", async () => {
  await put("kinds/a/1.png", encodePng(flat(1, 1, [0, 0, 0, 51])));
  await put("kinds/a/2.png", encode({ width: 1, height: 1, channels: 2, depth: 8, data: Uint8Array.of(100, 255) }));
  await put("kinds/a/3.png", encode({ width: 1, height: 1, channels: 1, depth: 16, data: Uint16Array.of(65_535 / 5) }));
  const data = await imageFolder(join(folder, "kinds"));
  const levels = await Promise.all([0, 1, 2].map(async (i) => [...(await data.get(i)).images.data]));
  assert.deepEqual(
    levels,
    [204, 100, 51].map((v) => new Array(3).fill(Math.fround(v / 255))),
  );
});

test("resized as Pillow's BILINEAR does, smoothing where the picture shrinks", () => {
  const picture: Picture = {
    width: 16,
    height: 12,
    channels: 3,
    pixels: Uint8Array.from({ length: 576 }, (_, i) => (7 * i) % 256),
  };
  const expected = {
    // Image.fromarray(...).resize((5, 4), Image.BILINEAR) of Pillow 9.4, its first rows
    small: [
      105, 112, 117, 131, 138, 127, 139, 146, 128, 129, 124, 126, 114, 112, 119, 123, 130, 127, 131, 124, 123, 134,
    ],
    large: [
      0, 7, 14, 15, 22, 29, 32, 39, 46, 48, 55, 62, 65, 72, 79, 82, 89, 96, 99, 106, 113, 116, 123, 130, 132, 139,
    ],
  };
  const check = (got: Uint8Array, want: readonly number[]): void =>
    want.forEach((v, i) => assert.ok(Math.abs(got[i] - v) <= 1, `${i}: ${got[i]} and ${v}`)); // Pillow rounds in between
  check(resizePicture(picture, [4, 5]).pixels, expected.small);
  check(resizePicture(picture, [18, 20]).pixels, expected.large);
  assert.deepEqual(resizePicture(picture, [12, 16]), picture);
  assert.deepEqual(resizePicture(picture, [12, 16], "nearest"), picture);
  // One number: the middle square, here columns 2 to 13.
  assert.deepEqual([...resizePicture(picture, 12).pixels.subarray(0, 6)], [42, 49, 56, 63, 70, 77]);
  assert.throws(() => resizePicture(picture, 0), /resizePicture: the size must be a positive integer/);
});

test("pictures with masks: classes by level, by their own map, with the nearest pixels", async () => {
  const mask: Picture = { width: 4, height: 2, channels: 1, pixels: Uint8Array.of(0, 0, 3, 3, 0, 7, 7, 3) };
  await put("pairs/images/one.jpg", jpeg);
  await put("pairs/images/two.png", encodePng(flat(4, 2, [9])));
  await put("pairs/masks/one.png", encodePng(flat(16, 16, [255])));
  await put("pairs/masks/two.png", encodePng(mask));
  const [images, masks] = [join(folder, "pairs/images"), join(folder, "pairs/masks")];
  const plain = await imageMasks(images, masks);
  assert.deepEqual((await plain.get(1)).masks, {
    dtype: "int32",
    shape: [2, 4],
    data: Int32Array.of(0, 0, 3, 3, 0, 7, 7, 3),
  });
  const sized = await imageMasks(images, masks, { size: [4, 8], classOf: (v) => Number(v > 4) });
  const batch = await batchOf(sized, [0, 1]);
  assert.deepEqual([batch.images.describe(), batch.masks.describe()], ["float32[2,3,4,8]", "int32[2,4,8]"]);
  assert.deepEqual([...(await batch.masks.at(1, 3).data())], [0, 0, 1, 1, 1, 1, 0, 0]);
  await put("pairs/masks/one.png", encodePng(flat(3, 3, [0])));
  await assert.rejects(Promise.resolve(plain.get(0)), /as large as its picture, got 3×3 in .*one\.png and 16×16/);
  await put("pairs/images/three.png", encodePng(flat(1, 1, [0])));
  await assert.rejects(
    imageMasks(images, masks),
    (e) => e instanceof FileError && /got no three\.png in/.test(e.message),
  );
});

test("damaged files and folders that do not fit are refused by name", async () => {
  await put("bad/a/short.jpg", jpeg.subarray(0, 300));
  await put("bad/a/short.png", encodePng(flat(9, 9, [1])).subarray(0, 50));
  await put("bad/a/text.png", Buffer.from("hello"));
  const bad = await imageFolder(join(folder, "bad"));
  for (const i of [0, 1, 2])
    await assert.rejects(
      Promise.resolve(bad.get(i)),
      (e) => e instanceof FormatError && /bad\/a\/(short|text)/.test(e.message),
      `${i}`,
    );
  await assert.rejects(Promise.resolve(bad.get(3)), /imageFolder: the index must be an integer from 0 to 2/);
  await assert.rejects(imageFolder(join(folder, "bad/a")), /must hold a folder for each class, got none/);
  await assert.rejects(imageFolder(join(folder, "none")), /there is no such file or folder/);
  await put("empty/a/readme.txt", new Uint8Array(1));
  await assert.rejects(imageFolder(join(folder, "empty")), /every class must have a picture/);
  await assert.rejects(imageFolder(folder, { size: -1 }), /imageFolder: the size must be/);
});

test("windows of sound are [windows, channels, length], with steps, and silence at the end", () => {
  const samples = { dtype: "float32", shape: [2, 5], data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) } as const;
  const two = { rate: 1, samples };
  assert.deepEqual([...windows(two, 2).data], [1, 2, 6, 7, 3, 4, 8, 9]);
  assert.deepEqual([...windows(two, 3, { hop: 2 }).data], [1, 2, 3, 6, 7, 8, 3, 4, 5, 8, 9, 10]);
  assert.deepEqual([...windows(two, 4, { pad: true }).data.subarray(8)], [5, 0, 0, 0, 10, 0, 0, 0]);
  assert.deepEqual(windows(two, 6).shape, [0, 2, 6]);
  assert.throws(() => windows(two, 0), /windows: length and hop/);
});

test("errors of files name what was called", async () => {
  const missing = join(tmpdir(), "typegrad-nothing");
  await assert.rejects(
    imageFolder(missing),
    /^FileError: imageFolder: .*typegrad-nothing: there is no such file or folder/,
  );
  await assert.rejects(imageMasks(missing, missing), /^FileError: imageMasks: /);
  await assert.rejects(readWav(missing), /^FileError: readWav: .*: there is no such file/);
  await assert.rejects(readCsv(missing), /^FileError: readCsv: /);
});
