/** The command itself, and small data and runs for it. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { type LabelledImages, digits } from "typegrad/data";

const main = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));

/** A folder that is gone after the tests of the file. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "typegrad-cli-"));
  after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command with arguments; `during` sees what it prints and may end it. */
export function typegrad(
  args: readonly string[],
  during: (printed: string, child: ChildProcess) => void = () => {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // No data of this machine is looked for: neither TYPEGRAD_DATA nor the cache.
    const env = { ...process.env, TYPEGRAD_DATA: "", XDG_CACHE_HOME: join(tmpdir(), "typegrad-no-cache") };
    const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"], env });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      during(stdout, child);
    });
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** As `typegrad`, for what must go well. */
export async function succeed(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await typegrad(args);
  assert.equal(code, 0, stderr || stdout);
  return stdout;
}

function idx(shape: readonly number[], bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 + shape.length, 0);
  shape.forEach((n, i) => header.writeUInt32BE(n, 4 + 4 * i));
  return Buffer.concat([header, bytes]);
}

async function writeSplit(folder: string, name: string, { images, labels }: LabelledImages): Promise<void> {
  const pixels = Uint8Array.from(images.data, (v) => Math.round(255 * v));
  await writeFile(join(folder, `${name}-images-idx3-ubyte`), idx([images.shape[0], 28, 28], pixels));
  await writeFile(join(folder, `${name}-labels-idx1-ubyte`), idx([labels.shape[0]], Uint8Array.from(labels.data)));
}

/** A folder with real digits in MNIST's files: some to learn from and some to test with. */
export async function smallData(train: number, test: number): Promise<string> {
  const folder = join(await temporaryFolder(), "few digits");
  await mkdir(folder);
  await writeSplit(folder, "train", (await digits({ split: "train", limit: train })).arrays);
  await writeSplit(folder, "t10k", (await digits({ split: "test", limit: test })).arrays);
  return folder;
}

/** The values of lines of JSON. */
export async function jsonLines(path: string): Promise<Record<string, unknown>[]> {
  const lines = (await readFile(path, "utf8")).split("\n");
  assert.equal(lines.pop(), "", "the last line is ended");
  return lines.map((line): Record<string, unknown> => JSON.parse(line));
}

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
