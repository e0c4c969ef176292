import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultTarget } from "#src/compile/pipeline.js";
import { buffersOf, kernelsOf } from "#src/compile/walk.js";
import type { Node } from "#src/ir/node.js";
import type { Shape } from "#src/ir/shape.js";
import { abs, convert, div, maximum, mul, sub } from "#src/primitive/arithmetic.js";
import { convolution, dot } from "#src/primitive/contraction.js";
import { add, broadcast, sum } from "#src/primitive/define.js";
import { fill, fillLike, hole } from "#src/primitive/leaf.js";
import { exp, rsqrt } from "#src/primitive/transcendental.js";
import { concatenate, flip, pad, reshape, transpose } from "#src/primitive/movement.js";
import { randomBits } from "#src/primitive/random.js";
import { max } from "#src/primitive/reduction.js";
import { backward } from "#src/transform/passes.js";
import { scan } from "#src/transform/scan.js";
import { range } from "#src/util/arrays.js";
import { compileProgram, check, drawn, generator } from "./support.js";

const input = (shape: Shape, label = "x"): Node => hole({ dtype: "float32", shape }, label);
const values = (inputs: readonly Node[]) => inputs.map((x, i) => drawn(x.aval, generator(i + 1)));
const kernels = (inputs: readonly Node[], outputs: readonly Node[], donated?: readonly boolean[]) => {
  const program = check(inputs, outputs, values(inputs), donated ? { donated: [...donated] } : {});
  return { program, names: kernelsOf(program.steps).map((k) => k.name) };
};
const matmul = (a: Node, b: Node): Node => dot(a, b, { contract: [[1], [0]], batch: [[], []] });
const scaled = (x: Node, by: number): Node => mul(x, fillLike(x, by));

test("a chain of elementwise operations and movements is one kernel", () => {
  const [x, y] = [input([8, 6]), input([6])];
  const z = abs(mul(add(x, broadcast(y, [8, 6], [1])), x));
  assert.equal(kernels([x, y], [transpose(reshape(z, [4, 12]), [1, 0])]).names.length, 1);
});

test("bias and activation are applied where a product is stored", () => {
  const [x, w, b] = [input([7, 9]), input([9, 13]), input([13])];
  const y = add(matmul(x, w), broadcast(b, [7, 13], [1]));
  assert.equal(kernels([x, w, b], [maximum(y, fillLike(y, 0))]).names.length, 1);
});

test("softmax is three kernels or fewer, and its maximum is not computed again for every element", () => {
  const x = input([9, 11]);
  const e = abs(sub(x, broadcast(max(x, [1]), [9, 11], [0])));
  const y = div(e, broadcast(sum(e, [1]), [9, 11], [0]));
  assert.ok(kernels([x], [y]).names.length <= 3);
});

test("an update of a parameter and its moments is one kernel that works in place", () => {
  const [g, m, v, p] = ["g", "m", "v", "p"].map((label) => input([5, 7], label));
  const m2 = add(scaled(m, 0.9), scaled(g, 0.1));
  const v2 = add(scaled(v, 0.99), scaled(mul(g, g), 0.01));
  const p2 = sub(p, div(m2, add(abs(v2), fillLike(v2, 1))));
  const { program, names } = kernels([g, m, v, p], [m2, v2, p2], [false, true, true, true]);
  assert.equal(names.length, 1);
  assert.deepEqual(program.reuses, [1, 2, 3]);
});

test("a number that many arrays share is kept as the number, never spread out", () => {
  const [number, ...arrays] = [input([]), ...range(26).map((i) => input([40, 50], `x${i}`))];
  const factor = broadcast(exp(abs(exp(number))), [40, 50], []);
  const products = arrays.map((x) => mul(x, factor));
  const { program, names } = kernels([number, ...arrays], products);
  assert.ok(names.length > 2, "more results than one kernel stores");
  assert.ok(program.workspaceBytes < 4 * 40 * 50, `${program.workspaceBytes} bytes`);
});

test("random factors of a product are drawn once, into memory where they are used again", () => {
  const key = hole({ dtype: "uint32", shape: [2] }, "key");
  const [x, w] = [input([40, 30]), input([30, 20])];
  const noise = convert(randomBits(key, [30, 20]), "float32");
  assert.deepEqual(kernels([key, x], [matmul(x, scaled(noise, 2 ** -32))]).names, ["mul", "dot"]);
  const { program } = kernels([key, w], [sum(mul(noise, w), [0, 1])]);
  assert.ok(program.workspaceBytes < 4 * 30 * 20, "numbers that are used once are written to memory");
});

