/** Trees as vectors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { grad, tensor, tree, type Tensor } from "typegrad";
import * as nn from "typegrad/nn";

test("ravel puts the parameters one after the other, and unravel puts them back", () => {
  const given = {
    a: tensor([[1, 2]]),
    n: tensor([7], { dtype: "int32" }),
    b: [tensor(3, { dtype: "float64" })],
    s: "x",
  };
  const { vector, unravel } = tree.ravel(given);
  assert.deepEqual([vector.dtype, [...vector.dataSync()]], ["float64", [1, 2, 3]]);
  const back = unravel(vector.mul(2));
  assert.deepEqual([back.a.describe(), back.a.toArraySync()], ["float32[1,2]", [[2, 4]]]);
  assert.deepEqual([back.b[0].describe(), back.b[0].itemSync()], ["float64[]", 6]);
  assert.equal(back.n, given.n);
  assert.equal(back.s, "x");
  assert.throws(() => unravel(tensor([1, 2])), /there must be 3 numbers/);
  assert.throws(() => tree.ravel({ n: tensor([1], { dtype: "int32" }) }), /there must be a float tensor/);
});

test("unravel can be differentiated, and leaves buffers and what is frozen alone", () => {
  const model = new nn.Linear(2, 1);
  nn.freeze(model, "bias");
  const { vector, unravel } = tree.ravel(model);
  assert.deepEqual(vector.shape, [2]);
  const x = tensor([[3, 5]]);
  const g = grad((v: Tensor) => unravel(v).forward(x).sum())(vector);
  assert.deepEqual([...g.dataSync()], [3, 5]);
});
