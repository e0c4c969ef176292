/** Random bits: a counter-based generator, the same on every device. */
import { type Node, notDifferentiable, type Primitive } from "../ir/node.js";
import { type Expr, s } from "../ir/scalar.js";
import { type Shape, show } from "../ir/shape.js";
import { ShapeError } from "../util/errors.js";
import { apply, checkDType } from "./define.js";
import { flatten } from "./movement.js";
import { avals, build, element, ravel, refusal } from "./ndarray.js";

// Threefry-2x32, 20 rounds: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
const rotations = [13, 15, 26, 6, 17, 29, 16, 24];
const parity = 0x1bd11bda;

/** The two output words for a key and a counter. */
export function threefry(key: readonly [number, number], counter: readonly [number, number]): [number, number] {
  const ks = [key[0] >>> 0, key[1] >>> 0, (key[0] ^ key[1] ^ parity) >>> 0];
  let x0 = (counter[0] + ks[0]) >>> 0;
  let x1 = (counter[1] + ks[1]) >>> 0;
  for (let round = 0; round < 20; round++) {
    const r = rotations[round % 8];
    x0 = (x0 + x1) >>> 0;
    x1 = (((x1 << r) | (x1 >>> (32 - r))) ^ x0) >>> 0;
    if (round % 4 === 3) {
      const block = (round + 1) / 4;
      x0 = (x0 + ks[block % 3]) >>> 0;
      x1 = (x1 + ks[(block + 1) % 3] + block) >>> 0;
    }
  }
  return [x0, x1];
}

/** The same as scalar expressions of uint32. */
function threefryExpr(key: readonly [Expr, Expr], counter: readonly [Expr, Expr]): [Expr, Expr] {
  const ks = [key[0], key[1], s.xor(s.xor(key[0], key[1]), parity)];
  let x0 = s.add(counter[0], ks[0]);
  let x1 = s.add(counter[1], ks[1]);
  for (let round = 0; round < 20; round++) {
    const r = rotations[round % 8];
    x0 = s.add(x0, x1);
    x1 = s.xor(s.or(s.shl(x1, r), s.shr(x1, 32 - r)), x0);
    if (round % 4 === 3) {
      const block = (round + 1) / 4;
      x0 = s.add(x0, ks[block % 3]);
      x1 = s.add(s.add(x1, ks[(block + 1) % 3]), block);
    }
  }
  return [x0, x1];
}

/**
 * Uniform 32-bit words: key uint32[B…,2] → uint32[B…,shape…]. Word i of a key is `a ⊕ b` for the pair (a, b) that
 * Threefry-2x32 gives for counter (0, i), so a longer draw begins with a shorter one's words.
 */
export const randomBitsPrimitive: Primitive<{ readonly shape: Shape }> = {
  name: "randomBits",
  infer([key], { shape }) {
    checkDType("randomBits", key, ["uint32"]);
    if (key.shape.length === 0 || key.shape[key.shape.length - 1] !== 2)
      throw new ShapeError(`randomBits: a key must be uint32[2], got ${show(key)}. make one with random.key(seed)`);
    return [{ dtype: "uint32", shape: [...key.shape.slice(0, -1), ...shape] }];
  },
  vjp: notDifferentiable,
  jvp: notDifferentiable,
  batch: ([key], _batched, _size, { shape }) => [randomBits(key, shape)],
  lower: ([key], { shape }) => ({
    form: "map",
    value(at) {
      const lead = at.slice(0, key.shape.length - 1);
      const word = (i: number) => key.at([...lead, s.const("int32", i)]);
      const position = s.bitcast("uint32", flatten(at.slice(lead.length), shape));
      const [a, b] = threefryExpr([word(0), word(1)], [s.const("uint32", 0), position]);
      return s.xor(a, b);
    },
  }),
  reference([key], { shape }, [out]) {
    const lead = key.shape.length - 1;
    return [
      build(out.shape, (i) => {
        const at = i.slice(0, lead);
        const [a, b] = threefry([element(key, [...at, 0]), element(key, [...at, 1])], [0, ravel(i.slice(lead), shape)]);
        return (a ^ b) >>> 0;
      }),
    ];
  },
  samples: [
    { inputs: [{ dtype: "uint32", shape: [2], values: [0, 42] }], params: { shape: [7] } },
    { inputs: [{ dtype: "uint32", shape: [2], values: [1, 2 ** 32 - 1] }], params: { shape: [] } },
    { inputs: [{ dtype: "uint32", shape: [3, 2], values: [0, 1, 2, 3, 4, 5] }], params: { shape: [2, 3] } },
  ],
  errors: [
    refusal(avals("uint32", [3]), { shape: [2] }, "randomBits: a key must be uint32[2]"),
    refusal(avals("int32", [2]), { shape: [2] }, "randomBits: dtype must be uint32"),
  ],
};
export const randomBits = (key: Node, shape: Shape): Node => apply(randomBitsPrimitive, [key], { shape });
