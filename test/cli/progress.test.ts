import assert from "node:assert/strict";
import { test } from "node:test";
import { blockBar, progressLine } from "#src/cli/progress.js";

test("a bar is as full as its share", () => {
  assert.equal(blockBar(0, 4), "    ");
  assert.equal(blockBar(1, 4), "████");
  assert.equal(blockBar(0.5, 4), "██  ");
  assert.equal(blockBar(1 / 32, 4), "▏   ");
  assert.equal(blockBar(2, 3, "░"), "███");
});

test("the line says where training is and fits the terminal", () => {
  const position = {
    epoch: 3,
    epochs: 12,
    batch: 50,
    batches: 100,
    loss: 0.12345,
    measure: "accuracy 96.54 %",
    speed: "1,235 pictures/s",
    secondsLeft: 83,
  };
  const wide = progressLine(position, 120);
  assert.ok(
    wide.startsWith(
      "epoch  3/12 ▕████████████████                ▏ loss 0.1235  accuracy 96.54 %  1,235 pictures/s  1 min 23 s left",
    ),
    wide,
  );
  for (const columns of [120, 80, 60, 40, 20])
    assert.ok(progressLine(position, columns).length < columns, `${columns}`);
  assert.ok(!progressLine(position, 60).includes("▕"), "no room for a bar");
  assert.match(progressLine({ ...position, secondsLeft: Infinity }, 120), /… left$/);
});
