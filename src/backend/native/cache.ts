/**
 * Compiled libraries, kept in a folder of the user's: one file for each source and toolchain. A file ends in the digest
 * of what is before it, so a damaged one is recognised; only folders nobody else can write to are trusted.
 */
import { messageOf } from "../../util/errors.js";
import { type Build, type Source, startBuild } from "./builder.js";
import { type Toolchain, missing, nodeProcess } from "./toolchain.js";

const digestBytes = 32;
/** How folders in which a compiler works end, and after how long nobody can still be working there. */
const unfinished = ".tmp";
const forgotten = 3_600_000;

export class LibraryCache {
  readonly folder: string;

  constructor() {
    this.folder = trusted(preferredFolder()) ?? ownFolder();
  }

  /** The library of a source, which is compiled from now on unless it was before. */
  library(toolchain: Toolchain, source: Source): Library {
    const { createHash } = nodeProcess().getBuiltinModule("node:crypto");
    const { join } = nodeProcess().getBuiltinModule("node:path");
    const hash = createHash("sha256").update(toolchain.identity).update("\0").update(source.head);
    for (const text of source.functions) hash.update("\0").update(text);
    const path = join(this.folder, `${hash.digest("hex").slice(0, 32)}.so`);
    if (isWhole(path)) return { path, wait: () => {} };
    return { path, ...build(toolchain, source, path) };
  }
}

/** A library and where it stands once it has been waited for. */
export interface Library extends Build {
  readonly path: string;
}

function preferredFolder(): string {
  const { env, getBuiltinModule } = nodeProcess();
  const { join, isAbsolute } = getBuiltinModule("node:path");
  const { homedir } = getBuiltinModule("node:os");
  const { XDG_CACHE_HOME: xdg = "" } = env;
  return join(isAbsolute(xdg) ? xdg : join(homedir(), ".cache"), "typegrad", "native");
}

/** The folder, made if need be, or `null` when others could have put files there. */
function trusted(folder: string): string | null {
  const fs = nodeProcess().getBuiltinModule("node:fs");
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = fs.lstatSync(folder);
    if (!found.isDirectory()) return distrust(folder, "is not a folder");
    if (process.getuid !== undefined && found.uid !== process.getuid())
      return distrust(folder, "belongs to another user");
    if ((found.mode & 0o077) !== 0) return distrust(folder, "is open to other users (chmod 700 makes it private)");
    fs.accessSync(folder, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    sweep(folder);
    return folder;
  } catch (error) {
    return distrust(folder, messageOf(error));
  }
}

function distrust(folder: string, why: string): null {
  nodeProcess().emitWarning(`compiled kernels are not kept: ${folder}: ${why}`, { code: "TYPEGRAD_NATIVE_CACHE" });
  return null;
}

/** A private folder that is gone with the process. @throws DeviceError when there is no place for one. */
function ownFolder(): string {
  const fs = nodeProcess().getBuiltinModule("node:fs");
  const { join } = nodeProcess().getBuiltinModule("node:path");
  const { tmpdir } = nodeProcess().getBuiltinModule("node:os");
  let folder: string;
  try {
    folder = fs.mkdtempSync(join(tmpdir(), "typegrad-native-"));
  } catch (error) {
    throw missing("device", `a folder to compile in, got ${messageOf(error)}`);
  }
  process.once("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function digest(bytes: Uint8Array): Buffer {
  return nodeProcess().getBuiltinModule("node:crypto").createHash("sha256").update(bytes).digest();
}

/** Whether there is a file as `build` leaves it. */
function isWhole(path: string): boolean {
  const fs = nodeProcess().getBuiltinModule("node:fs");
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(path);
  } catch {
    return false;
  }
  const end = bytes.length - digestBytes;
  return end > 0 && digest(bytes.subarray(0, end)).equals(bytes.subarray(end));
}

/** Compiles beside `path` and renames, so that no other process ever sees half a library. */
function build(toolchain: Toolchain, source: Source, path: string): Build {
  const fs = nodeProcess().getBuiltinModule("node:fs");
  const { randomUUID } = nodeProcess().getBuiltinModule("node:crypto");
  return startBuild(toolchain, source, `${path}.${process.pid}.${randomUUID()}${unfinished}`, (fresh) => {
    fs.appendFileSync(fresh, digest(fs.readFileSync(fresh)));
    fs.renameSync(fresh, path);
  });
}

/** Removes what processes that ended while they compiled have left. */
function sweep(folder: string): void {
  const fs = nodeProcess().getBuiltinModule("node:fs");
  const { join } = nodeProcess().getBuiltinModule("node:path");
  const old = Date.now() - forgotten;
  for (const name of fs.readdirSync(folder)) {
    if (!name.endsWith(unfinished)) continue;
    const path = join(folder, name);
    if ((fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? old) < old)
      fs.rmSync(path, { recursive: true, force: true });
  }
}
