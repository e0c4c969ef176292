/**
 * # The core, from scratch
 *
 * This file rebuilds the heart of typegrad in one sitting: lazy arrays, derivatives of any order, automatic batching and
 * a small compiler, and then trains a network with them. It imports nothing, so everything it needs is on these pages.
 * Run it: `npm run build && node build/docs/from-scratch.js`. The checks at the end throw if any claim is false.
 *
 * ## 1. A computation is a graph
 *
 * `tanh(a * b)` could compute two arrays at once. Instead we write down what was asked for: a *node* that applies the
 * *primitive* tanh to a node that applies the primitive mul to a and b. Nothing is computed until somebody looks. That
 * laziness pays three times. Derivatives can walk the graph. Batching can walk the graph. And the compiler sees whole
 * expressions, so that it can compute `tanh(a * b)` in one loop with no array in between.
 */
type Shape = readonly number[];
const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
const range = <T>(n: number, f: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => f(i));

/**
 * Everything that is ever asked about a primitive stands in its own declaration. There are only five questions:
 * the shape of the result, two derivative rules, a batching rule, and what one element of the result is.
 */
interface Primitive<P> {
  readonly name: string;
  shape(inputs: readonly Shape[], params: P): Shape;
  /** Given g = dL/d(result), the dL/d(input) of every input; `null` means zero. */
  vjp(g: Node, node: Node<P>): readonly (Node | null)[];
  /** Given how the inputs change, how the result changes; `null` means not at all. */
  jvp(tangents: readonly (Node | null)[], node: Node<P>): Node;
  /** The same computation when the flagged inputs carry one more axis of length `n` in front. */
  batch(inputs: readonly Node[], batched: readonly boolean[], n: number, params: P): Node;
  /** JavaScript for the element at index `at`; `read(i, at)` is JavaScript for an element of input `i`. */
  element(at: readonly string[], read: (input: number, at: readonly string[]) => string, params: P): string;
}

let nextId = 0;

/** A primitive applied to inputs. Inputs exist before the nodes that use them, so sorting by `id` sorts by dependence. */
class Node<P = unknown> {
  readonly id: number = nextId++;
  readonly primitive: Primitive<P>;
  readonly inputs: readonly Node[];
  readonly params: P;
  readonly shape: Shape;
  /** The elements in row-major order, once somebody has looked. */
  value: Float64Array | null = null;

  constructor(primitive: Primitive<P>, inputs: readonly Node[], params: P) {
    this.primitive = primitive;
    this.inputs = inputs;
    this.params = params;
    const shapes = inputs.map((x) => x.shape);
    this.shape = primitive.shape(shapes, params);
  }
}

/** Everything `roots` are computed from, inputs first, not looking behind nodes at which `stop` holds. */
function ancestors(roots: readonly Node[], stop: (node: Node) => boolean): Node[] {
  const seen = new Set(roots);
  for (const node of seen) if (!stop(node)) for (const x of node.inputs) seen.add(x);
  return [...seen].sort((a, b) => a.id - b.id);
}

/**
 * ## 2. The primitives
 *
 * Most of a rule set can be derived. An element-wise primitive is determined by a scalar formula and its partial
 * derivatives: the chain rule in both directions, and batching, are the same for all of them. Note that the partials are
 * written with the very operations we are defining. The derivative of a graph is a graph, which has derivatives.
 */
interface Scalar {
  readonly of: (...x: string[]) => string;
  readonly partials: (x: readonly Node[], y: Node) => readonly Node[];
}
function elementwise(name: string, { of, partials }: Scalar): Primitive<null> {
  const self: Primitive<null> = {
    name,
    shape([first, ...rest]) {
      for (const s of rest) if (`${s}` !== `${first}`) throw new Error(`${name}: shapes differ: [${first}] and [${s}]`);
      return first;
    },
    vjp: (g, y) => partials(y.inputs, y).map((d) => mul(g, d)),
    jvp(tangents, y) {
      const d = partials(y.inputs, y);
      return tangents.flatMap((t, i) => (t === null ? [] : [mul(t, d[i])])).reduce(add);
    },
    batch(xs, batched, n) {
      const inputs = xs.map((x, i) => (batched[i] ? x : expand(x, 0, n)));
      return new Node(self, inputs, null);
    },
    element: (at, read) => of(...range(of.length, (i) => read(i, at))),
  };
  return self;
}

