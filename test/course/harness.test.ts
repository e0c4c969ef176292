/** The harness: what passes, what fails, and that a row which proves nothing is found. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tensor } from "typegrad";
import { chapter, row, runRow, slowRow, type Trial } from "typegrad/course";

const run = (check: (t: Trial) => void | Promise<void>, options = {}) =>
  runRow(row("TST-01", "A row", "x", "", check), options);

test("close: within the tolerance, and no farther", async () => {
  const cases: [(t: Trial) => void, boolean][] = [
    [(t) => t.close(1.5, 1, 0.5), true],
    [(t) => t.close(1.5001, 1, 0.5), false],
    [(t) => t.close(0.4999, 1, 0.5), false],
    [(t) => t.close([1, 2, 3], [1, 2, 3.1], 0.05), false],
    [
      (t) =>
        t.close(
          tensor([
            [1, 2],
            [3, 4],
          ]),
          [1, 2, 3, 4],
          0,
        ),
      true,
    ],
    [(t) => t.close([2, 2], 2, 0), true],
    [(t) => t.close(NaN, NaN, 1), false],
    [(t) => t.close([1, NaN], 1, 1), false],
    [(t) => t.close(Infinity, Infinity, 1), true],
    [(t) => t.close(Infinity, -Infinity, 1), false],
    [(t) => t.close(1e300, Infinity, 1), false],
    [(t) => t.equal([true, false], [1, 0]), true],
    [(t) => t.equal(1, 1 + 2 ** -52), false],
  ];
  for (const [check, pass] of cases) assert.equal((await run(check)).pass, pass, check.toString());
});

test("less, atMost, greater, atLeast: bounds, which NaN never meets", async () => {
  const cases: [(t: Trial) => void, boolean][] = [
    [(t) => t.less(1, 2), true],
    [(t) => t.less(2, 2), false],
    [(t) => t.less(NaN, 2), false],
    [(t) => t.less(1, NaN), false],
    [(t) => t.less([1, 3], 2), false],
    [(t) => t.less(1, [2, 3, 0.5]), false],
    [(t) => t.atMost(2, [2, 3]), true],
    [(t) => t.atMost([1, 2.5], [2, 2]), false],
    [(t) => t.greater([3, 2], 2), false],
    [(t) => t.greater(3, [1, 2]), true],
    [(t) => t.greater(NaN, 0), false],
    [(t) => t.atLeast([3, 2], 2), true],
    [(t) => t.atLeast(1, [1, 1.5]), false],
  ];
  for (const [check, pass] of cases) {
    const result = await run((t) => {
      t.equal(1, 1);
      check(t);
    });
    assert.equal(result.pass, pass, check.toString());
  }
});

test("a row that compares nothing, or only bounds, fails by that", async () => {
  for (const check of [() => {}, (t: Trial) => t.less(1, 2), (t: Trial) => t.show("x", 1)])
    assert.match((await run(check)).reason, /compares nothing with an expected value/);
});

test("a row that throws fails with the reason", async () => {
  const late = await run(async (t) => {
    t.equal(1, 1);
    await Promise.resolve();
    throw new RangeError("too far");
  });
  assert.equal(late.pass, false);
  assert.equal(late.reason, "RangeError: too far");
  assert.match((await run((t) => t.close([1, 2], [1, 2, 3], 0))).reason, /ArgumentError: close: .* got 2 and 3/);
  assert.match((await run((t) => t.close([], [], 0))).reason, /got 0 and 0/);
  for (const tolerance of [NaN, Infinity, -1])
    assert.match((await run((t) => t.close(1, 1, tolerance))).reason, /the tolerance must be finite/);
});

test("a result tells of the failing comparison, and of lists the pair that is farthest off", async () => {
  const result = await run((t) => {
    t.close(1, 1, 0.1, "first");
    t.close([1, 5, 2], [1, 4, 2.5], 0.25, "second");
  });
  assert.equal(result.reason, "second: 5 = 4 ± 0.25 does not hold, the worst of 3 numbers");
  const { main } = result;
  assert.deepEqual([main?.measured, main?.expected, main?.tolerance, main?.count, main?.pass], [5, 4, 0.25, 3, false]);
  assert.ok(result.seconds >= 0);
});

test("the tightest bound stands for the others", async () => {
  const { checks } = await run((t) => t.less([1, 4, 2], [10, 5, 10]));
  assert.deepEqual([checks[0].measured, checks[0].expected], [4, 5]);
});

test("a perturbation moves every expected value past its tolerance", async () => {
  const check = (t: Trial): void => {
    t.close(1, 1.25, 0.25);
    t.close([1e6, 0], [1e6, 0], 0);
    t.equal(Infinity, Infinity);
    t.close(0, 0, 1e-300);
  };
  assert.equal((await run(check)).pass, true);
  for (const perturbation of [5, -5]) {
    const { checks } = await run(check, { perturbation });
    assert.deepEqual(
      checks.map((c) => c.pass),
      [false, false, false, false],
    );
  }
});

test("chapters refuse rows that are numbered wrongly", () => {
  const one = (id: string) => row(id, "", "", "", () => {});
  assert.throws(() => chapter("TST", "", "", [one("TST-02"), one("TST-01")]), /ascending order, got "TST-01"/);
  assert.throws(() => chapter("TST", "", "", [one("TST-01"), one("TST-01")]), /got "TST-01"/);
  assert.throws(() => chapter("TST", "", "", [one("TSX-01")]), /got "TSX-01"/);
  assert.throws(() => chapter("test", "", "", []), /three capitals, got "test"/);
  assert.equal(slowRow("TST-01", "", "", "", () => {}).slow, true);
});