test("memory of a donated input is not taken while it is still read elsewhere", () => {
  const x = input([6, 6]);
  const moved = add(x, transpose(x, [1, 0]));
  assert.deepEqual(kernels([x], [moved], [true]).program.reuses, [null]);
  const y = add(x, fillLike(x, 1));
  assert.deepEqual(
    kernels([x], [y, broadcast(sum(x, [0, 1]), [6, 6], [])], [true]).program.reuses.filter((r) => r !== null).length <=
      1,
    true,
  );
});

test("an output that is an input, or stands twice, is copied", () => {
  const x = input([5]);
  const y = add(x, x);
  kernels([x], [x, y, y], [true]);
});

test("what is shared is computed once however often it doubles", () => {
  let x = input([4]);
  const first = x;
  for (let i = 0; i < 40; i++) x = scaled(add(x, x), 0.5);
  kernels([first], [x]);
});

test("an unrolled loop of 20,000 nodes compiles", () => {
  let x = input([3]);
  const first = x;
  for (let i = 0; i < 10_000; i++) x = scaled(add(x, first), 0.5);
  const program = compileProgram({ inputs: [first], outputs: [x], donated: [false] });
  assert.ok(kernelsOf(program.steps).length < 1000);
});

test("thousands of parts are joined", () => {
  const parts = Array.from({ length: 3000 }, () => input([1]));
  const program = compileProgram({ inputs: parts, outputs: [concatenate(parts, 0)], donated: parts.map(() => false) });
  const joined = kernelsOf(program.steps).map((kernel) => buffersOf(kernel).reads.size);
  assert.ok(joined.length < 16 && Math.max(...joined) < 900, `kernels that read ${joined.join(", ")} arrays`);
});

test("equal computations are done once, different parameters keep them apart", () => {
  const x = input([16, 3]);
  const twice = [sum(x, [0]), sum(x, [0]), sum(x, [1])];
  assert.equal(
    kernels([x], [...twice, fill(Number.NaN, "float32", [2]), fill(Infinity, "float32", [2])]).names.filter((n) =>
      n.includes("sum"),
    ).length,
    2,
  );
});

test("what does not change in a loop is computed before it", () => {
  const [h, w, xs] = [input([4]), input([4, 4]), input([5, 4])];
  const { results } = scan(
    ([state], [x]) => {
      const inverse = matmul(w, w);
      const next = add(reshape(matmul(reshape(state, [1, 4]), inverse), [4]), x);
      return { carry: [next], results: [next] };
    },
    [h],
    [xs],
    { length: 5, reverse: false },
  );
  const program = check([h, w, xs], [results[0]], values([h, w, xs]));
  const loop = program.steps.find((s) => s.kind === "loop");
  assert.ok(loop?.kind === "loop" && kernelsOf(loop.steps).length === 1);
});

test("the reverse pass of a loop takes products and carries from the forward one", () => {
  const [h, w, xs] = [input([2, 4]), input([4, 4]), input([5, 2, 4])];
  const { carry } = scan(([state], [x]) => ({ carry: [abs(add(matmul(state, w), x))], results: [] }), [h], [xs], {
    length: 5,
    reverse: false,
  });
  const gradients = backward([sum(carry[0], [0, 1])], [fill(1, "float32", [])], [w, h]);
  const program = check(
    [h, w, xs],
    gradients.filter((g) => g !== null),
    values([h, w, xs]),
  );
  assert.equal(program.steps.filter((step) => step.kind === "loop").length, 2);
  // One forward, two backward: the pre-activation is not computed again.
  assert.equal(kernelsOf(program.steps).filter((k) => k.name.includes("dot")).length, 3);
});

test("temporaries whose lives do not meet share memory", () => {
  const x = input([64, 64]);
  let y = x;
  for (let i = 0; i < 6; i++) y = scaled(matmul(y, y), 0.01);
  const { program } = kernels([x], [y]);
  assert.ok(program.workspaceBytes <= 2 * (64 * 64 * 4 + 128), `${program.workspaceBytes} bytes`);
});

test("large, odd and transposed products agree with the reference", () => {
  for (const [m, k, n] of [
    [13, 70, 19],
    [64, 33, 65],
    [1, 50, 40],
    [40, 50, 1],
    [3, 257, 5],
  ]) {
    const [a, b] = [input([m, k]), input([k, n])];
    const [at, bt] = [input([k, m]), input([n, k])];
    kernels([a, b], [matmul(a, b)]);
    kernels([at, bt], [dot(at, bt, { contract: [[0], [1]], batch: [[], []] })]);
    kernels([a, bt], [dot(a, bt, { contract: [[1], [1]], batch: [[], []] })]);
  }
});