/** A linear primitive has one more gift: to first order it changes the way it computes, so its jvp is itself. */
function linear<P>(
  name: string,
  rules: Pick<Primitive<P>, "shape" | "element"> & {
    /** The adjoint: the linear map back from the result's space to the input's. */
    transpose(g: Node, input: Shape, params: P): Node;
    /** Params that do the same when there is one more axis in front. */
    shift(params: P, n: number): P;
  },
): Primitive<P> {
  const self: Primitive<P> = {
    name,
    shape: rules.shape,
    element: rules.element,
    vjp: (g, y) => [rules.transpose(g, y.inputs[0].shape, y.params)],
    jvp: ([t], y) => (t === null ? y : new Node(self, [t], y.params)),
    batch: ([x], _, n, params) => new Node(self, [x], rules.shift(params, n)),
  };
  return self;
}

const ADD = elementwise("add", { of: (a, b) => `(${a} + ${b})`, partials: ([a]) => [like(a, 1), like(a, 1)] });
const MUL = elementwise("mul", { of: (a, b) => `(${a} * ${b})`, partials: ([a, b]) => [b, a] });
const EXP = elementwise("exp", { of: (a) => `Math.exp(${a})`, partials: (_, y) => [y] });
const LOG = elementwise("log", { of: (a) => `Math.log(${a})`, partials: ([a]) => [reciprocal(a)] });
const TANH = elementwise("tanh", { of: (a) => `Math.tanh(${a})`, partials: (_, y) => [sub(1, mul(y, y))] });
const RECIPROCAL = elementwise("reciprocal", { of: (a) => `(1 / ${a})`, partials: (_, y) => [neg(mul(y, y))] });

/** Adds up along an axis. Its transpose repeats along that axis: summing and repeating are each other's derivative. */
const SUM = linear<{ axis: number }>("sum", {
  shape: ([x], { axis }) => x.toSpliced(axis, 1),
  transpose: (g, x, { axis }) => expand(g, axis, x[axis]),
  shift: ({ axis }) => ({ axis: axis + 1 }),
  // The compiler turns a sum into a loop over `r`; inside that loop its element is the input's.
  element: (at, read, { axis }) => read(0, at.toSpliced(axis, 0, "r")),
});
/** Repeats a value `n` times along a new axis: the one way that shapes are made to agree. */
const EXPAND = linear<{ axis: number; n: number }>("expand", {
  shape: ([x], { axis, n }) => x.toSpliced(axis, 0, n),
  transpose: (g, _, { axis }) => sum(g, axis),
  shift: ({ axis, n }) => ({ axis: axis + 1, n }),
  element: (at, read, { axis }) => read(0, at.toSpliced(axis, 1)),
});
/** Returns its input, but as a node of its own: how a transform tells "x" from "x as I am differentiating it". */
const MARK = linear<null>("mark", {
  shape: ([x]) => x,
  transpose: (g) => g,
  shift: () => null,
  element: (at, read) => read(0, at),
});

/** Leaves have no inputs, so no rule is ever asked of them, except what a constant's element is. */
function leaf<P>(name: string, shape: (params: P) => Shape, element: (params: P) => string): Primitive<P> {
  const never = (): never => {
    throw new Error(`${name} has no inputs`);
  };
  return {
    name,
    shape: (_, params) => shape(params),
    vjp: () => [],
    jvp: never,
    batch: never,
    element: (_at, _read, params) => element(params),
  };
}
/** A number written into the generated code. */
const CONSTANT = leaf<number>("constant", () => [], String);
/** An array of the caller: it has a value from the start, so its element is never asked for. */
const DATA = leaf<Shape>("data", (shape) => shape, abstractValue);
/** A value that is not known yet: what `vmap` hands to the function it batches. */
const PLACEHOLDER = leaf<Shape>("placeholder", (shape) => shape, abstractValue);
function abstractValue(): never {
  throw new Error("this value has no elements: it stands for every row of a batch. return it, and read the result");
}

