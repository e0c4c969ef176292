/** Files of the machine, under Node. Node's modules are asked for at run time, so that bundles for browsers stay free of them. */
import type { FileHandle } from "node:fs/promises";
import { FileError, TypegradError, messageOf } from "../util/errors.js";

function nodeProcess(op: string): NodeJS.Process {
  if (typeof process === "undefined" || typeof process.getBuiltinModule !== "function")
    throw new FileError(
      `${op}: files need Node 20.19 or later. here, work on bytes: parseSafetensors, parseNpy, parseNpz`,
    );
  return process;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

const reasons: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "there is no such file or folder. check the path"],
  ["EACCES", "permission is denied. choose another place or change its permissions"],
  ["EPERM", "the operation is not permitted. choose another place or change its permissions"],
  ["EISDIR", "it is a folder. name a file"],
  ["ENOTDIR", "a part of the path is a file. name a folder there"],
  ["EROFS", "the file system is read-only. choose another place"],
  ["ENOSPC", "the disk is full. free some space or choose another place"],
  ["EDQUOT", "the disk quota is used up. free some space or choose another place"],
  ["EFBIG", "the file would be larger than is allowed. choose another place"],
  ["EMFILE", "too many files are open. close some"],
]);

/** The error for what the system said. */
export function explain(op: string, path: string | URL, error: unknown): FileError {
  return new FileError(`${op}: ${String(path)}: ${reasons.get(codeOf(error)) ?? messageOf(error)}`, { cause: error });
}

/**
 * The bytes of a file. Errors begin with `op`, here and below: what the caller's own caller asked for.
 *
 * @throws FileError when it cannot be read, naming the path and what to do.
 */
export async function readFile(path: string | URL, op = "readFile"): Promise<Uint8Array> {
  const fs = nodeProcess(op).getBuiltinModule("node:fs/promises");
  try {
    const { buffer, byteOffset, byteLength } = await fs.readFile(path);
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (error) {
    throw explain(op, path, error);
  }
}

/** A file of which parts are read. */
export interface OpenFile {
  readonly size: number;
  /** The bytes from `begin` up to `end`, which must lie inside. */
  read(begin: number, end: number): Promise<Uint8Array>;
}

/**
 * What `use` makes of a file of which it reads parts, so that no more of it need be in memory at once.
 *
 * @throws FileError when it cannot be read, and what `use` throws.
 */
export async function withFile<T>(
  path: string | URL,
  use: (file: OpenFile) => Promise<T>,
  op = "withFile",
): Promise<T> {
  const fs = nodeProcess(op).getBuiltinModule("node:fs/promises");
  try {
    const file = await fs.open(path);
    try {
      const { size } = await file.stat();
      return await use({ size, read: (begin, end) => readPart(file, begin, end) });
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof TypegradError ? error : explain(op, path, error);
  }
}

async function readPart(file: FileHandle, begin: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - begin);
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, Math.min(bytes.length - at, 2 ** 30), begin + at);
    if (bytesRead === 0) throw new Error("the file became shorter while it was read. read it again when it is whole");
    at += bytesRead;
  }
  return bytes;
}

/** Whether there is a file (not a folder) at `path`. */
export async function fileExists(path: string, op = "fileExists"): Promise<boolean> {
  const fs = nodeProcess(op).getBuiltinModule("node:fs/promises");
  try {
    return (await fs.stat(path)).isFile();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return false;
    throw explain(op, path, error);
  }
}

/**
 * The names of files and of folders in a folder, in no order; links count as what they lead to.
 *
 * @throws FileError when it cannot be read.
 */
export async function listFolder(
  path: string,
  op = "listFolder",
): Promise<{ readonly files: string[]; readonly folders: string[] }> {
  const fs = nodeProcess(op).getBuiltinModule("node:fs/promises");
  try {
    const names = await fs.readdir(path);
    const kinds = await Promise.all(names.map(async (name) => (await fs.stat(`${path}/${name}`)).isDirectory()));
    return { files: names.filter((_, i) => !kinds[i]), folders: names.filter((_, i) => kinds[i]) };
  } catch (error) {
    throw explain(op, path, error);
  }
}

/**
 * Writes a file so that at `path` there is always the old content or the new, whole: the bytes go to a file beside it,
 * are flushed to the disk, and take its name. Pieces are asked for one after the other, so that they need not be in memory
 * together. Makes missing folders; leaves nothing behind when it fails.
 *
 * @throws FileError when the disk is full, permission is missing, …; what making the pieces throws.
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string | AsyncIterable<Uint8Array>,
  op = "writeFileAtomic",
): Promise<void> {
  const { getBuiltinModule, pid } = nodeProcess(op);
  const fs = getBuiltinModule("node:fs/promises");
  const { dirname } = getBuiltinModule("node:path");
  const beside = `${path}.${pid}-${crypto.randomUUID()}.tmp`;
  try {
    await makeFolders(dirname(path));
    const file = await fs.open(beside, "wx");
    try {
      await fs.writeFile(file, content);
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(beside, path);
  } catch (error) {
    await fs.rm(beside, { force: true }).catch(() => {});
    throw error instanceof TypegradError ? error : explain(op, path, error);
  }
  await syncFolder(dirname(path));
}

/**
 * Makes a folder and those above it where they are missing.
 *
 * @throws FileError when permission is missing, a part of the path is a file, …
 */
export async function makeFolder(path: string, op = "makeFolder"): Promise<void> {
  nodeProcess(op);
  try {
    await makeFolders(path);
  } catch (error) {
    throw explain(op, path, error);
  }
}

/** Node's own recursive `mkdir` never returns below some folders, such as /proc. */
async function makeFolders(path: string): Promise<void> {
  const { mkdir, stat } = nodeProcess("makeFolder").getBuiltinModule("node:fs/promises");
  const { dirname } = nodeProcess("makeFolder").getBuiltinModule("node:path");
  try {
    if ((await stat(path)).isDirectory()) return;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    if (dirname(path) !== path) await makeFolders(dirname(path));
  }
  await mkdir(path).catch((error: unknown) => {
    if (codeOf(error) !== "EEXIST") throw error;
  });
}

/** Makes a rename last through a power failure, where the system can flush folders (Windows cannot). */
async function syncFolder(path: string): Promise<void> {
  const fs = nodeProcess("writeFileAtomic").getBuiltinModule("node:fs/promises");
  const folder = await fs.open(path, "r").catch(() => null);
  try {
    await folder?.sync().catch(() => {});
  } finally {
    await folder?.close();
  }
}