/** A machine whose caches hold next to nothing. */
const small = { ...defaultTarget, cacheBytes: 1 << 10, panelRows: 16, farBytes: 64, farSteps: 16, kc: 16, mc: 12 };

test("a sum over more data than caches hold is done in sweeps", () => {
  const [x, g, v] = [input([6, 5, 12, 20]), input([6, 7, 12, 20]), input([5, 7])];
  const axes = {
    contract: [
      [0, 2, 3],
      [0, 2, 3],
    ],
    batch: [[], []],
  } as const;
  const plain = dot(x, g, axes);
  const options = { donated: [false, false, true], target: small };
  const program = check([x, g, v], [plain, sub(v, scaled(plain, 0.01))], values([x, g, v]), options);
  assert.ok(kernelsOf(program.steps).some((k) => k.name.endsWith("_end")));
});

test("large products read panels, in blocks of rows and sweeps of the summed index", () => {
  for (const microRows of [4, 6])
    for (const dtype of ["float32", "float64"] as const) {
      const [a, b] = [hole({ dtype, shape: [48, 256] }, "a"), hole({ dtype, shape: [256, 24] }, "b")];
      const y = matmul(a, b);
      const target = { ...small, microRows };
      const program = check([a, b], [maximum(y, fillLike(y, 0))], values([a, b]), { target });
      assert.ok(kernelsOf(program.steps).some((k) => k.name.endsWith("_panels")));
    }
});

test("operands that lie across are copied into panels, batched and strided rows too", () => {
  const panels = (inputs: readonly Node[], y: Node, target = small) =>
    kernelsOf(check(inputs, [y], values(inputs), { target }).steps).filter((k) => k.name.endsWith("_panels")).length;
  const [a, b] = [input([2, 30, 24]), input([2, 16, 24])];
  assert.equal(panels([a, b], dot(a, b, { contract: [[2], [2]], batch: [[0], [0]] })), 1);
  const [x, y] = [input([40, 36]), input([40, 24])];
  assert.equal(panels([x, y], dot(x, y, { contract: [[0], [0]], batch: [[], []] })), 2);
  const [image, other] = [input([3, 1, 4, 7, 8]), input([1, 8, 4, 5, 6])];
  const padding = [0, 0].map(() => [0, 0] as const);
  const dense = { strides: [1, 1], padding, inputDilation: [1, 1], kernelDilation: [1, 1] };
  // Results lie along a window of 3 by 3: vectors go along the 8 channels instead.
  assert.equal(panels([image, other], convolution(image, other, dense)), 1);
});

test("columns beyond whole tiles are a product of their own", () => {
  const [a, b] = [input([40, 48]), input([37, 48])];
  const y = dot(a, b, { contract: [[1], [1]], batch: [[], []] });
  const program = check([a, b], [maximum(y, fillLike(y, 0))], values([a, b]), { target: small });
  const products = kernelsOf(program.steps).filter((k) => !k.name.endsWith("_panels"));
  // 32 and 5 columns of 40 products of 48.
  assert.deepEqual(
    products.map((k) => Math.round(k.cost.flops / 32 / 40 / 48)),
    [1, 0],
  );
});

test("vectors longer than padded rows run on from row to row", () => {
  const [x, w] = [input([2, 1, 3, 6, 6]), input([1, 4, 3, 5, 5])];
  const padding = [0, 0].map(() => [2, 2] as const);
  const y = convolution(x, w, { strides: [1, 1], padding, inputDilation: [1, 1], kernelDilation: [1, 1] });
  for (const vectorBytes of [16, 64] as const) {
    const target = { ...defaultTarget, vectorBytes };
    const program = check([x, w], [maximum(y, fillLike(y, 0))], values([x, w]), { target });
    // Six rows of 6 are 12 vectors of 4 lanes and less, joined ones 14.
    assert.equal(
      kernelsOf(program.steps).some((k) => k.name.endsWith("_end")),
      vectorBytes === 64,
    );
  }
});

test("arrays read across, padded and joined agree with the reference", () => {
  const [x, y] = [input([70, 41]), input([70, 33])];
  const at = (a: Node) => transpose(a, [1, 0]);
  kernels([x], [at(x), at(mul(x, x)), at(pad(x, { low: [1, 3], high: [0, 2], interior: [0, 0] }))]);
  kernels([x, y], [concatenate([x, y, x], 1), concatenate([at(x), at(y)], 0), flip(x, [1])]);
  const flat = input([5000]);
  kernels([flat], [pad(flat, { low: [7], high: [1], interior: [0] }), concatenate([flat, flat], 0)]);
});