/** ## 3. What people write: functions, broadcasting, and everything that is not a primitive. */
const constant = (x: number): Node => new Node(CONSTANT, [], x);
function data(shape: Shape, elements: Iterable<number>): Node {
  const node = new Node(DATA, [], shape);
  node.value = Float64Array.from(elements);
  if (node.value.length !== size(shape)) throw new Error(`data: [${shape}] needs ${size(shape)} elements`);
  return node;
}
const expand = (x: Node, axis: number, n: number): Node => new Node(EXPAND, [x], { axis, n });
const like = (x: Node, value: number): Node => x.shape.reduceRight((c, n) => expand(c, 0, n), constant(value));

/** Repeats an operand over missing leading axes, and numbers over everything, as NumPy does. */
function binary(primitive: Primitive<null>, a: Node | number, b: Node | number): Node {
  let x = typeof a === "number" ? constant(a) : a;
  let y = typeof b === "number" ? constant(b) : b;
  while (x.shape.length < y.shape.length) x = expand(x, 0, y.shape[y.shape.length - x.shape.length - 1]);
  while (y.shape.length < x.shape.length) y = expand(y, 0, x.shape[x.shape.length - y.shape.length - 1]);
  return new Node(primitive, [x, y], null);
}
const add = (a: Node | number, b: Node | number): Node => binary(ADD, a, b);
const mul = (a: Node | number, b: Node | number): Node => binary(MUL, a, b);
const neg = (x: Node): Node => mul(x, -1);
const sub = (a: Node | number, b: Node): Node => add(a, neg(b));
const exp = (x: Node): Node => new Node(EXP, [x], null);
const log = (x: Node): Node => new Node(LOG, [x], null);
const tanh = (x: Node): Node => new Node(TANH, [x], null);
const reciprocal = (x: Node): Node => new Node(RECIPROCAL, [x], null);
const sum = (x: Node, axis: number): Node => new Node(SUM, [x], { axis });
const total = (x: Node): Node => x.shape.reduceRight((s, _, axis) => sum(s, axis), x);
const mean = (x: Node): Node => mul(total(x), 1 / size(x.shape));

/**
 * Matrix multiplication is no primitive: C[i,j] = Σ_k A[i,k] B[k,j] is a product of two repeated arrays, summed. Written
 * so it needs no rules at all, and the compiler below never builds the three-dimensional array.
 */
function matmul(a: Node, b: Node): Node {
  const [m] = a.shape;
  const [, n] = b.shape;
  return sum(mul(expand(a, 2, n), expand(b, 0, m)), 1); // [m,k,n] -> [m,n]
}

/**
 * ## 4. Transforms are passes over the graph
 *
 * Reverse mode walks from the result to the inputs and accumulates, at every node, how much the result changes when that
 * node does. Only nodes that depend on an `x` matter, and the walk ends at the `x`.
 */
function backward(y: Node, xs: readonly Node[]): Node[] {
  const order = ancestors([y], (n) => xs.includes(n));
  const depends = new Set(xs);
  for (const node of order) if (node.inputs.some((x) => depends.has(x))) depends.add(node);
  const cotangent = new Map<Node, Node>([[y, like(y, 1)]]);
  for (const node of order.reverse()) {
    const g = cotangent.get(node);
    if (g === undefined || !depends.has(node) || xs.includes(node)) continue;
    for (const [i, part] of node.primitive.vjp(g, node).entries()) {
      const x = node.inputs[i];
      if (part === null || !depends.has(x)) continue;
      const sofar = cotangent.get(x);
      cotangent.set(x, sofar ? add(sofar, part) : part);
    }
  }
  return xs.map((x) => cotangent.get(x) ?? like(x, 0));
}

type Fn = (...xs: Node[]) => Node;
const mark = (x: Node): Node => new Node(MARK, [x], null);

/** The gradient of a function with a scalar result, for each of its arguments. */
function grad(f: Fn): (...xs: Node[]) => Node[] {
  return (...xs) => {
    const marked = xs.map(mark);
    return backward(f(...marked), marked);
  };
}

