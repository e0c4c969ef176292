import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  type DownloadProgress,
  type RemoteFile,
  cacheFolder,
  dataFolders,
  digits,
  download,
  mnist,
} from "#src/data/index.js";
import type { HostArray } from "#src/io/index.js";
import { FileError, FormatError } from "#src/util/errors.js";

const folder = await mkdtemp(join(tmpdir(), "typegrad-mnist-"));
after(() => rm(folder, { recursive: true }));

/** An MNIST-like pair of files: `count` pictures whose pixels count up, labelled 0, 1, 2, … */
function pair(count: number): { images: Uint8Array; labels: Uint8Array } {
  const images = Uint8Array.from({ length: 16 + count * 784 }, (_, i) => i - 16);
  images.set([0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28]);
  return { images, labels: Uint8Array.of(0, 0, 8, 1, 0, 0, 0, count, ...Array.from({ length: count }, (_, i) => i)) };
}

async function placed(name: string, files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(path, file), bytes);
  return path;
}

/** Runs with other environment variables. */
async function within<T>(
  variables: Readonly<Record<string, string | undefined>>,
  run: () => Promise<T> | T,
): Promise<T> {
  const before = { ...process.env };
  const set = (values: NodeJS.ProcessEnv): void => {
    for (const name of Object.keys(variables)) {
      if (values[name] === undefined) delete process.env[name];
      else process.env[name] = values[name];
    }
  };
  set(variables);
  try {
    return await run();
  } finally {
    set(before);
  }
}
const nowhere = { TYPEGRAD_DATA: undefined, XDG_CACHE_HOME: join(folder, "no-cache") };

test("the folders, in their order", async () => {
  const set = { TYPEGRAD_DATA: "/data", XDG_CACHE_HOME: "/cache" };
  assert.deepEqual(await within(set, () => dataFolders("mnist", "mine")), [
    "mine",
    "mine/mnist",
    "/data",
    "/data/mnist",
    "/cache/typegrad",
    "/cache/typegrad/mnist",
  ]);
  const home = { XDG_CACHE_HOME: "relative/is/ignored", HOME: "/home/someone" };
  const expected = process.platform === "darwin" ? "/home/someone/Library/Caches" : "/home/someone/.cache";
  if (process.platform !== "win32") assert.equal(await within(home, cacheFolder), `${expected}/typegrad`);
});

