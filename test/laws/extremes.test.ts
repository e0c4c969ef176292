import assert from "node:assert/strict";
import { tensor } from "typegrad";
import { testOnDevices } from "../support/devices.js";

/** Rows in which one element, at each place in turn, differs from all others. */
const oddOnes: readonly (readonly [usual: number, odd: number])[] = [
  [0, -0],
  [-0, 0],
  [-1, 0],
  [1, -0],
  [-Infinity, Number.NaN],
  [Infinity, Number.NaN],
  [-Infinity, -1e38],
  [2, 3],
  [-3, -2],
];

for (const dtype of ["float32", "float64"] as const)
  testOnDevices(
    (name) => `${name}: the maximum and minimum of ${dtype} hand on NaN and put -0 before 0, wherever they stand`,
    () => {
      for (const length of [1, 7, 16, 67])
        for (const [usual, odd] of oddOnes) {
          const rows = Array.from({ length }, (_, i) => Array.from({ length }, (_, j) => (i === j ? odd : usual)));
          const x = tensor(rows, { dtype });
          for (const [op, of] of [
            ["max", Math.max],
            ["min", Math.min],
          ] as const) {
            const expected = Math.fround(of(...rows[0]));
            for (const axis of [0, 1])
              for (const value of x[op](axis).dataSync())
                assert.ok(
                  Object.is(Math.fround(value), expected),
                  `${op} of ${length} of ${usual}, one ${odd}: ${value}`,
                );
            assert.ok(Object.is(Math.fround(x[op]().dataSync()[0]), expected), `${op} of all, ${usual} and ${odd}`);
          }
        }
    },
  );