/** Forward mode: the result at `xs`, and its directional derivative along `ts`. */
function jvp(f: Fn, xs: readonly Node[], ts: readonly Node[]): [Node, Node] {
  const marked = xs.map(mark);
  const y = f(...marked);
  const tangent = new Map(marked.map((x, i) => [x, ts[i]]));
  for (const node of ancestors([y], (n) => tangent.has(n))) {
    const parts = node.inputs.map((x) => tangent.get(x) ?? null);
    if (!tangent.has(node) && parts.some((t) => t !== null)) tangent.set(node, node.primitive.jvp(parts, node));
  }
  return [y, tangent.get(y) ?? like(y, 0)];
}

/**
 * Batching: `vmap(f)` applies an `f` written for one example to every row of its arguments. `f` runs once, on placeholders
 * that stand for a row; then every node that depends on one is replaced by its batched version.
 */
function vmap(f: Fn): Fn {
  return (...xs) => {
    const [n] = xs[0].shape;
    const rows = xs.map((x) => new Node(PLACEHOLDER, [], x.shape.slice(1)));
    const y = f(...rows);
    const image = new Map<Node, Node>(rows.map((row, i) => [row, xs[i]]));
    for (const node of ancestors([y], (x) => image.has(x))) {
      const batched = node.inputs.map((x) => image.has(x));
      if (!batched.includes(true)) continue;
      const inputs = node.inputs.map((x) => image.get(x) ?? x);
      image.set(node, node.primitive.batch(inputs, batched, n, node.params));
    }
    return image.get(y) ?? expand(y, 0, n);
  };
}

/**
 * Because each transform takes a function on nodes and gives a function on nodes, they nest in any order. The Hessian is
 * forward mode over reverse mode, batched over the unit vectors: three transforms, one line.
 */
function hessian(f: Fn): Fn {
  return (x) => vmap((e) => jvp((z) => grad(f)(z)[0], [x], [e])[1])(identity(size(x.shape)));
}
const identity = (n: number): Node =>
  data(
    [n, n],
    range(n * n, (i) => (i % (n + 1) === 0 ? 1 : 0)),
  );

/**
 * ## 5. The compiler
 *
 * To look at a value we must compute it, and how is a choice. A node gets memory (and a kernel that fills it) when it is
 * asked for, when it is a sum, when several nodes read it, or when an expand repeats it. Every other node is *fused*: it
 * becomes part of the expression of the kernel that reads it and never exists as an array.
 */
function schedule(roots: readonly Node[]): Node[] {
  const order = ancestors(roots, (n) => n.value !== null).filter((n) => n.value === null);
  const free = (n: Node): boolean => [CONSTANT, EXPAND, MARK].some((p) => Object.is(p, n.primitive));
  const stored = new Set(roots);
  const readers = new Map<Node, number>();
  for (const node of order)
    for (const x of node.inputs) {
      readers.set(x, (readers.get(x) ?? 0) + 1);
      const repeated = Object.is(node.primitive, EXPAND) || (readers.get(x) ?? 0) > 1;
      if (repeated && !free(x)) stored.add(x);
    }
  return order.filter((n) => stored.has(n) || Object.is(n.primitive, SUM));
}

interface Kernel {
  /** JavaScript of a function body; its arguments are the output and the `buffers`. */
  readonly source: string;
  readonly buffers: readonly Node[];
}

/** Row-major position of an index: ((i0 * d1 + i1) * d2 + i2) … */
const offset = (at: readonly string[], shape: Shape): string =>
  at.reduce((sofar, i, axis) => (axis === 0 ? i : `(${sofar} * ${shape[axis]} + ${i})`), "0");

/** One loop nest over the elements of `root`, around the expression of everything fused into it. */
function generate(root: Node, isStored: (node: Node) => boolean): Kernel {
  const buffers: Node[] = [];
  const expression = (node: Node, at: readonly string[]): string => {
    if (node !== root && isStored(node)) {
      if (!buffers.includes(node)) buffers.push(node);
      return `b${buffers.indexOf(node)}[${offset(at, node.shape)}]`;
    }
    return node.primitive.element(at, (i, inner) => expression(node.inputs[i], inner), node.params);
  };
  const at = root.shape.map((_, axis) => `i${axis}`);
  const loops = root.shape.map((n, axis) => `for (let i${axis} = 0; i${axis} < ${n}; i${axis}++) `).join("");
  const element = expression(root, at);
  const place = `out[${offset(at, root.shape)}]`;
  if (!Object.is(root.primitive, SUM)) return { source: `${loops}${place} = ${element};`, buffers };
  const extent = size(root.inputs[0].shape) / Math.max(1, size(root.shape));
  const reduction = `let sum = 0; for (let r = 0; r < ${extent}; r++) sum += ${element};`;
  return { source: `${loops}{ ${reduction} ${place} = sum; }`, buffers };
}

