import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile as read, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { withFile } from "#src/io/files.js";
import { fileExists, readFile, writeFileAtomic } from "#src/io/index.js";
import { FileError, OutOfMemoryError } from "#src/util/errors.js";

const folder = await mkdtemp(join(tmpdir(), "typegrad-files-"));
after(() => rm(folder, { recursive: true }));

async function fileErrorOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof FileError, String(error));
    return error.message;
  }
  throw new assert.AssertionError({ message: "expected a FileError" });
}

test("a file is written whole, replaced whole, in folders that did not exist", async () => {
  const path = join(folder, "new/deep/file.bin");
  await writeFileAtomic(path, Uint8Array.of(1, 2, 3));
  assert.deepEqual(await readFile(path), Uint8Array.of(1, 2, 3));
  await writeFileAtomic(path, "text");
  assert.equal(await read(path, "utf8"), "text");
  assert.deepEqual(await readdir(join(folder, "new/deep")), ["file.bin"]);
});

test("pieces are asked for while they are written; when one fails, the old content stays", async () => {
  const path = join(folder, "pieces/file.bin");
  const lengths: number[] = [];
  async function* pieces(error?: Error): AsyncGenerator<Uint8Array> {
    for (const piece of [Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)]) {
      const [unfinished] = (await readdir(join(folder, "pieces"))).filter((x) => x.endsWith(".tmp"));
      lengths.push((await read(join(folder, "pieces", unfinished))).length);
      yield piece;
    }
    if (error) throw error;
  }
  await writeFileAtomic(path, pieces());
  assert.deepEqual(lengths, [0, 2, 2]);
  const own = new OutOfMemoryError("allocate: …");
  await assert.rejects(writeFileAtomic(path, pieces(own)), (error) => error === own);
  assert.match(await fileErrorOf(writeFileAtomic(path, pieces(new Error("broken")))), /pieces\/file\.bin: broken/);
  assert.deepEqual(await readFile(path), Uint8Array.of(1, 2, 3));
  assert.deepEqual(await readdir(join(folder, "pieces")), ["file.bin"]);
});

test("parts of a file", async () => {
  const path = join(folder, "parts");
  await writeFile(path, Uint8Array.of(0, 1, 2, 3, 4));
  const parts = await withFile(path, async ({ size, read: part }) => [size, await part(1, 3), await part(5, 5)]);
  assert.deepEqual(parts, [5, Uint8Array.of(1, 2), Uint8Array.of()]);
  const beyond = withFile(path, (file) => file.read(3, 6), "load");
  assert.match(await fileErrorOf(beyond), /^load: .*parts: the file became shorter while it was read/);
  assert.match(await fileErrorOf(withFile(join(folder, "none"), (file) => file.read(0, 1))), /no such file or folder/);
});

test("of many writers at once, one wins and nothing is mixed", async () => {
  const path = join(folder, "contended");
  await Promise.all(Array.from({ length: 20 }, (_, i) => writeFileAtomic(path, new Uint8Array(5000).fill(i))));
  const bytes = await readFile(path);
  assert.equal(bytes.length, 5000);
  assert.ok(bytes.every((x) => x === bytes[0]));
  assert.deepEqual(
    (await readdir(folder)).filter((x) => x.endsWith(".tmp")),
    [],
  );
});

test("errors name the path and the cause", async () => {
  const path = join(folder, "missing");
  assert.equal(await fileErrorOf(readFile(path)), `readFile: ${path}: there is no such file or folder. check the path`);
  assert.match(await fileErrorOf(readFile(folder)), /it is a folder\. name a file/);
  await writeFile(join(folder, "plain"), "x");
  assert.match(await fileErrorOf(writeFileAtomic(join(folder, "plain/inside"), "")), /a part of the path is a file/);
  await mkdir(join(folder, "taken"));
  assert.match(
    await fileErrorOf(writeFileAtomic(join(folder, "taken"), "")),
    /writeFileAtomic: .*taken: it is a folder/,
  );
  assert.deepEqual(
    (await readdir(folder)).filter((x) => x.endsWith(".tmp")),
    [],
  );
  assert.equal(await fileExists(path), false);
  assert.equal(await fileExists(join(folder, "plain/inside")), false);
  assert.equal(await fileExists(folder), false);
  assert.equal(await fileExists(join(folder, "plain")), true);
});

test(
  "a write that the system stops leaves the old file and nothing else",
  { skip: process.platform === "win32" },
  async () => {
    const path = join(folder, "limited/file");
    await writeFileAtomic(path, "old");
    const script = `
    import { writeFileAtomic } from ${JSON.stringify(import.meta.resolve("#src/io/index.js"))};
    process.on("SIGXFSZ", () => {});
    await writeFileAtomic(${JSON.stringify(path)}, new Uint8Array(1 << 20)).catch((e) => console.log(e.name, e.message));`;
    // At most 64 KiB a file: what a full disk looks like to the writer, half of the bytes go in.
    const { stdout } = await promisify(execFile)("sh", [
      "-c",
      'ulimit -f 64; exec "$0" --input-type=module -e "$1"',
      process.execPath,
      script,
    ]);
    assert.match(stdout, /^FileError writeFileAtomic: .*limited\/file: the file would be larger than is allowed/);
    assert.equal(await read(path, "utf8"), "old");
    assert.deepEqual(await readdir(join(folder, "limited")), ["file"]);
  },
);

test(
  "without permission to write, the error says so",
  { skip: process.getuid?.() === 0 && "root may write everywhere" },
  async () => {
    const path = join(folder, "locked");
    await mkdir(path, { mode: 0o500 });
    assert.match(await fileErrorOf(writeFileAtomic(join(path, "file"), "")), /permission is denied/);
  },
);

test("a full disk is called full", { skip: process.platform !== "linux" && "needs /dev/full" }, async () => {
  const { explain } = await import("#src/io/files.js");
  const fault = await writeFile("/dev/full", "x").then(
    () => assert.fail("it took the bytes"),
    (error: unknown) => error,
  );
  assert.match(
    explain("writeFileAtomic", "a", fault).message,
    /^writeFileAtomic: a: the disk is full\. free some space/,
  );
});
