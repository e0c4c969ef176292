/** WAV files, other rates, and the speech samples made of them. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { formatWav, parseWav, resample, type Sound, speech } from "typegrad/data";

const tone = (frequency: number, rate: number, length: number, channels = 1): Sound => ({
  rate,
  samples: {
    dtype: "float32",
    shape: [channels, length],
    data: Float32Array.from(
      { length: channels * length },
      (_, i) => (0.5 * Math.sin((2 * Math.PI * frequency * (i % length)) / rate)) / (1 + Math.floor(i / length)),
    ),
  },
});

/** A file by hand: the format chunk, a chunk of odd length that nobody knows, and the data. */
function wav(format: number, channels: number, bits: number, data: number[], extensible = false): Uint8Array {
  const u16 = (n: number): number[] => [n & 255, n >> 8];
  const u32 = (n: number): number[] => [...u16(n & 0xffff), ...u16(n >>> 16)];
  const text = (s: string): number[] => [...s].map((c) => c.charCodeAt(0));
  const plain = [
    ...u16(extensible ? 0xfffe : format),
    ...u16(channels),
    ...u32(8000),
    ...u32(0),
    ...u16(0),
    ...u16(bits),
  ];
  const fmt = extensible
    ? [...plain, ...u16(22), ...u16(bits), ...u32(0), ...u16(format), ...text("\0".repeat(14))]
    : plain;
  const chunks = [
    text("fmt "),
    u32(fmt.length),
    fmt,
    text("odd "),
    u32(3),
    [1, 2, 3, 0],
    text("data"),
    u32(data.length),
    data,
  ];
  const body = chunks.flat();
  return Uint8Array.from([...text("RIFF"), ...u32(4 + body.length), ...text("WAVE"), ...body]);
}
const samplesOf = (bytes: Uint8Array): number[] => Array.from(parseWav(bytes).samples.data, Number);

test("samples of every width", () => {
  assert.deepEqual(samplesOf(wav(1, 1, 8, [0, 128, 192])), [-1, 0, 0.5]);
  assert.deepEqual(samplesOf(wav(1, 1, 16, [0, 0x80, 0, 0x40])), [-1, 0.5]);
  assert.deepEqual(samplesOf(wav(1, 1, 24, [0, 0, 0x80, 0, 0, 0x20, 255, 255, 255])), [-1, 0.25, -(2 ** -23)]);
  assert.deepEqual(samplesOf(wav(1, 1, 32, [0, 0, 0, 0x80, 0, 0, 0, 0x10])), [-1, 0.125]);
  const floats = [...new Uint8Array(Float32Array.of(0.25, -3).buffer)];
  assert.deepEqual(samplesOf(wav(3, 1, 32, floats)), [0.25, -3]);
  assert.deepEqual(samplesOf(wav(3, 1, 32, floats, true)), [0.25, -3]);
  assert.deepEqual(samplesOf(wav(3, 1, 64, [...new Uint8Array(Float64Array.of(0.75).buffer)])), [0.75]);
  const stereo = parseWav(wav(1, 2, 8, [0, 128, 192, 64]));
  assert.deepEqual([stereo.rate, stereo.samples.shape, [...stereo.samples.data]], [8000, [2, 2], [-1, 0.5, 0, -0.5]]);
});

test("what is no WAV file, or cut off, is named", () => {
  const good = wav(1, 1, 16, [0, 0, 0, 0]);
  assert.throws(() => parseWav(good.subarray(0, 11), "x.wav"), /^FormatError: x.wav: it must begin with RIFF and WAVE/);
  assert.throws(() => parseWav(good.subarray(0, good.length - 1)), /chunk "data" must have 4 bytes, got 3/);
  assert.throws(() => parseWav(good.subarray(0, good.length - 12)), /there must be a data chunk, got none/);
  assert.throws(() => parseWav(wav(2, 1, 4, [])), /integers of 8 to 32 bits or floats, got format 2/);
  assert.throws(() => parseWav(wav(1, 1, 12, [])), /got 12 bits/);
  assert.throws(() => parseWav(wav(1, 0, 16, [])), /got 0 channels at 8000 Hz/);
});

test("what is written is read again", () => {
  const sound = tone(440, 8000, 50, 2);
  const again = parseWav(formatWav(sound));
  assert.deepEqual([again.rate, again.samples.shape], [8000, [2, 50]]);
  sound.samples.data.forEach((x, i) => assert.ok(Math.abs(Number(x) - Number(again.samples.data[i])) <= 2 ** -16));
  const loud: Sound = { rate: 8000, samples: { dtype: "float32", shape: [1, 2], data: Float32Array.of(2, -2) } };
  assert.deepEqual(samplesOf(formatWav(loud)), [1 - 2 ** -15, -1]);
});

test("another rate keeps tones that fit and drops those that do not", () => {
  for (const [from, to] of [
    [48000, 8000],
    [8000, 48000],
    [44100, 16000],
  ]) {
    const { samples } = resample(tone(1000, from, from / 10), to);
    const expected = tone(1000, to, to / 10).samples.data;
    assert.equal(samples.data.length, expected.length);
    const margin = Math.ceil((30 * to) / Math.min(from, to));
    for (let i = margin; i < expected.length - margin; i++)
      assert.ok(Math.abs(Number(samples.data[i]) - Number(expected[i])) < 2e-3, `${from} to ${to}, ${i}`);
  }
  const gone = resample(tone(5000, 48000, 4800), 8000).samples.data;
  for (let i = 40; i < gone.length - 40; i++) assert.ok(Math.abs(Number(gone[i])) < 2e-3);
  assert.throws(() => resample(tone(1, 8000, 10), 0), /resample: the rate must be positive, got 0/);
});

test("windows of speech from a folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "typegrad sounds "));
  try {
    await assert.rejects(speech({ root: folder, split: "test", length: 0 }), /length and stride must be positive/);
    const parts = ["Front_Center", "Front_Left", "Front_Right", "Rear_Center", "Rear_Left", "Rear_Right", "Side_Left"];
    for (const name of [...parts, "Side_Right"])
      await writeFile(join(folder, `${name}.wav`), formatWav(tone(400, 16000, 4000)));
    const test = await speech({ root: folder, split: "test", length: 500 });
    assert.deepEqual(test.arrays.samples.shape, [4, 500]); // 2,000 samples at 8 kHz
    const train = await speech({ root: folder, length: 500 });
    assert.deepEqual(train.arrays.samples.shape, [7 * 7, 500]);
    const most = Math.max(...Array.from(train.arrays.samples.data, Number));
    assert.ok(Math.abs(most - 0.9) < 1e-6);
    await writeFile(join(folder, "Side_Right.wav"), "RIFF");
    await assert.rejects(speech({ root: folder, split: "test" }), /Side_Right.wav: it must begin with RIFF and WAVE/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
