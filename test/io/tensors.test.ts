import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FormatError, type Tensor, tensor, zeros } from "typegrad";
import {
  formatSafetensors,
  load,
  loadNpy,
  loadWithMetadata,
  parseSafetensors,
  readFile,
  save,
  saveNpy,
  toHost,
  writeFileAtomic,
} from "typegrad/io";

const folder = await mkdtemp(join(tmpdir(), "typegrad-tensors-"));
after(() => rm(folder, { recursive: true }));

const tensors: Readonly<Record<string, Tensor>> = {
  "layers.0.weight": tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]).mul(0.5),
  steps: tensor(7, { dtype: "int32" }),
  mask: tensor([true, false]),
  seed: tensor(Uint32Array.of(2 ** 32 - 1)),
  wide: tensor([1 / 3], { dtype: "float64" }),
  none: zeros([0, 2]),
};

test("tensors of every dtype come back from files by name", async () => {
  for (const name of ["a.safetensors", "b.npz", "new/c.npz"]) {
    const path = join(folder, name);
    await save(path, tensors, { compress: name.startsWith("new") });
    const found = await load(path);
    assert.deepEqual(Object.keys(found).sort(), Object.keys(tensors).sort());
    for (const [key, expected] of Object.entries(tensors)) {
      assert.equal(found[key].describe(), expected.describe());
      assert.deepEqual(await found[key].data(), await expected.data());
    }
  }
});

test("metadata stands in the header", async () => {
  const path = join(folder, "notes.safetensors");
  await save(path, tensors, { metadata: { epoch: "3" } });
  assert.deepEqual(Object.fromEntries(parseSafetensors(await readFile(path)).metadata), { epoch: "3" });
  assert.deepEqual((await loadWithMetadata(path)).metadata, { epoch: "3" });
});

test("the file is what formatSafetensors makes of all at once", async () => {
  const path = join(folder, "same.safetensors");
  await save(path, tensors, { metadata: { epoch: "3" } });
  const arrays = await Promise.all(Object.entries(tensors).map(async ([name, x]) => [name, await toHost(x)] as const));
  assert.deepEqual(await readFile(path), formatSafetensors(arrays, [["epoch", "3"]]));
});

test("files that are cut off are refused", async () => {
  const path = join(folder, "cut.safetensors");
  await save(path, tensors);
  const whole = await readFile(path);
  for (const length of [0, 7, 8, 100, whole.length - 1]) {
    await writeFileAtomic(path, whole.subarray(0, length));
    await assert.rejects(
      load(path),
      (error) => error instanceof FormatError && error.message.startsWith(`load: ${path} is damaged: safetensors: `),
    );
  }
});

test("one tensor as npy", async () => {
  const path = join(folder, "one.npy");
  await saveNpy(path, tensors["layers.0.weight"]);
  assert.deepEqual(await (await loadNpy(path)).toArray(), [
    [0.5, 1, 1.5],
    [2, 2.5, 3],
  ]);
  await writeFileAtomic(path, (await readFile(path)).subarray(0, -1));
  await assert.rejects(loadNpy(path), /loadNpy: .*one\.npy is damaged: npy: /);
});

test("other names of files are refused", async () => {
  await assert.rejects(save("a.pt", tensors), /save: .* \.safetensors or \.npz, got a\.pt\. for one array use saveNpy/);
  await assert.rejects(load("resnet18.pth"), /got resnet18\.pth\. .*safetensors\.torch\.save_file/);
  await assert.rejects(load("a.npy"), /load: .*got a\.npy\. for one array use loadNpy/);
});