/** Kernels by their text. A training loop builds the same graph again and again, and finds its kernels here. */
const compiled = new Map<string, (out: Float64Array, ...buffers: Float64Array[]) => void>();

function compile({ source, buffers }: Kernel): (out: Float64Array, ...buffers: Float64Array[]) => void {
  const kernel = compiled.get(source) ?? new Function("out", ...buffers.map((_, i) => `b${i}`), source);
  const run = (out: Float64Array, ...values: Float64Array[]): void => void kernel(out, ...values);
  if (!compiled.has(source)) compiled.set(source, run);
  return run;
}

/** Looks at values: computes everything `roots` need and gives their elements. */
function read(...roots: Node[]): Float64Array[] {
  const plan = schedule(roots);
  const stored = new Set(plan);
  const valueOf = (x: Node): Float64Array => x.value ?? abstractValue();
  for (const node of plan) {
    const kernel = generate(node, (x) => x.value !== null || stored.has(x));
    const out = new Float64Array(size(node.shape));
    compile(kernel)(out, ...kernel.buffers.map(valueOf));
    node.value = out;
  }
  return roots.map(valueOf);
}
const item = (x: Node): number => read(x)[0][0];

/**
 * ## 6. A network learns two moons
 *
 * Two half circles that no straight line separates, 2 × 100 points with noise; a network of two hidden layers; the
 * logistic loss; and gradient descent with momentum (Polyak, 1964).
 */
function randomNumbers(seed: number): () => number {
  let state = seed; // Marsaglia's xorshift, 32 bits (2003)
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
const random = randomNumbers(2463534242);
const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()); // Box-Muller

function moons(n: number): { points: Node; labels: Node } {
  const points = range(n, (i) => {
    const angle = Math.PI * random();
    const [x, y] = i % 2 ? [1 - Math.cos(angle), 0.5 - Math.sin(angle)] : [Math.cos(angle), Math.sin(angle)];
    return [x + 0.1 * normal(), y + 0.1 * normal()];
  });
  const labels = points.map((_, i) => (i % 2 ? 1 : -1));
  return { points: data([n, 2], points.flat()), labels: data([n], labels) };
}

/** Weights of variance 1 / inputs (LeCun et al., 1998), biases zero. */
const dense = (from: number, to: number): Node[] => [
  data(
    [from, to],
    range(from * to, () => normal() / Math.sqrt(from)),
  ),
  data([to], new Float64Array(to)),
];

/** x: [n,2] -> one score per row: [n] */
function network(x: Node, [w1, b1, w2, b2, w3, b3]: readonly Node[]): Node {
  const h1 = tanh(add(matmul(x, w1), b1)); // [n,16]
  const h2 = tanh(add(matmul(h1, w2), b2)); // [n,16]
  return sum(add(matmul(h2, w3), b3), 1); // [n,1] -> [n]
}
/** mean log(1 + exp(-label * score)) */
const logistic = (scores: Node, labels: Node): Node => mean(log(add(1, exp(neg(mul(labels, scores))))));

function train(steps: number): { first: number; last: number; accuracy: number } {
  const { points, labels } = moons(200);
  let weights = [...dense(2, 16), ...dense(16, 16), ...dense(16, 1)];
  let velocities = weights.map((w) => like(w, 0));
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const loss = logistic(network(points, weights), labels);
    const gradients = backward(loss, weights);
    const faster = velocities.map((v, i) => add(mul(v, 0.9), gradients[i]));
    const moved = weights.map((w, i) => add(w, mul(faster[i], -0.1)));
    const [[value], ...arrays] = read(loss, ...moved, ...faster); // one look: the whole step is scheduled together
    losses.push(value);
    // Values become fresh leaves: the step's graph is let go, or it would grow for as long as we train.
    const fresh = arrays.map((a, i) => data(weights[i % weights.length].shape, a));
    [weights, velocities] = [fresh.slice(0, weights.length), fresh.slice(weights.length)];
  }
  const [margins] = read(mul(network(points, weights), labels));
  return { first: losses[0], last: losses[steps - 1], accuracy: margins.filter((m) => m > 0).length / margins.length };
}

