import assert from "node:assert/strict";
import { test } from "node:test";
import { Allocator, type Chunk, unit } from "#src/backend/arena/allocator.js";
import { Arena, guardBytes } from "#src/backend/arena/arena.js";
import { Holdings } from "#src/backend/arena/values.js";

/** A small generator of its own, so that a failing run can be repeated (Marsaglia, "Xorshift RNGs", 2003). */
function xorshift(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

test("allocations never overlap, hold what was written, and come back whole", () => {
  const arena = new Arena(64 << 20);
  const random = xorshift(42);
  const live: { chunk: Chunk; bytes: number; mark: number }[] = [];
  let expected = 0;
  for (let i = 0; i < 20000; i++) {
    if (live.length > 0 && random() < 0.5) {
      const at = Math.floor(random() * live.length);
      const { chunk, bytes, mark } = live[at];
      live[at] = live[live.length - 1];
      live.pop();
      const view = arena.bytes.subarray(chunk.address, chunk.address + bytes);
      assert.equal(view[0], mark);
      assert.equal(view[bytes - 1], mark);
      expected -= chunk.size;
      arena.release(chunk);
    } else {
      const bytes = 1 + Math.floor(2 ** (random() * 16));
      const chunk = arena.allocate(bytes);
      assert.equal(chunk.address % unit, 0);
      assert.ok(chunk.address >= guardBytes && chunk.size >= bytes && chunk.size < bytes + unit);
      const mark = 1 + Math.floor(random() * 255);
      arena.bytes.fill(mark, chunk.address, chunk.address + bytes);
      expected += chunk.size;
      live.push({ chunk, bytes, mark });
    }
    assert.equal(arena.used, expected);
  }
  const sorted = live.map((x) => x.chunk).sort((a, b) => a.address - b.address);
  for (let i = 1; i < sorted.length; i++)
    assert.ok(sorted[i - 1].address + sorted[i - 1].size <= sorted[i].address, "chunks overlap");
  for (const { chunk } of live) arena.release(chunk);
  assert.equal(arena.used, 0);
  assert.ok(arena.peak > 0);
});

test("freed neighbours join, in whichever order they are freed", () => {
  for (const order of [
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [1, 3, 0, 2],
    [2, 0, 3, 1],
  ]) {
    const allocator = new Allocator(0);
    allocator.extend(4 * 10240);
    const chunks = order.map(() => allocator.allocate(10240));
    assert.equal(allocator.allocate(1), null);
    for (const i of order) {
      const chunk = chunks[i];
      assert.ok(chunk);
      allocator.release(chunk);
    }
    assert.equal(allocator.used, 0);
    assert.equal(allocator.allocate(4 * 10240)?.address, 0);
  }
});

test("what was added at the end joins what is free before it", () => {
  const allocator = new Allocator(0);
  allocator.extend(640);
  assert.equal(allocator.shortfall(1280), 640);
  allocator.extend(allocator.shortfall(1280));
  assert.equal(allocator.allocate(1280)?.size, 1280);
});

test("a chunk is freed once", () => {
  const allocator = new Allocator(0);
  allocator.extend(640);
  const chunk = allocator.allocate(64);
  assert.ok(chunk);
  allocator.release(chunk);
  assert.throws(() => allocator.release(chunk), { name: "InternalError" });
});

test("a full arena names scope, after trying to reclaim", () => {
  const arena = new Arena(2 * guardBytes);
  const whole = arena.allocate(guardBytes);
  let asked = 0;
  arena.reclaims.push(() => asked++);
  assert.throws(() => arena.allocate(1), {
    name: "OutOfMemoryError",
    message: /fit into 2097152 bytes, got a request for 1 with 1048576 in use.*scope\(/,
  });
  assert.equal(asked, 1);
  arena.reclaims.push(() => arena.release(whole));
  assert.equal(arena.allocate(100).address, whole.address);
  assert.throws(() => new Arena(3), { name: "ArgumentError" });
});

test("a full arena gets back the block that was kept for the next tensor", () => {
  const arena = new Arena(2 * guardBytes);
  const holdings = new Holdings("wasm", arena);
  const small = 32 << 10;
  const freed = holdings.allocate(small);
  const rest = holdings.allocate(guardBytes - small);
  holdings.free(freed);
  assert.equal(holdings.spareBytes, small);
  assert.equal(holdings.allocate(small / 2).address, freed.address);
  assert.equal(holdings.spareBytes, 0);
  assert.throws(() => holdings.allocate(small), { name: "OutOfMemoryError" });
  holdings.free(rest);
  assert.equal(arena.used, small / 2);
});

test("growth keeps contents and refreshes views", () => {
  const arena = new Arena();
  const first = arena.allocate(16);
  arena.words[first.address / 4] = 1234;
  const before = arena.words.length;
  arena.allocate(100 << 20);
  assert.ok(arena.words.length > before);
  assert.equal(arena.words[first.address / 4], 1234);
});
