/** Training holds no more memory after many steps than after a few; `bench/memory` is the long form. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setDevice } from "typegrad";
import { train } from "../../bench/memory.js";

const steps = process.env["TYPEGRAD_FULL"] === "1" ? 10_000 : 500;

for (const kind of ["eager", "compiled"] as const)
  test(`${steps} ${kind} steps hold a constant amount of memory`, async () => {
    await setDevice("wasm");
    const seen = await train(kind, steps);
    const [early, late] = [seen[2], seen[seen.length - 1]];
    // One step of this network holds 33 kB of values and makes 700 kB on the way: any leak would show.
    assert.ok(late.device <= early.device + 16_384, `device memory ${early.device} -> ${late.device}`);
    assert.ok(late.heap <= early.heap + 2 ** 20, `heap ${early.heap} -> ${late.heap}`);
  });
