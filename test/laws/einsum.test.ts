/** The order in which einsum multiplies: cheapest by a textbook and by trying all; the value is the same in every order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { einsum } from "typegrad";
import * as random from "typegrad/random";
import { contractionOrder } from "#src/linalg/contraction-order.js";
import { close } from "./support.js";

/** The least cost over every order, by trying all. */
function leastCost(
  terms: readonly (readonly string[])[],
  output: readonly string[],
  lengthOf: (label: string) => number,
): number {
  if (terms.length <= 1) return 0;
  let least = Infinity;
  for (let i = 0; i < terms.length; i++)
    for (let j = i + 1; j < terms.length; j++) {
      const rest = terms.filter((_, k) => k !== i && k !== j);
      const union = [...new Set([...terms[i], ...terms[j]])];
      const kept = union.filter((label) => output.includes(label) || rest.flat().includes(label));
      const cost = union.reduce((n, label) => n * lengthOf(label), 1);
      least = Math.min(least, cost + leastCost([...rest, kept], output, lengthOf));
    }
  return least;
}

test("a chain of matrices takes the multiplications of the textbook", () => {
  // Cormen, Leiserson, Rivest and Stein, Introduction to Algorithms, 3rd edition, figure 15.5
  const lengths = [30, 35, 15, 5, 10, 20, 25];
  const terms = ["ab", "bc", "cd", "de", "ef", "fg"].map((pair) => [...pair]);
  const { order, cost } = contractionOrder(terms, ["a", "g"], (label) => lengths["abcdefg".indexOf(label)]);
  assert.equal(cost, 15125);
  assert.deepEqual(order, [
    [0, [1, 2]],
    [[3, 4], 5],
  ]);
});

test("no order is cheaper", () => {
  const label = fc.constantFrom(..."abcdef");
  const term = fc.uniqueArray(label, { maxLength: 3 });
  const lengths: Record<string, number> = { a: 2, b: 3, c: 5, d: 7, e: 11, f: 13 };
  fc.assert(
    fc.property(
      fc.array(term, { minLength: 2, maxLength: 5 }),
      fc.uniqueArray(label, { maxLength: 2 }),
      (terms, named) => {
        const output = named.filter((l) => terms.flat().includes(l));
        // labels that only one term has are summed before any product
        const before = terms.map((own, i) =>
          own.filter((l) => output.includes(l) || terms.some((other, k) => k !== i && other.includes(l))),
        );
        const lengthOf = (l: string): number => lengths[l];
        assert.equal(contractionOrder(terms, output, lengthOf).cost, leastCost(before, output, lengthOf));
      },
    ),
    { numRuns: 200 },
  );
});

test("products of many terms are right and do not grow", () => {
  const chain = "abcdefghijklmn";
  const matrices = Array.from({ length: 12 }, (_, i) =>
    random.normal(random.key(i), [i % 2 ? 3 : 40, i % 2 ? 40 : 3], { dtype: "float64" }),
  );
  const terms = matrices.map((_, i) => chain[i] + chain[i + 1]);
  const lengthOf = (label: string): number => (chain.indexOf(label) % 2 ? 3 : 40);
  const { cost } = contractionOrder(
    terms.map((t) => [...t]),
    ["a", "m"],
    lengthOf,
  );
  // joining over the long labels first: 6 products of 3·40·3, and small ones
  assert.ok(cost < 40 * 40 * 40, `${cost}`);
  const [first, ...rest] = matrices;
  close(
    einsum(`${terms.join(",")}->am`, ...matrices),
    rest.reduce((product, x) => product.matmul(x), first),
  );
});
