/** Zip archives (APPNOTE 6.3) of stored or deflated members, without encryption, parts or 64-bit sizes. */
import { ArgumentError, FormatError } from "../util/errors.js";
import { checkContent, crc32, deflate, inflate, maxDeflateRatio } from "./deflate.js";
import { malformed } from "./malformed.js";

const signature = { local: 0x04034b50, central: 0x02014b50, end: 0x06054b50 };
const stored = 0;
const deflated = 8;
/** The flag for names in UTF-8. */
const utf8 = 0x800;
/** 1 January 1980, midnight: archives of equal content are equal. */
const date = 0x21;

interface Member {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** Where its local header stands. */
  readonly offset: number;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The members of an archive and their content. `format` starts every error. */
export async function parseZip(format: string, bytes: Uint8Array): Promise<Map<string, Uint8Array>> {
  const fail = (message: string): FormatError => malformed(format, message);
  const { members, start } = readDirectory(bytes, fail);
  const result = new Map<string, Uint8Array>();
  let free = 0;
  for (const member of [...members].sort((a, b) => a.offset - b.offset)) {
    const what = JSON.stringify(member.name);
    const from = contentStart(bytes, member, start, fail);
    if (member.offset < free) throw fail(`member ${what} must not overlap another`);
    free = from + member.packed;
    if (free > start) throw fail(`member ${what} must end before the directory. the archive is damaged`);
    const content = bytes.subarray(from, free);
    if (member.method === stored) checkContent(`${format}: member ${what}`, content, member.size, member.crc);
    result.set(
      member.name,
      member.method === stored ? content : await inflate(`${format}: member ${what}`, content, member.size, member.crc),
    );
  }
  return result;
}

type Fail = (message: string) => FormatError;

/** The record that ends an archive: the last one whose comment reaches exactly to the end. */
function findEnd(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  for (let at = bytes.length - 22; at >= Math.max(0, bytes.length - 22 - 0xffff); at--)
    if (view.getUint32(at, true) === signature.end && at + 22 + view.getUint16(at + 20, true) === bytes.length)
      return at;
  return -1;
}

function readDirectory(bytes: Uint8Array, fail: Fail): { members: Member[]; start: number } {
  const end = findEnd(bytes);
  if (end < 0) throw fail("a zip archive must end with its directory, got none. the file is cut off or no archive");
  const view = viewOf(bytes);
  const count = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  const start = view.getUint32(end + 16, true);
  if (count === 0xffff || size === 0xffffffff || start === 0xffffffff)
    throw fail("archives with 64-bit sizes are not supported. split it below 4 GiB");
  if (view.getUint32(end + 4, true) !== 0 || view.getUint16(end + 8, true) !== count)
    throw fail("an archive must be one file, got a part of several");
  if (start + size !== end)
    throw fail(`the directory must end at byte ${end}, got ${start + size}. the archive is damaged`);
  const members: Member[] = [];
  const names = new Set<string>();
  let at = start;
  while (at < end) {
    const [member, next] = readMember(bytes, at, end, fail);
    if (names.has(member.name)) throw fail(`members must be distinct, got two of ${JSON.stringify(member.name)}`);
    names.add(member.name);
    members.push(member);
    at = next;
  }
  if (members.length !== count) throw fail(`the directory must have ${count} members, got ${members.length}`);
  return { members, start };
}

function readMember(bytes: Uint8Array, at: number, end: number, fail: Fail): [Member, next: number] {
  const view = viewOf(bytes);
  if (at + 46 > end || view.getUint32(at, true) !== signature.central)
    throw fail(`the directory must have a record at byte ${at}. the archive is damaged`);
  const flags = view.getUint16(at + 8, true);
  const nameLength = view.getUint16(at + 28, true);
  const next = at + 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  if (next > end) throw fail(`the directory's record at byte ${at} must end inside it. the archive is damaged`);
  const name = decodeName(bytes.subarray(at + 46, at + 46 + nameLength), fail);
  const what = JSON.stringify(name);
  const member = {
    name,
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    packed: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    offset: view.getUint32(at + 42, true),
  };
  if (flags & 1) throw fail(`member ${what} must not be encrypted`);
  if (member.method !== stored && member.method !== deflated)
    throw fail(`member ${what} must be stored or deflated, got method ${member.method}`);
  if (member.packed === 0xffffffff || member.size === 0xffffffff || member.offset === 0xffffffff)
    throw fail(`member ${what} must be smaller than 4 GiB`);
  if (member.size > (member.method === stored ? member.packed : member.packed * maxDeflateRatio))
    throw fail(`member ${what} cannot have ${member.size} bytes in ${member.packed}. the archive is damaged`);
  return [member, next];
}

function decodeName(bytes: Uint8Array, fail: Fail): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fail("names of members must be UTF-8");
  }
}