/** As if caches were small and tasks short, so that small arrays are cut into blocks of rows too. */
const crowded = { ...defaultTarget, cacheBytes: 1, taskWork: 64 };
const rowKernels = (inputs: readonly Node[], outputs: readonly Node[], donated?: boolean[]) => {
  const program = check(inputs, outputs, values(inputs), { target: crowded, ...(donated && { donated }) });
  return { program, names: kernelsOf(program.steps).map((k) => k.name) };
};
const spread = (x: Node, shape: Shape): Node => broadcast(x, shape, [0]);
const mean = (x: Node): Node => scaled(sum(x, [1]), 1 / x.shape[1]);

function softmaxOf(x: Node): Node {
  const e = exp(sub(x, spread(max(x, [1]), x.shape)));
  return div(e, spread(sum(e, [1]), x.shape));
}
function normOf(x: Node): Node {
  const centred = sub(x, spread(mean(x), x.shape));
  const variance = mean(mul(centred, centred));
  return mul(centred, spread(rsqrt(add(variance, fillLike(variance, 1e-5))), x.shape));
}

for (const [what, f] of [
  ["softmax", softmaxOf],
  ["a norm over rows", normOf],
] as const) {
  test(`${what} is one kernel that keeps what it makes on the way in rows of its own, and so is its gradient`, () => {
    for (const shape of [
      [48, 40],
      [19, 33],
      [1024, 64],
    ]) {
      const [x, g] = [input(shape), input(shape, "g")];
      const { program, names } = rowKernels([x], [f(x)]);
      assert.equal(names.length, 1);
      assert.equal(program.workspaceBytes, 0);
      assert.ok(program.scratchBytes > 0 && program.scratchBytes < 4 * shape[0] * shape[1]);
      assert.ok(shape[0] === 19 || kernelsOf(program.steps)[0].tasks > 1);
      const [gradient] = backward([f(x)], [g], [x]);
      assert.ok(gradient !== null && rowKernels([x, g], [gradient]).names.length === 1);
    }
  });
}

test("what others read of a group's rows stays in memory, and a fold over rows is a kernel of its own", () => {
  const x = input([48, 40]);
  const y = softmaxOf(x);
  assert.equal(rowKernels([x], [y, sum(y, [0])]).names.length, 2);
  assert.equal(rowKernels([x], [y, transpose(y, [1, 0])]).names.length, 2);
  assert.equal(rowKernels([x], [softmaxOf(transpose(x, [1, 0]))]).names.length, 3);
});

test("few long rows, and rows longer than caches, are folded by all threads together", () => {
  const names = (shape: Shape) => {
    const x = input(shape);
    return kernelsOf(compileProgram({ inputs: [x], outputs: [softmaxOf(x)], donated: [false] }).steps).map(
      ({ tasks }) => tasks,
    );
  };
  for (const tasks of [names([2, 1 << 20]), names([64, 1 << 17])]) assert.ok(tasks.filter((n) => n > 1).length >= 4);
  assert.equal(names([4096, 1024]).length, 1);
});

test("a group takes the memory of a donated input only where no later part of it reads that", () => {
  const x = input([48, 40]);
  const { program } = rowKernels([x], [softmaxOf(x)], [true]);
  assert.deepEqual(program.reuses, [null]);
});

test("a transposed convolution multiplies no zeros between the elements of its input", () => {
  const [channels, length] = [16, 64];
  const work = (stride: number, size: number, kernelDilation: number) => {
    const [x, w] = [input([1, 1, channels, length]), input([1, channels, channels, size], "w")];
    const low = kernelDilation * (size - 1);
    const params = {
      strides: [1],
      padding: [[low, low]] as const,
      inputDilation: [stride],
      kernelDilation: [kernelDilation],
    };
    const { program } = kernels([x, w], [convolution(x, w, params)]);
    return kernelsOf(program.steps).reduce((sum, k) => sum + k.cost.flops, 0) / (channels * channels * length * size);
  };
  // Every element meets every tap once, and a little more is done at the ends and to make a table.
  assert.ok(work(1, 3, 1) < 1.5);
  assert.ok(work(2, 3, 1) < 1.5);
  assert.ok(work(3, 4, 2) < 1.5);
  // Results of two phases in three are zero, or have no taps.
  assert.ok(work(3, 1, 1) < 1.5);
  // Taps two apart meet elements two apart at every second result only.
  assert.ok(work(2, 3, 2) < 1.5);
});
