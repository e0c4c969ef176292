import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, deflateSync, inflateSync } from "node:zlib";
import { FormatError } from "#src/util/errors.js";
import { decode } from "fast-png";
import { decodeGrey, encodePng, pngUri, polygons, toElement, toPng } from "typegrad/plot";

const chunk = (kind: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(kind, "latin1"), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
};
const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

/** A PNG written straight from the standard (ISO 15948): `rows` are the bytes of each row. */
function png(width: number, depth: number, kind: number, rows: number[][], extra: [string, number[]][] = []): Buffer {
  const header = Buffer.from([0, 0, 0, width, 0, 0, 0, rows.length, depth, kind, 0, 0, 0]);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    ...extra.map(([name, bytes]) => chunk(name, Uint8Array.from(bytes))),
    chunk("IDAT", deflateSync(Uint8Array.from(rows.flatMap((row) => [0, ...row])))),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

test("every kind of PNG becomes the grey levels it shows", () => {
  const cases: [string, Buffer, number[]][] = [
    ["1 bit", png(3, 1, 0, [[0b101_00000], [0b010_00000]]), [255, 0, 255, 0, 255, 0]],
    ["2 bits", png(5, 2, 0, [[0b00011011, 0b10_000000]]), [0, 85, 170, 255, 170]],
    ["4 bits", png(3, 4, 0, [[0x0f, 0x80]]), [0, 255, 136]],
    ["8 bits", png(2, 8, 0, [[7, 250]]), [7, 250]],
    ["16 bits", png(2, 16, 0, [[0x80, 0x80, 0xff, 0xff]]), [128, 255]],
    ["grey with alpha on white", png(2, 8, 4, [[0, 0, 0, 255]]), [255, 0]],
    // luma of Rec. 601: 0.299 R + 0.587 G + 0.114 B
    ["colour", png(3, 8, 2, [[255, 0, 0, 0, 255, 0, 0, 0, 255]]), [76, 150, 29]],
    ["colour with alpha", png(1, 8, 6, [[0, 0, 0, 51]]), [204]],
    ["palette", png(3, 8, 3, [[1, 0, 1]], [["PLTE", [0, 0, 0, 200, 200, 200]]]), [200, 0, 200]],
    [
      "2-bit palette with alpha",
      png(
        2,
        2,
        3,
        [[0b0100_0000]],
        [
          ["PLTE", [0, 0, 0, 9, 9, 9]],
          ["tRNS", [0]],
        ],
      ),
      [9, 255],
    ],
  ];
  for (const [name, bytes, expected] of cases) assert.deepEqual([...decodeGrey(bytes).pixels], expected, name);
});

test("what is encoded reads back, and the stream is the standard's", () => {
  const pixels = Uint8Array.from({ length: 5 * 3 }, (_, i) => i * 17);
  const bytes = encodePng({ width: 5, height: 3, channels: 1, pixels });
  assert.deepEqual(decodeGrey(bytes), { width: 5, height: 3, channels: 1, pixels });
  const from = Buffer.from(bytes).indexOf("IDAT");
  const length = Buffer.from(bytes).readUInt32BE(from - 4);
  assert.equal(inflateSync(bytes.subarray(from + 4, from + 4 + length)).length, 3 * (5 + 1));
  const uri = pngUri({ width: 5, height: 3, channels: 1, pixels });
  assert.deepEqual(Uint8Array.from(Buffer.from(uri.slice("data:image/png;base64,".length), "base64")), bytes);
});

test("damaged files are refused, and so are pixels that do not fill the picture", () => {
  const good = png(2, 8, 0, [[7, 250]]);
  const flipped = Buffer.from(good);
  flipped[good.indexOf("IDAT") + 6] ^= 1;
  for (const bytes of [new Uint8Array(0), Buffer.from("GIF89a"), good.subarray(0, 30), good.subarray(0, -20), flipped])
    assert.throws(() => decodeGrey(bytes), FormatError);
  assert.throws(
    () => encodePng({ width: 2, height: 2, channels: 3, pixels: new Uint8Array(4) }),
    /2 × 2 × 3 bytes, got 4/,
  );
});

test("a chart becomes a PNG with its shapes, in its own colours, at the size asked", async () => {
  const svg = polygons(
    [
      {
        corners: [
          [0, 0],
          [1, 0],
          [1, 1],
          [0, 1],
        ],
      },
    ],
    { width: 300, height: 200 },
  );
  const png = await toPng(svg, { scale: 2 });
  const { width, height, channels, data } = decode(png);
  assert.deepEqual([width, height], [600, 400]);
  const at = (x: number, y: number): number[] =>
    Array.from(data.subarray((y * width + x) * channels, (y * width + x) * channels + 3));
  // a colour at 0.3 on white: 255 - 0.3 (255 - c) for #2f6bd8
  [0x2f, 0x6b, 0xd8].forEach((c, i) =>
    assert.ok(Math.abs(at(320, 200)[i] - (255 - 0.3 * (255 - c))) <= 2, `${at(320, 200)}`),
  );
  assert.equal(decode(await toPng(svg, { scale: 1 })).width, 300);
  await assert.rejects(toPng("hello"), /it takes an SVG string/);
  await assert.rejects(toPng(svg, { scale: 0 }), /scale must be above 0/);
  assert.throws(() => toElement(svg), /there must be a DOM/);
});
