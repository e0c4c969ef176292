/** Shapes as types: what the compiler infers is what is computed, exactly where it is literal, else `number`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  arange,
  compile,
  eye,
  full,
  grad,
  jvp,
  linspace,
  Module,
  ones,
  random,
  type Shape,
  softmax,
  tensor,
  Tensor,
  valueAndGrad,
  vmap,
  zeros,
  zerosLike,
} from "typegrad";

/** Whether two types are the same, `any` and `never` included. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** No arguments are wanted where the types are the same; else those named here, so that the call does not compile. */
type Proof<A, B> = Equal<A, B> extends true ? [] : [got: A, expected: B];

/** Fails to compile unless the tensor's shape has exactly the type E; fails to run unless its shape is `actual`. */
const is =
  <E extends Shape>(actual: Shape) =>
  <S extends Shape>(x: Tensor<S>, ...proof: Proof<S, E>): void =>
    assert.deepEqual([x.shape, proof], [actual, []]);

/** Fails to compile unless the types are the same. */
const same = <A, B>(...proof: Proof<A, B>): void => assert.deepEqual(proof, []);

/** A length that the compiler does not know. */
const length = (n: number): number => n;
const flag = (b: boolean): boolean => b;

test("creation", () => {
  is<readonly [2, 3]>([2, 3])(zeros([2, 3]));
  is<readonly [2, 3]>([2, 3])(ones([2, 3], { dtype: "float64" }));
  is<readonly []>([])(full([], 3));
  is<readonly [2]>([2])(tensor([1, 2]));
  is<readonly [2, 3]>([2, 3])(
    tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]),
  );
  is<readonly [1, 2, 1]>([1, 2, 1])(tensor([[[1], [2]]]));
  is<readonly []>([])(tensor(5));
  is<readonly [0]>([0])(tensor([]));
  is<readonly [number]>([2])(tensor(Float32Array.of(1, 2)));
  is<readonly [2, 1]>([2, 1])(tensor(Float32Array.of(1, 2), { shape: [2, 1] }));
  is<readonly [number]>([3])(tensor(Array.from({ length: length(3) }, () => 0)));
  is<readonly [number]>([4])(arange(4));
  is<readonly [5]>([5])(linspace(0, 1, 5));
  is<readonly [3, 3]>([3, 3])(eye(3));
  is<readonly [3, 4]>([3, 4])(eye(3, 4));
  is<readonly [2, 3]>([2, 3])(zerosLike(zeros([2, 3])));
  is<readonly [2, 3]>([2, 3])(random.rand([2, 3]));
  is<readonly [number, 3]>([2, 3])(zeros([length(2), 3]));
});

test("a tensor of a known shape is a tensor", () => {
  const x: Tensor = zeros([2, 3]);
  const y: Tensor<readonly [number, 3]> = zeros([2, 3]);
  const list: Tensor[] = [x, y, zeros([])];
  assert.equal(list.length, 3);
  // @ts-expect-error the shapes differ
  const z: Tensor<readonly [3, 2]> = zeros([2, 3]);
  assert.ok(z);
  const any: Tensor = x;
  is<Shape>([2, 3])(any);
  is<Shape>([2, 3])(any.add(zeros([2, 3])));
  is<Shape>([2, 3])(zeros([2, 3]).add(any));
});

test("element by element", () => {
  const x = zeros([2, 3]);
  is<readonly [2, 3]>([2, 3])(x.add(1));
  is<readonly [2, 3]>([2, 3])(x.mul(x));
  is<readonly [2, 3]>([2, 3])(x.sub(zeros([3])));
  is<readonly [2, 3]>([2, 3])(zeros([3]).sub(x));
  is<readonly [2, 3]>([2, 3])(x.div(zeros([2, 1])));
  is<readonly [5, 2, 3]>([5, 2, 3])(x.pow(zeros([5, 1, 3])));
  is<readonly [2, 3]>([2, 3])(zeros([2, 1]).maximum(zeros([1, 3])));
  is<readonly [2, 3]>([2, 3])(x.add(zeros([])));
  is<readonly [2, 3]>([2, 3])(x.less(0.5));
  is<readonly [2, number]>([2, 3])(zeros([2, length(3)]).add(zeros([2, length(3)])));
  is<readonly [2, number]>([2, 3])(zeros([2, length(3)]).add(zeros([2, 1])));
  is<readonly [2, 3]>([2, 3])(x.exp().tanh().relu().neg().abs().sqrt());
  is<readonly [2, 3]>([2, 3])(x.clip(0, 1));
  is<readonly [2, 3]>([2, 3])(x.astype("int32"));
  is<readonly [2, 3]>([2, 3])(softmax(x));
  // @ts-expect-error dimensions 3 and 4 differ
  assert.throws(() => x.add(zeros([4])), /dimensions 3 and 4 differ/);
  // @ts-expect-error dimensions 2 and 3 differ
  assert.throws(() => x.mul(zeros([3, 3])), /dimensions 2 and 3 differ/);
});