/** ## 7. Does it hold? Every claim above, checked against something computed another way. */
function close(what: string, measured: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  const error = Math.max(...range(expected.length, (i) => Math.abs(measured[i] - expected[i])));
  if (!(error <= tolerance) || measured.length !== expected.length) throw new Error(`${what}: off by ${error}`);
  console.log(`${what}: error ${error.toExponential(1)}`);
}

const w = data([3, 2], [0.5, -1, 2, 0.3, -0.7, 1.1]);
const x = data([4, 3], [1, 2, -1, 0.5, 0.1, 0.9, -2, 1, 0, 3, -1, 1]);
const energy: Fn = (v) => total(tanh(matmul(x, v)));

const h = 1e-5; // central differences, element by element
const bumped = (i: number, by: number): Node =>
  data(
    [3, 2],
    read(w)[0].map((e, k) => (k === i ? e + by : e)),
  );
const slopes = range(6, (i) => (item(energy(bumped(i, h))) - item(energy(bumped(i, -h)))) / (2 * h));
close("gradient = finite differences", read(grad(energy)(w)[0])[0], slopes, 1e-8);

const direction = data([3, 2], [1, 0.2, -0.3, 2, 0.5, -1]);
const along = item(total(mul(grad(energy)(w)[0], direction)));
close("forward mode = reverse mode", [item(jvp(energy, [w], [direction])[1])], [along], 1e-12);

const oneRow: Fn = (row) => grad((v) => total(tanh(sum(mul(expand(row, 1, 2), v), 0))))(w)[0]; // [3] -> [3,2]
const oneByOne = range(4, (i) => [...read(oneRow(data([3], read(x)[0].slice(3 * i, 3 * i + 3))))[0]]);
close("vmap of grad = a loop", read(vmap(oneRow)(x))[0], oneByOne.flat(), 1e-12);

const point = data([3], [0.3, -0.8, 1.7]); // f = Σ x² exp(x) has the Hessian diag((x² + 4x + 2) exp(x))
const curvature = [...read(point)[0]].flatMap((a, i) =>
  range(3, (j) => (i === j ? (a * a + 4 * a + 2) * Math.exp(a) : 0)),
);
close("hessian = closed form", read(hessian((v) => total(mul(mul(v, v), exp(v))))(point))[0], curvature, 1e-12);

const derivative =
  (f: Fn): Fn =>
  (v) =>
    grad(f)(v)[0];
const y = Math.tanh(0.4); // tanh''' = -2 (1 - y²)(1 - 3y²)
const third = derivative(derivative(derivative(tanh)))(data([], [0.4]));
close("third derivative of tanh", read(third)[0], [-2 * (1 - y * y) * (1 - 3 * y * y)], 1e-12);

// d/da [a · d/db (a + b)] is 1: an inner derivative must not mistake the outer variable for its own.
const confusion = derivative((a) => mul(a, derivative((b) => add(a, b))(a)));
close("no perturbation confusion", read(confusion(data([], [1])))[0], [1], 0);

const layer = tanh(add(matmul(x, w), data([2], [0.1, 0.2])));
const plan = schedule([layer]);
console.log(`a dense layer with tanh is ${plan.length} kernels:`);
for (const node of plan) console.log(`  ${generate(node, (n) => n.value !== null || plan.includes(n)).source}`);

const before = compiled.size;
const result = train(200);
console.log(
  `two moons: loss ${result.first.toFixed(3)} -> ${result.last.toFixed(4)}, accuracy ${result.accuracy * 100} %`,
);
console.log(`200 steps were compiled to ${compiled.size - before} kernels`);
if (!(result.last < 0.05 && result.accuracy >= 0.98)) throw new Error("the network did not learn");