test("pictures are float32 [N,1,28,28] from 0 to 1, labels int32 [N]; plain, packed, other names, a limit", async () => {
  const { images, labels } = pair(3);
  const roots = [
    await placed("plain", { "train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels }),
    await placed("packed", {
      "train-images-idx3-ubyte.gz": gzipSync(images),
      "train-labels-idx1-ubyte.gz": gzipSync(labels),
    }),
    await placed("dotted", { "train-images.idx3-ubyte": images, "train-labels.idx1-ubyte": labels }),
  ];
  await placed("below/mnist", { "train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels });
  for (const root of [...roots, join(folder, "below")]) {
    const data = await mnist({ root, download: false });
    assert.equal(data.length, 3);
    assert.deepEqual([data.arrays.images.dtype, data.arrays.images.shape], ["float32", [3, 1, 28, 28]]);
    assert.deepEqual(data.arrays.labels, { dtype: "int32", shape: [3], data: Int32Array.of(0, 1, 2) });
    assert.deepEqual(
      data.arrays.images.data,
      Float32Array.from({ length: 3 * 784 }, (_, i) => (i % 256) / 255),
    );
  }
  const few = await mnist({ root: roots[0], limit: 2 });
  assert.deepEqual([few.length, few.arrays.images.shape], [2, [2, 1, 28, 28]]);
  const { images: one } = await few.get(1);
  assert.deepEqual([one.shape, one.data[0]], [[1, 28, 28], Math.fround((784 % 256) / 255)]);
});

test("files that are damaged or do not belong together are refused by name", async () => {
  const { images, labels } = pair(3);
  const cases: readonly (readonly [Readonly<Record<string, Uint8Array>>, RegExp])[] = [
    [
      { images: labels, labels },
      /train-images-idx3-ubyte: it must hold unsigned bytes of rank 3, got Uint8Array of rank 1/,
    ],
    [{ images, labels: pair(4).labels }, /equally many, got 3 in .* and 4 in /],
    [{ images: images.subarray(0, 800), labels }, /train-images-idx3-ubyte: \[3,28,28\] must take 2352 bytes, got 784/],
    [
      { images, labels: gzipSync(labels).subarray(0, 20) },
      /train-labels-idx1-ubyte: the gzip stream is damaged or cut off/,
    ],
  ];
  for (const [i, [files, message]] of cases.entries()) {
    const root = await placed(`damaged-${i}`, {
      "train-images-idx3-ubyte": files.images,
      "train-labels-idx1-ubyte": files.labels,
    });
    await assert.rejects(mnist({ root }), (error) => error instanceof FormatError && message.test(error.message));
  }
});

test("without files and without a download, the error says where they were looked for", async () => {
  await within(nowhere, () =>
    assert.rejects(
      mnist({ root: join(folder, "empty"), download: false }),
      (error) =>
        error instanceof FileError &&
        /^mnist: train-images-idx3-ubyte\.gz and train-labels-idx1-ubyte\.gz must lie in one folder, got neither in .*empty, .*empty\/mnist, .*no-cache\/typegrad.*TYPEGRAD_DATA/.test(
          error.message,
        ),
    ),
  );
  // @ts-expect-error there are two splits
  await assert.rejects(mnist({ split: "validation" }), /split must be "train" or "test", got "validation"/);
  await assert.rejects(mnist({ limit: 0 }), /limit must be an integer of at least 1, got 0/);
});

const content = Uint8Array.from({ length: 50_000 }, (_, i) => (i * 7) % 251);
const file: RemoteFile = {
  name: "some.bin",
  bytes: content.length,
  sha256: createHash("sha256").update(content).digest("hex"),
};

/** What the homes of the server answer. */
const answers: Readonly<Record<string, (response: ServerResponse, request: IncomingMessage) => void>> = {
  good: (r) => r.end(content),
  redirected: (r) => r.writeHead(302, { location: "/good/some.bin" }).end(),
  missing: (r) => r.writeHead(404).end("no"),
  changed: (r) => r.end(content.map((x, i) => (i === 1000 ? x ^ 1 : x))),
  short: (r) => r.end(content.subarray(0, 100)),
  long: (r) => r.end(Buffer.concat([content, content])),
  broken: (r) => {
    r.writeHead(200, { "content-length": content.length }).write(content.subarray(0, 20_000));
    setTimeout(() => r.destroy(), 20);
  },
  stalled: (r) => void r.writeHead(200, { "content-length": content.length }).write(content.subarray(0, 20_000)),
  silent: () => {},
  slow: (r) => {
    let at = 0;
    const timer = setInterval(() => {
      r.write(content.subarray(at, (at += 10_000)));
      if (at >= content.length) {
        clearInterval(timer);
        r.end();
      }
    }, 60);
  },
};
const server = createServer((request, response) => {
  const [, home = ""] = (request.url ?? "").split("/");
  answers[home]?.(response, request);
});
function addressOf(server: Server): string {
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return `http://127.0.0.1:${address.port}`;
}
let base = "";
before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  base = addressOf(server);
});
after(() => {
  server.closeAllConnections();
  server.close();
});

test("a download is checked and put in place, and tells how far it is", async () => {
  const path = join(folder, "downloads/some.bin");
  const steps: DownloadProgress[] = [];
  assert.deepEqual(await download(file, [`${base}/redirected/`], path, { onProgress: (x) => steps.push(x) }), content);
  assert.deepEqual(new Uint8Array(await readFile(path)), content);
  assert.deepEqual(steps.at(-1), { file: "some.bin", received: 50_000, total: 50_000 });
  assert.ok(steps.every((x, i) => i === 0 || x.received > steps[i - 1].received));
});

test("what a home gets wrong is told, and nothing is left behind", async () => {
  const cases: readonly (readonly [home: string, reason: RegExp])[] = [
    ["missing", /HTTP status 404/],
    ["changed", /its SHA-256 must be [0-9a-f]{64}, got [0-9a-f]{64}/],
    ["short", /it must have 50000 bytes, got 100/],
    ["long", /it must have 50000 bytes, got more/],
    ["broken", /(closed|terminated|reset|UND_ERR_SOCKET)/],
    ["stalled", /nothing came for 0\.1 s/],
    ["silent", /nothing came for 0\.1 s/],
  ];
  const path = join(folder, "failed/some.bin");
  for (const [home, reason] of cases)
    await assert.rejects(
      download(file, [`${base}/${home}`], path, { timeout: 100 }),
      (error) => {
        assert.ok(error instanceof FileError, String(error));
        assert.match(error.message, /^download: some\.bin must come from one of its homes, got http:\/\/127/);
        assert.match(error.message, reason);
        assert.match(error.message, /check the network, or put the file at .*failed\/some\.bin by hand$/);
        return true;
      },
      home,
    );
  await assert.rejects(readdir(join(folder, "failed")), /ENOENT/);
});

test("a slow download is no stalled one; the next home helps; no network is told; a signal stops", async () => {
  const path = join(folder, "others/some.bin");
  assert.deepEqual(await download(file, [`${base}/slow`], path, { timeout: 150 }), content);
  assert.deepEqual(await download(file, [`${base}/missing`, `${base}/good`], path), content);
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const gone = addressOf(closed);
  closed.close();
  await once(closed, "close");
  await assert.rejects(download(file, [gone], path), /some\.bin: .*ECONNREFUSED.*check the network/);
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error("enough")), 50);
  await assert.rejects(download(file, [`${base}/silent`], path, { signal: stop.signal }), /enough/);
});

