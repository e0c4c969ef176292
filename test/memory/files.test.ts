/** Saving and loading hold few tensors at a time beside those on the device. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { evaluate, ones, setDevice } from "typegrad";
import { save } from "typegrad/io";

const folder = await mkdtemp(join(tmpdir(), "typegrad-save-"));
after(() => rm(folder, { recursive: true }));

/** The most memory that this process has had, in MiB. */
const peak = (): number => process.resourceUsage().maxRSS / 1024;

test("512 MiB are saved through much less", async () => {
  await setDevice("wasm");
  const names = Array.from({ length: 32 }, (_, i) => `x${i}`);
  const tensors = Object.fromEntries(names.map((name, i) => [name, ones([2 ** 22]).mul(i)])); // 16 MiB each
  evaluate(tensors);
  const before = peak();
  await save(join(folder, "large.safetensors"), tensors);
  assert.ok(peak() - before < 256, `${peak() - before} MiB more`);
});
