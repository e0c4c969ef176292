/** Compressed streams through the platform's own codec, with what it leaves unchecked. */
import { messageOf } from "../util/errors.js";
import { malformed } from "./malformed.js";

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let x = byte;
  for (let bit = 0; bit < 8; bit++) x = x & 1 ? 0xedb88320 ^ (x >>> 1) : x >>> 1;
  return x;
});

/** CRC-32 of ISO 3309, as gzip, zip and PNG use it. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = crcTable[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** No deflate stream grows by more than this factor, so a larger claim is a lie. */
export const maxDeflateRatio = 1032;

async function through(
  codec: CompressionStream | DecompressionStream,
  bytes: Uint8Array,
  limit: number,
): Promise<Uint8Array> {
  const writer = codec.writable.getWriter();
  const written = writer.write(new Uint8Array(bytes)).then(() => writer.close());
  written.catch(() => {}); // the reader below meets the same error
  const reader = codec.readable.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value);
    length += next.value.length;
    if (length > limit) {
      await reader.cancel().catch(() => {});
      throw new RangeError(`it gives more than ${limit} bytes`);
    }
  }
  await written;
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** Deflates without any wrapper. */
export const deflate = (bytes: Uint8Array): Promise<Uint8Array> =>
  through(new CompressionStream("deflate-raw"), bytes, Infinity);

/** Inflates a raw stream that must give `length` bytes with the given CRC. */
export async function inflate(what: string, bytes: Uint8Array, length: number, crc: number): Promise<Uint8Array> {
  const out = await through(new DecompressionStream("deflate-raw"), bytes, length).catch((error: unknown) => {
    throw malformed(what, `the deflate stream is damaged (${messageOf(error)})`, { cause: error });
  });
  checkContent(what, out, length, crc);
  return out;
}

/** Throws unless the bytes are as many and have the checksum that the archive says. */
export function checkContent(what: string, bytes: Uint8Array, length: number, crc: number): void {
  if (bytes.length !== length) throw malformed(what, `content must have ${length} bytes, got ${bytes.length}`);
  if (crc32(bytes) !== crc)
    throw malformed(what, `content must have the checksum ${hex(crc)}, got ${hex(crc32(bytes))}`);
}

const hex = (crc: number): string => crc.toString(16).padStart(8, "0");

/** Whether bytes begin as gzip does (RFC 1952). */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/**
 * Unpacks gzip (RFC 1952) of one member and at most `limit` bytes.
 *
 * @throws FormatError when the stream is damaged, cut off, or something follows it.
 */
export async function gunzip(what: string, bytes: Uint8Array, limit = 2 ** 31 - 1): Promise<Uint8Array> {
  if (!isGzip(bytes) || bytes.length < 18)
    throw malformed(what, `gzip data must start with 1f 8b and have at least 18 bytes, got ${bytes.length}`);
  const out = await through(new DecompressionStream("gzip"), bytes, limit).catch((error: unknown) => {
    throw malformed(what, `the gzip stream is damaged or cut off (${messageOf(error)})`, { cause: error });
  });
  // Some decoders go on with, or ignore, what follows the stream. Its last eight bytes must describe all that came out.
  const trailer = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8, 8);
  if (trailer.getUint32(4, true) !== out.length || trailer.getUint32(0, true) !== crc32(out))
    throw malformed(what, `nothing must follow the gzip stream, got bytes that do not belong to it`);
  return out;
}