test("mnist that is nowhere is asked from its homes", async () => {
  const root = join(folder, "wanted");
  await within(nowhere, () =>
    assert.rejects(
      mnist({ root, homes: [`${base}/missing`] }),
      /download: train-labels-idx1-ubyte\.gz must come from one of its homes, got .*HTTP status 404.*put the file at .*wanted\/train-labels-idx1-ubyte\.gz by hand/,
    ),
  );
});

/** The picture with a number as bytes. */
const bytesOf = ({ data }: HostArray, index: number): number[] =>
  Array.from(data.subarray(index * 784, (index + 1) * 784), (x) => Math.round(x * 255));

test("digits: 8,000 to train and 2,000 to test on, every class in both, no picture in both, always the same", async () => {
  const train = await digits();
  const test = await digits({ split: "test" });
  assert.deepEqual([train.length, test.length], [8000, 2000]);
  assert.deepEqual(test.arrays.images.shape, [2000, 1, 28, 28]);
  const count = (labels: HostArray): number[] =>
    Array.from({ length: 10 }, (_, digit) => labels.data.filter((x) => x === digit).length);
  const [a, b] = [count(train.arrays.labels), count(test.arrays.labels)];
  // Sizes of the classes in the package.
  assert.deepEqual(
    a.map((x, i) => x + b[i]),
    [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978],
  );
  for (const [digit, n] of b.entries()) assert.ok(Math.abs(n - (a[digit] + n) / 5) < 1, `class ${digit}: ${n}`);
  assert.ok(new Set(train.arrays.labels.data.subarray(0, 50)).size > 5, "classes are mixed");
  const held = new Set(Array.from({ length: 2000 }, (_, i) => bytesOf(test.arrays.images, i).join()));
  assert.equal(held.size, 2000);
  for (let i = 0; i < 8000; i++) assert.ok(!held.has(bytesOf(train.arrays.images, i).join()));
  assert.deepEqual((await digits({ limit: 5 })).arrays.images.data, train.arrays.images.data.subarray(0, 5 * 784));
  await assert.rejects(digits({ limit: 1.5 }), /digits: limit must be/);
});

const root = process.env["TYPEGRAD_DATA"];
const skip = root === undefined && "SKIPPED: TYPEGRAD_DATA names no folder with the full MNIST";

test("the full MNIST: counts, checksums of its authors' files, first labels", { skip }, async () => {
  const md5 = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("hex");
  const expected = {
    train: { count: 60_000, images: "6bbc9ace898e44ae57da46a324031adb", first: [5, 0, 4, 1, 9] },
    test: { count: 10_000, images: "2646ac647ad5339dbf082846283269ea", first: [7, 2, 1, 0, 4] },
  };
  for (const split of ["train", "test"] as const) {
    const { arrays, length } = await mnist({ split, download: false });
    const { count, images, first } = expected[split];
    assert.equal(length, count);
    assert.deepEqual([...arrays.labels.data.subarray(0, 5)], first);
    const file = new Uint8Array(16 + count * 784);
    new DataView(file.buffer).setUint32(0, 0x803);
    [count, 28, 28].forEach((x, i) => new DataView(file.buffer).setUint32(4 + 4 * i, x));
    for (let i = 16; i < file.length; i++) file[i] = Math.round(arrays.images.data[i - 16] * 255);
    assert.equal(md5(file), images);
  }
});

test("the packaged digits are the first 10,000 of the full training set, pixel by pixel", { skip }, async () => {
  const { images, labels } = (await mnist({ download: false, limit: 10_000 })).arrays;
  const whole = new Map(Array.from({ length: 10_000 }, (_, i) => [bytesOf(images, i).join(), labels.data[i]]));
  for (const split of ["train", "test"] as const) {
    const { arrays, length } = await digits({ split });
    for (let i = 0; i < length; i++)
      assert.equal(whole.get(bytesOf(arrays.images, i).join()), arrays.labels.data[i], `${split} ${i}`);
  }
});