test("matrix products", () => {
  is<readonly [2, 4]>([2, 4])(zeros([2, 3]).matmul(zeros([3, 4])));
  is<readonly [5, 2, 4]>([5, 2, 4])(zeros([5, 2, 3]).matmul(zeros([3, 4])));
  is<readonly [5, 2, 4]>([5, 2, 4])(zeros([5, 2, 3]).matmul(zeros([5, 3, 4])));
  is<readonly [7, 5, 2, 4]>([7, 5, 2, 4])(zeros([7, 1, 2, 3]).matmul(zeros([5, 3, 4])));
  is<readonly [number, 4]>([2, 4])(zeros([length(2), 3]).matmul(zeros([3, 4])));
  is<readonly [2, 4]>([2, 4])(zeros([2, length(3)]).matmul(zeros([3, 4])));
  is<readonly []>([])(zeros([3]).matmul(zeros([3])));
  is<readonly [2]>([2])(zeros([2, 3]).matmul(zeros([3])));
  is<readonly [4]>([4])(zeros([3]).matmul(zeros([3, 4])));
  is<readonly [5, 4]>([5, 4])(zeros([3]).matmul(zeros([5, 3, 4])));
  const any: Tensor = zeros([3, 4]);
  is<Shape>([2, 4])(zeros([2, 3]).matmul(any));
  // @ts-expect-error inner dimensions 784 and 100 differ
  assert.throws(() => zeros([2, 784]).matmul(zeros([100, 10])), /inner dimensions 784 and 100 differ/);
  // @ts-expect-error inner dimensions 3 and 4 differ
  assert.throws(() => zeros([3]).matmul(zeros([4])), /inner dimensions 3 and 4 differ/);
  // @ts-expect-error leading dimensions 5 and 6 differ
  assert.throws(() => zeros([5, 2, 3]).matmul(zeros([6, 3, 4])), /dimensions 5 and 6 differ/);
  // @ts-expect-error a scalar has no axis
  assert.throws(() => zeros([]).matmul(zeros([3])), /at least one axis/);
});

test("reductions", () => {
  const x = zeros([2, 3, 4]);
  is<readonly []>([])(x.sum());
  is<readonly [3, 4]>([3, 4])(x.sum(0));
  is<readonly [2, 3]>([2, 3])(x.mean(-1));
  is<readonly [3, 4]>([3, 4])(x.max(-3));
  is<readonly [2, 1, 4]>([2, 1, 4])(x.min(1, { keepDims: true }));
  is<readonly [2, 3, 1]>([2, 3, 1])(x.prod(-1, { keepDims: true }));
  is<readonly [1, 1, 1]>([1, 1, 1])(x.sum(undefined, { keepDims: true }));
  is<readonly [2, 4]>([2, 4])(x.argmax(1));
  is<readonly []>([])(x.argmin());
  is<readonly [2, 3]>([2, 3])(x.std(-1));
  is<readonly [3, 4]>([3, 4])(x.greater(0).any(0));
  is<readonly [4]>([4])(x.sum([0, 1]));
  is<readonly [3]>([3])(x.sum([0, -1]));
  is<readonly [1, 3, 1]>([1, 3, 1])(x.sum([2, 0], { keepDims: true }));
  is<readonly [2, 3, 4]>([2, 3, 4])(x.sum([]));
  is<Shape>([2, 3])(x.sum(length(2)));
  is<Shape>([3])(x.sum([length(0), 2]));
  const axis: number | undefined = flag(true) ? 0 : undefined;
  is<Shape>([3, 4])(x.sum(axis));
  is<Shape>([3, 4])(x.sum(9 - 9));
});

