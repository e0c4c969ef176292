/** Files from the network, checked before they are used. */
import { FileError } from "../index.js";
import { writeFileAtomic } from "../io/index.js";

/** How far a download is. */
export interface DownloadProgress {
  readonly file: string;
  readonly received: number;
  readonly total: number;
}

/** Options of everything that downloads. */
export interface DownloadOptions {
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Milliseconds without a byte after which a connection is given up; 30,000 by default. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** A file that is known before it is fetched. */
export interface RemoteFile {
  readonly name: string;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return `${cause instanceof Error ? cause.message || cause.name : String(cause)}${code}`;
};

/**
 * Fetches a file from the first of several homes that has it, checks its size and SHA-256, and puts it at `path` whole or
 * not at all.
 *
 * @throws FileError telling what each home answered.
 */
export async function download(
  file: RemoteFile,
  homes: readonly string[],
  path: string,
  options: DownloadOptions = {},
): Promise<Uint8Array> {
  const failures: string[] = [];
  for (const home of homes) {
    const url = `${home.replace(/\/$/, "")}/${file.name}`;
    try {
      const bytes = await fetchFile(url, file, options);
      await writeFileAtomic(path, bytes, "download");
      return bytes;
    } catch (error) {
      if (options.signal?.aborted || error instanceof FileError) throw error;
      failures.push(`${url}: ${reasonOf(error)}`);
    }
  }
  throw new FileError(
    `download: ${file.name} must come from one of its homes, got ${failures.join("; ")}. check the network, or put the file at ${path} by hand`,
  );
}

async function fetchFile(url: string, file: RemoteFile, options: DownloadOptions): Promise<Uint8Array> {
  const { timeout = 30_000, signal, onProgress } = options;
  const stalled = new AbortController();
  const watch = (): ReturnType<typeof setTimeout> =>
    setTimeout(() => stalled.abort(new Error(`nothing came for ${timeout / 1000} s`)), timeout);
  let timer = watch();
  try {
    const response = await fetch(url, { signal: AbortSignal.any([stalled.signal, ...(signal ? [signal] : [])]) });
    if (!response.ok || response.body === null)
      throw new Error(`HTTP status ${response.status} ${response.statusText}`);
    const bytes = new Uint8Array(file.bytes);
    let received = 0;
    const reader = response.body.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      clearTimeout(timer);
      timer = watch();
      if (received + next.value.length > file.bytes) {
        await reader.cancel();
        throw new Error(`it must have ${file.bytes} bytes, got more`);
      }
      bytes.set(next.value, received);
      received += next.value.length;
      onProgress?.({ file: file.name, received, total: file.bytes });
    }
    if (received < file.bytes) throw new Error(`it must have ${file.bytes} bytes, got ${received}`);
    await checkDigest(bytes, file.sha256);
    return bytes;
  } finally {
    clearTimeout(timer);
  }
}

async function checkDigest(bytes: Uint8Array<ArrayBuffer>, sha256: string): Promise<void> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (x) => x.toString(16).padStart(2, "0")).join("");
  if (found !== sha256) throw new Error(`its SHA-256 must be ${sha256}, got ${found}`);
}
