/** Einstein sums, writing through indices, and moving along an axis; values from NumPy (test/golden/writing.py). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  addAt,
  allClose,
  compile,
  cumprod,
  diff,
  einsum,
  grad,
  isClose,
  meshgrid,
  roll,
  setAt,
  tensor,
  type Tensor,
  vmap,
  zeros,
} from "typegrad";
import { close, f64 } from "./support.js";

interface Array {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Fixture {
  readonly sums: readonly { equation: string; operands: readonly Array[]; result: Array }[];
  readonly writes: readonly { index: readonly string[]; x: Array; value: Array; set: Array; added: Array }[];
  readonly moves: readonly {
    x: Array;
    axis: number;
    rolls: readonly { shift: number; result: Array }[];
    diff: Array;
    cumprod: Array;
  }[];
  readonly close: { pairs: readonly [string, string][]; close: readonly boolean[]; equalNaN: readonly boolean[] };
  readonly grid: readonly Array[];
}
const fixture: Fixture = JSON.parse(
  readFileSync(new URL("../../../test/golden/writing.json", import.meta.url), "utf8"),
);
const made = ({ shape, data }: Array): Tensor => tensor(Float64Array.from(data), { shape });
function agrees(got: Tensor, want: Array, what: string): void {
  assert.deepEqual(got.shape, want.shape, what);
  close(got, made(want), 1e-12, what);
}

test("einsum is NumPy's", () => {
  for (const { equation, operands, result } of fixture.sums) {
    const xs = operands.map(made);
    agrees(einsum(equation, ...xs), result, equation);
    agrees(compile((ys: Tensor[]) => einsum(equation, ...ys))(xs), result, `compiled ${equation}`);
  }
  // ∂ (aᵀ M b) / ∂ M = a bᵀ
  const [a, b] = [f64([1, 2]), f64([3, 4, 5])];
  const gradient = grad((m: Tensor) => einsum("i,ij,j->", a, m, b))(zeros([2, 3], { dtype: "float64" }));
  close(gradient, einsum("i,j->ij", a, b));
});

test("einsum says what is wrong with an equation", () => {
  const x = zeros([2, 3]);
  for (const [equation, operands, message] of [
    ["ij,jk->ik", [x], /one operand for each of 2 terms/],
    ["i->i", [x], /term 0 must name every axis/],
    ["ij->iz", [x], /labels that an operand has/],
    ["ij->ii", [x], /name each label once/],
    ["i1->i", [x], /must be letters/],
    ["ij->i->j", [x], /at most one "->"/],
    ["ij,ij->ij", [x, zeros([2, 4])], /one length, got 3 and 4 for j/],
    ["ii->i", [x], /one length, got 2 and 3 for i/],
  ] as const)
    assert.throws(() => einsum(equation, ...operands), { message });
});

test("setAt and addAt write what NumPy writes", () => {
  for (const { index, x, value, set, added } of fixture.writes) {
    agrees(setAt(made(x), index, made(value)), set, `set ${JSON.stringify(index)}`);
    agrees(addAt(made(x), index, made(value)), added, `add ${JSON.stringify(index)}`);
  }
});

test("setAt and addAt: masks, dtypes, places outside, and derivatives", () => {
  const x = f64([1, -2, 3]);
  close(setAt(x, [x.less(0)], 0), [1, 0, 3]);
  close(addAt(x, [x.greater(0)], f64([10, 20])), [11, -2, 23]);
  assert.deepEqual(setAt(tensor([true, true]), [0], false).toArraySync(), [false, true]);
  assert.equal(setAt(tensor([1, 2], { dtype: "int32" }), [0], tensor(7.5)).toString(), "int32[2] [7, 2]");
  const outside = tensor([5, -9, 1], { dtype: "int32" });
  close(setAt(x, [outside], 8), [1, 8, 3]);
  close(addAt(x, [outside], 8), [1, 6, 3]);
  // Of two values for one place the last one counts: the first has no derivative, nor has what was overwritten.
  const value = f64([5, 6]);
  const weigh = f64([1, 10, 100]);
  close(
    grad((v: Tensor) =>
      setAt(x, [[1, 1]], v)
        .mul(weigh)
        .sum(),
    )(value),
    [0, 10],
  );
  close(
    grad((y: Tensor) =>
      setAt(y, [[1, 1]], value)
        .mul(weigh)
        .sum(),
    )(x),
    [1, 0, 100],
  );
  close(
    grad((v: Tensor) =>
      addAt(x, [[1, 1]], v)
        .mul(weigh)
        .sum(),
    )(value),
    [10, 10],
  );
  close(
    vmap((y: Tensor) => setAt(y, [0], 9))(
      f64([
        [1, 2],
        [3, 4],
      ]),
    ),
    [
      [9, 2],
      [9, 4],
    ],
  );
  assert.throws(() => setAt(x, [0], f64([1, 2])), { name: "ShapeError", message: /^setAt: / });
  assert.throws(() => addAt(x, [7], 1), { name: "ShapeError", message: /^at: .* got 7 for float64\[3\]/ });
});

test("roll, diff, cumprod and meshgrid are NumPy's", () => {
  for (const { x, axis, rolls, diff: differences, cumprod: products } of fixture.moves) {
    for (const { shift, result } of rolls) agrees(roll(made(x), shift, axis), result, `roll by ${shift}`);
    agrees(diff(made(x), axis), differences, "diff");
    agrees(cumprod(made(x), axis), products, "cumprod");
  }
  const [a, b] = meshgrid(f64([1, 2, 3]), f64([4, 5]));
  agrees(a, fixture.grid[0], "meshgrid");
  agrees(b, fixture.grid[1], "meshgrid");
  // ∂ (x₀ + x₀x₁ + x₀x₁x₂) at (2, 0, 3): no division by the zero
  close(grad((x: Tensor) => cumprod(x, 0).sum())(f64([2, 0, 3])), [1, 8, 0]);
});

test("isClose and allClose are NumPy's", () => {
  const { pairs, close: plain, equalNaN } = fixture.close;
  const number = (text: string): number =>
    text.endsWith("inf") ? Number(`${text.slice(0, -3)}Infinity`) : Number(text);
  const [x, y] = [0, 1].map((k) => f64(pairs.map((pair) => number(pair[k]))));
  assert.deepEqual(isClose(x, y).toArraySync(), plain);
  assert.deepEqual(isClose(x, y, { equalNaN: true }).toArraySync(), equalNaN);
  assert.equal(allClose(x, y).itemSync(), 0);
  assert.equal(allClose(f64([1, 2]), f64([1, 2 + 1e-9])).itemSync(), 1);
});