/** Where a member's content starts: behind its local header, which must be there and carry the same name. */
function contentStart(bytes: Uint8Array, member: Member, limit: number, fail: Fail): number {
  const view = viewOf(bytes);
  const { offset } = member;
  const what = JSON.stringify(member.name);
  if (offset + 30 > limit || view.getUint32(offset, true) !== signature.local)
    throw fail(`member ${what} must have a header at byte ${offset}. the archive is damaged`);
  const nameEnd = offset + 30 + view.getUint16(offset + 26, true);
  const start = nameEnd + view.getUint16(offset + 28, true);
  if (start > limit || decodeName(bytes.subarray(offset + 30, nameEnd), fail) !== member.name)
    throw fail(`member ${what} must have its name in its own header. the archive is damaged`);
  if (view.getUint16(offset + 8, true) !== member.method)
    throw fail(
      `member ${what} must have one compression method, got ${view.getUint16(offset + 8, true)} in its own header`,
    );
  return start;
}

/** The bytes of an archive of `members`, in their order. */
export async function formatZip(
  format: string,
  members: ReadonlyMap<string, Uint8Array>,
  compress: boolean,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, content] of members) {
    const encoded = new TextEncoder().encode(name);
    if (encoded.length > 0xffff)
      throw new ArgumentError(`${format}: names must have at most 65535 bytes, got ${encoded.length}. shorten it`);
    const packed = compress ? await deflate(content) : content;
    const shared = memberFields(content, packed, encoded.length, compress ? deflated : stored);
    parts.push(record(signature.local, [], shared, []), encoded, packed);
    // Behind the shared fields: comment length, part, internal attributes, external attributes (two), offset (two).
    const rest = [0, 0, 0, 0, 0, ...words(offset)];
    directory.push(record(signature.central, [20], shared, rest), encoded);
    offset += 30 + encoded.length + packed.length;
  }
  const size = directory.reduce((sum, x) => sum + x.length, 0);
  if (offset + size > 0xfffffffe || members.size > 0xfffe)
    throw new ArgumentError(`${format}: an archive must stay below 4 GiB and 65535 members. write several`);
  const end = record(signature.end, [], [0, 0, members.size, members.size], [...words(size), ...words(offset), 0]);
  return concatenate([...parts, ...directory, end]);
}

/** A 32-bit number as two 16-bit words. */
const words = (x: number): number[] => [x & 0xffff, x >>> 16];

/** The fields that both of a member's headers have, from "version needed" to "extra length", as 16-bit words. */
function memberFields(content: Uint8Array, packed: Uint8Array, nameLength: number, method: number): number[] {
  return [
    20,
    utf8,
    method,
    0,
    date,
    ...words(crc32(content)),
    ...words(packed.length),
    ...words(content.length),
    nameLength,
    0,
  ];
}

function record(mark: number, ...fields: readonly (readonly number[])[]): Uint8Array {
  const words = fields.flat();
  const bytes = new Uint8Array(4 + 2 * words.length);
  const view = viewOf(bytes);
  view.setUint32(0, mark, true);
  words.forEach((x, i) => view.setUint16(4 + 2 * i, x, true));
  return bytes;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, x) => sum + x.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
