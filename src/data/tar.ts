/** Tar archives (POSIX ustar): the files in them. */
import { FormatError } from "../index.js";

const block = 512;
const decoder = new TextDecoder();

/** Text up to the first NUL. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** A number in octal digits, with spaces or NULs around it; `null` when it is none. */
function octal(bytes: Uint8Array): number | null {
  const digits = text(bytes).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : null;
}

/** Whether the bytes of a header, with spaces in place of the checksum, add up to it. */
function sumHolds(header: Uint8Array): boolean {
  const sum = header.reduce((a, byte, i) => a + (i >= 148 && i < 156 ? 32 : byte), 0);
  return sum === octal(header.subarray(148, 156));
}

/**
 * The regular files of a tar archive by their names; the bytes are views of the archive. Everything else in it (folders,
 * links, extended headers) is passed over.
 *
 * @throws FormatError starting with `what` when a header is damaged or the archive is cut off.
 */
export function parseTar(bytes: Uint8Array, what = "tar"): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let at = 0;
  while (at < bytes.length) {
    const header = bytes.subarray(at, at + block);
    if (header.every((byte) => byte === 0)) return files; // the end: what follows is padding
    if (header.length < block || !sumHolds(header))
      throw new FormatError(
        `${what}: a header of 512 bytes with its checksum must stand at byte ${at}. the archive is damaged or cut off`,
      );
    const size = octal(header.subarray(124, 136));
    const [name, prefix] = [text(header.subarray(0, 100)), text(header.subarray(345, 500))];
    const path = prefix === "" ? name : `${prefix}/${name}`;
    const start = at + block;
    if (size === null || size > bytes.length - start)
      throw new FormatError(
        `${what}: ${path} must have ${size ?? "a number of"} bytes, got ${bytes.length - start} up to the archive's end. it is damaged or cut off`,
      );
    const kind = header[156];
    if (kind === 0 || kind === 48) files.set(path, bytes.subarray(start, start + size));
    at = start + Math.ceil(size / block) * block;
  }
  return files;
}