test("moving elements", () => {
  const x = zeros([2, 3, 4]);
  is<readonly [4, 3, 2]>([4, 3, 2])(x.transpose());
  is<readonly [3, 2, 4]>([3, 2, 4])(x.transpose([1, 0, 2]));
  is<readonly [4, 2, 3]>([4, 2, 3])(x.transpose([-1, 0, 1]));
  is<readonly [6, 4]>([6, 4])(x.reshape([6, 4]));
  is<readonly [number, 4]>([6, 4])(x.reshape([-1, 4]));
  is<readonly number[]>([24])(x.reshape([24].slice()));
  is<readonly [5, 2, 3, 4]>([5, 2, 3, 4])(x.broadcastTo([5, 2, 3, 4]));
  is<readonly [2, 3, 4]>([2, 3, 4])(x.flip(0));
  is<readonly [2, 3, 4]>([2, 3, 4])(x.cumsum(1));
  is<readonly [2, 1, 3, 4]>([2, 1, 3, 4])(x.expandDims(1));
  is<readonly [2, 3, 4, 1]>([2, 3, 4, 1])(x.expandDims(-1));
  is<readonly [2, 3]>([2, 3])(zeros([2, 1, 3]).squeeze(1));
  is<readonly [2, 3]>([2, 3])(zeros([2, 3, 1]).squeeze(-1));
  is<readonly [number]>([24])(x.flatten());
  is<readonly [4, 3, 2]>([4, 3, 2])(x.swapAxes(0, 2));
  is<readonly [2, 4, 3]>([2, 4, 3])(x.swapAxes(-1, -2));
  is<readonly [2, 3, 4]>([2, 3, 4])(x.sort());
  is<Shape>([3, 4])(x.at(0));
  is<Shape>([2, 4, 3])(x.T);
  is<Shape>([3, 2, 4])(x.transpose([1, 0, 2].slice()));
});

class Layer<In extends number, Out extends number> extends Module {
  weight: Tensor<readonly [In, Out]>;
  constructor(input: In, output: Out) {
    super();
    this.weight = ones([input, output]);
  }
  forward<N extends number>(x: Tensor<readonly [N, In]>): Tensor<readonly [N, Out]> {
    const rows: Tensor = x; // lengths that are type parameters are not compared
    return Tensor.of(rows.matmul(this.weight).node);
  }
}

test("a gradient has the type of the model", () => {
  const model = { first: new Layer(3, 4), rest: [new Layer(4, 1)], name: "net" };
  const loss = (m: typeof model, x: Tensor<readonly [2, 3]>): Tensor => m.rest[0].forward(m.first.forward(x)).sum();
  const gradients = grad(loss)(model, ones([2, 3]));
  same<typeof gradients, typeof model>();
  is<readonly [3, 4]>([3, 4])(gradients.first.weight);
  is<readonly [4, 1]>([4, 1])(gradients.rest[0].weight);
  assert.ok(gradients.first instanceof Layer);
  const [value, same2] = valueAndGrad(loss)(model, ones([2, 3]));
  same<typeof same2, typeof model>();
  same<typeof value, Tensor>();
  // @ts-expect-error the second argument is the input
  assert.throws(() => grad(loss)(model, "x"));
  // @ts-expect-error a gradient has the fields of the model only
  assert.equal(gradients.third, undefined);
});

test("async functions give promises", async () => {
  const f = async (x: Tensor<readonly [2]>): Promise<Tensor> => x.sum();
  const g = grad(f)(ones([2]));
  same<typeof g, Promise<Tensor<readonly [2]>>>();
  is<readonly [2]>([2])(await g);
  const mapped = vmap(async (x: Tensor) => ({ y: x }))(ones([2, 3]));
  same<typeof mapped, Promise<{ y: Tensor }>>();
  await mapped;
});

test("transforms keep the types of arguments and results", () => {
  const f = (x: Tensor<readonly [3]>, k: number): { y: Tensor<readonly [3]> } => ({ y: x.mul(k) });
  const compiled = compile(f);
  same<ReturnType<typeof compiled>, { y: Tensor<readonly [3]> }>();
  same<Parameters<typeof compiled>, [x: Tensor<readonly [3]>, k: number]>();
  is<readonly [3]>([3])(compiled(ones([3]), 2).y);
  const [, tangent] = jvp((x: Tensor<readonly [3]>) => x.mul(2), ones([3]), ones([3]));
  is<readonly [3]>([3])(tangent);
  // @ts-expect-error the tangent has the argument's form
  assert.throws(() => jvp((x: Tensor<readonly [3]>) => x.mul(2), ones([3]), ones([4])));
});
