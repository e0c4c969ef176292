/** Comparing differentiated functions with their fixtures. */
import { test } from "node:test";
import { type Tensor, grad } from "typegrad";
import { type Case, close, fromStored } from "./fixtures.js";

export type Tensors = Readonly<Record<string, Tensor>>;

/** One test for every case: the output, and the gradient for every input that has one, as PyTorch computed them. */
export function compareCases<O>(
  cases: readonly Case<O>[],
  functions: Readonly<Record<string, (inputs: Tensors, options: O) => Tensor>>,
): void {
  cases.forEach((c, i) => {
    test(`${c.op} ${JSON.stringify(c.options)} (${i})`, async () => {
      const f = functions[c.op];
      const inputs = Object.fromEntries(Object.entries(c.inputs).map(([k, v]) => [k, fromStored(v)]));
      await close(f(inputs, c.options), c.output, "output");
      const cotangent = fromStored(c.cotangent);
      const wanted = Object.keys(c.gradients);
      const leaves = Object.fromEntries(wanted.map((k) => [k, inputs[k]]));
      const gradients = grad((xs: Tensors) =>
        f({ ...inputs, ...xs }, c.options)
          .mul(cotangent)
          .sum(),
      )(leaves);
      for (const k of wanted) await close(gradients[k], c.gradients[k], `gradient of ${k}`);
    });
  });
}
