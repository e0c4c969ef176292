/** Compiled functions: state, donation, keys, hidden inputs, random numbers, and what may not be done inside. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Shape,
  compile,
  DonatedError,
  evaluate,
  grad,
  Module,
  random,
  scope,
  tensor,
  Tensor,
  TraceError,
  valueAndGrad,
  vmap,
  zerosLike,
} from "typegrad";
import { close, f64 } from "./support.js";

class Counter extends Module {
  count: Tensor = f64(0);
  other: Tensor = f64([1, 2]);
}

test("state is read, changed and written back; what is not written keeps its memory", () => {
  const counter = new Counter();
  const { count, other } = counter;
  evaluate(counter);
  const step = compile(
    (by: Tensor) => {
      counter.count = counter.count.add(by);
      return counter.other.sum().add(counter.count);
    },
    { state: [counter] },
  );
  close(step(f64(2)), 5);
  close(step(f64(3)), 8);
  close(counter.count, 5);
  assert.equal(step.traces(), 1);
  assert.throws(
    () => count.dataSync(),
    (e: unknown) => e instanceof DonatedError && /clone\(\)/.test(e.message),
  );
  assert.equal(counter.other, other);
  close(other, [1, 2]);
  counter.count = f64(100);
  close(step(f64(1)), 104);
  assert.equal(step.traces(), 1);
});

test("clone keeps a value, and so does a graph that is still to be computed from it", () => {
  const counter = new Counter();
  const step = compile(() => void (counter.count = counter.count.add(1)), { state: [counter] });
  step();
  const kept = counter.count.clone();
  const pending = counter.count.mul(10);
  const computed = counter.count.mul(10);
  evaluate(computed);
  step();
  close(kept, 1);
  close(computed, 10);
  close(pending, 10);
  close(counter.count, 2);
});

test("state that is swapped, copied, returned and passed as an argument", () => {
  const pair = { a: f64([1, 2, 3]), b: f64([4, 5, 6]), c: f64([0, 0, 0]) };
  const swap = compile(
    () => {
      [pair.a, pair.b] = [pair.b, pair.a];
      pair.c = pair.a;
      return pair.a;
    },
    { state: [pair] },
  );
  for (let i = 1; i <= 4; i++) {
    const result = swap();
    const [a, b] =
      i % 2 === 1
        ? [
            [4, 5, 6],
            [1, 2, 3],
          ]
        : [
            [1, 2, 3],
            [4, 5, 6],
          ];
    close(pair.a, a);
    close(pair.b, b);
    close(pair.c, a);
    close(result, a);
  }
  const counter = new Counter();
  const step = compile(
    (x: Tensor, y: Tensor) => {
      counter.count = counter.count.add(x).add(y);
      return x;
    },
    { state: [counter] },
  );
  counter.count = f64(1);
  close(step(counter.count, counter.count), 1);
  close(counter.count, 3);
  const one = f64(1);
  close(step(one, one), 1);
  close(one, 1);
  close(counter.count, 5);
});

test("shifting state reads every old value before it writes", () => {
  const history = { past: [1, 2, 3, 4].map((v) => f64([v, 10 * v])) };
  const push = compile(
    (x: Tensor) => {
      for (let i = 3; i > 0; i--) history.past[i] = history.past[i - 1];
      history.past[0] = x.add(history.past[3]);
    },
    { state: [history] },
  );
  push(f64([100, 0]));
  close(history.past[0], [103, 30]);
  close(history.past[1], [1, 10]);
  close(history.past[3], [3, 30]);
  push(f64([0, 0]));
  close(history.past[0], [2, 20]);
  close(history.past[1], [103, 30]);
});

test("one program per structure: dtypes, shapes and everything static are the key", () => {
  let traced = 0;
  const f = compile((x: Tensor, options: { scale: number; mode?: string }) => {
    traced++;
    return options.mode === "negative" ? x.mul(-options.scale) : x.mul(options.scale);
  });
  close(f(f64([1]), { scale: 2 }), [2]);
  close(f(f64([5]), { scale: 2 }), [10]);
  assert.equal(traced, 1);
  close(f(f64([1]), { scale: 3 }), [3]);
  close(f(f64([1]), { scale: 3, mode: "negative" }), [-3]);
  close(f(f64([1, 2]), { scale: 2 }), [2, 4]);
  close(f(tensor([1]), { scale: 2 }), [2]);
  assert.equal(traced, 5);
  for (const scale of [2, 3]) close(f(f64([7]), { scale }), [7 * scale]);
  assert.equal(traced, 5);
  assert.equal(f.traces(), 5);
  const apply = compile((x: Tensor, g: (v: Tensor) => Tensor) => g(x));
  close(
    apply(f64(2), (v) => v.add(1)),
    3,
  );
  close(
    apply(f64(2), (v) => v.mul(5)),
    10,
  );
  const signed = compile((x: Tensor, k: number) => x.mul(Object.is(k, -0) ? -1 : 1));
  close(signed(f64(1), 0), 1);
  close(signed(f64(1), -0), -1);
});

test("a step that traces again and again says what changes", (t) => {
  const warn = t.mock.method(console, "warn", () => undefined);
  const f = compile((x: Tensor, k: number) => x.mul(k));
  for (let k = 0; k < 20; k++) f(f64(1), k);
  assert.equal(warn.mock.callCount(), 1);
  assert.match(String(warn.mock.calls[0].arguments[0]), /traced 16 times; argument 1 .*number 14.*number 15/);
  const g = compile((x: Tensor, { scales }: { scales: readonly number[] }) => x.mul(scales[1]));
  for (let k = 0; k < 20; k++) g(f64(1), { scales: [1, k] });
  assert.match(String(warn.mock.calls[1].arguments[0]), /argument 1 at scales\.1 changes/);
  const counter = Object.assign(new Counter(), { mode: 0 });
  const h = compile(() => void (counter.count = counter.count.add(1)), { state: [counter] });
  for (; counter.mode < 16; counter.mode++) h();
  assert.match(String(warn.mock.calls[2].arguments[0]), /the state changes: ".*mode=number 14"/);
});

test("of the programs for many signatures the newest are kept", (t) => {
  t.mock.method(console, "warn", () => undefined);
  const f = compile((x: Tensor, k: number) => x.mul(k));
  for (let k = 0; k < 80; k++) close(f(f64(2), k), 2 * k);
  assert.equal(f.traces(), 80);
  close(f(f64(2), 79), 158);
  close(f(f64(2), 16), 32);
  assert.equal(f.traces(), 80, "64 are there");
  close(f(f64(2), 0), 0);
  assert.equal(f.traces(), 81, "the oldest was forgotten, and made again");
});

test("inside a transform of its state a compiled function is simply called, also when it ran before", () => {
  const counter = new Counter();
  const total = compile((x: Tensor) => counter.other.mul(x).sum(), { state: [counter] });
  const twice = compile(() => void (counter.other = counter.other.mul(2)), { state: [counter] });
  close(total(f64(3)), 9);
  twice();
  const slope = grad((c: Counter) => {
    if (c.other.size === 2) twice();
    return total(f64(3));
  });
  const { other } = slope(counter);
  close(other, [6, 6]);
  close(counter.other, [4, 8]);
});

test("tensors closed over are inputs, read as they were at the trace", () => {
  let hidden: Tensor = f64([1, 2]).mul(3); // pending
  const f = compile((x: Tensor) => x.add(hidden));
  close(f(f64([0, 1])), [3, 7]);
  hidden = f64([100, 100]);
  close(f(f64([0, 1])), [3, 7]);
  close(f(f64([1, 1])), [4, 7]);
});

test("results: trees, statics, arguments handed through, constants", () => {
  const f = compile((x: Tensor, y: { z: Tensor }) => ({
    name: "sum",
    list: [x.add(y.z), x],
    seven: f64([7]).add(0),
    n: 3,
  }));
  const x = f64([1]);
  const out = f(x, { z: f64([2]) });
  assert.deepEqual([out.name, out.n], ["sum", 3]);
  close(out.list[0], [3]);
  close(out.list[1], [1]);
  close(out.seven, [7]);
  const again = f(f64([5]), { z: f64([5]) });
  close(again.list[0], [10]);
  close(out.list[0], [3], 0, "results of an earlier call stay");
});

test("the default random generator is threaded through", () => {
  const draw = compile(() => random.rand([3]));
  random.manualSeed(5);
  const [a, b] = [draw(), draw()];
  assert.notDeepEqual(a.dataSync(), b.dataSync());
  random.manualSeed(5);
  assert.deepEqual(draw().dataSync(), a.dataSync());
  assert.deepEqual(draw().dataSync(), b.dataSync());
  random.manualSeed(5);
  assert.deepEqual(random.rand([3]).dataSync(), a.dataSync(), "eager = compiled");
  assert.deepEqual(random.rand([3]).dataSync(), b.dataSync());
  assert.equal(draw.traces(), 1);
  random.manualSeed(6);
  assert.notDeepEqual(draw().dataSync(), a.dataSync());
});

class Net extends Module {
  w1 = random.normal(random.key(1), [3, 4]);
  b1: Tensor = tensor([0, 0, 0, 0]);
  w2 = random.normal(random.key(2), [4, 1]);
  seen: Tensor = tensor(0);
  override get buffers(): readonly string[] {
    return ["seen"];
  }
  forward(x: Tensor): Tensor {
    this.seen = this.seen.add(1);
    return x.matmul(this.w1).add(this.b1).tanh().matmul(this.w2);
  }
}
const weights = (m: Net): readonly ["w1", "b1", "w2"] => (m instanceof Net ? ["w1", "b1", "w2"] : ["w1", "b1", "w2"]);

/** A training step with momentum, as an optimizer would write it. */
function trainer() {
  const model = new Net();
  const velocity = weights(model).map((k) => zerosLike<readonly number[]>(model[k]));
  const step = (x: Tensor, y: Tensor): Tensor => {
    const [loss, grads] = valueAndGrad((m: Net) => m.forward(x).sub(y).square().mean())(model);
    model.w1 = next(0, model.w1, grads.w1);
    model.b1 = next(1, model.b1, grads.b1);
    model.w2 = next(2, model.w2, grads.w2);
    return loss;
  };
  const next = <S extends Shape>(i: number, w: Tensor<S>, g: Tensor): Tensor<S> => {
    velocity[i] = velocity[i].mul(0.9).add(g);
    const from: Tensor = w;
    return Tensor.of<S>(from.sub(velocity[i].mul(0.05)).node);
  };
  return { model, velocity, step };
}

test("training with momentum: compiled and eager runs agree, and buffers count", () => {
  const x = random.normal(random.key(3), [8, 3]);
  const y: Tensor = x.sum(1, { keepDims: true });
  const [a, b] = [trainer(), trainer()];
  const compiled = compile(b.step, { state: [b.model, b.velocity] });
  for (let i = 0; i < 25; i++) {
    const [p, q] = [a.step(x, y), compiled(x, y)];
    close(q, p, 1e-4, `loss ${i}`);
  }
  assert.equal(compiled.traces(), 1);
  close(b.model.w1, a.model.w1, 1e-3);
  close(b.model.seen, 25);
  close(a.model.seen, 25);
  assert.ok(a.step(x, y).itemSync() < 0.5);
});

test("two compiled functions share one state", () => {
  const counter = new Counter();
  const up = compile(() => void (counter.count = counter.count.add(1)), { state: [counter] });
  const double = compile(() => void (counter.count = counter.count.mul(2)), { state: [counter] });
  up();
  double();
  up();
  close(counter.count, 3);
});

test("a compiled function inside another, inside gradients and maps, is simply called", () => {
  const square = compile((x: Tensor) => x.mul(x));
  close(square(f64(3)), 9);
  close(grad(square)(f64(3)), 6);
  close(compile((x: Tensor) => square(x).add(1))(f64(3)), 10);
  close(vmap(square)(f64([1, 2])), [1, 4]);
  close(grad((w: Tensor) => compile((x: Tensor) => x.mul(w))(f64(5)))(f64(2)), 5);
  const counter = new Counter();
  const up = compile(() => void (counter.count = counter.count.add(1)), { state: [counter] });
  compile(() => [up(), up()], { state: [counter] })();
  close(counter.count, 2);
});

test("what may not be done inside: read, leak, restructure, be async", () => {
  assert.throws(
    () => compile((x: Tensor) => x.mul(x.itemSync()))(f64(2)),
    (e: unknown) =>
      e instanceof TraceError && /argument tensor 0.*inside compile.*use tensor operations/.test(e.message),
  );
  assert.throws(
    () => vmap((x: Tensor) => x.mul(x.itemSync()))(f64([2])),
    (e: unknown) => e instanceof TraceError && /argument 0 of vmap.*inside vmap/.test(e.message),
  );
  const texts: string[] = [];
  compile((x: Tensor) => (texts.push(String(x)), x))(f64([2]));
  assert.deepEqual(texts, ["float64[1] (traced)"]);

  let leaked: Tensor | null = null;
  compile((x: Tensor) => (leaked = x.add(1)))(f64(2));
  assert.ok(leaked !== null);
  const gone: Tensor = leaked;
  assert.throws(
    () => gone.dataSync(),
    (e: unknown) => e instanceof TraceError && /left compile/.test(e.message),
  );

  const unnamed = new Counter();
  compile((x: Tensor) => void (unnamed.count = x))(f64(2));
  assert.throws(() => unnamed.count.dataSync(), /name the object that keeps it in the state/);

  const counter = new Counter();
  const grow = compile(() => void (counter.count = f64([1, 2, 3])), { state: [counter] });
  assert.throws(grow, (e: unknown) => e instanceof TraceError && /keep the structure of its state/.test(e.message));
  close(counter.count, 0);
  const bag: { list: Tensor[] } = { list: [f64(1)] };
  const add = compile(() => void bag.list.push(f64(2)), { state: [bag] });
  assert.throws(add, TraceError);
  close(bag.list[0], 1);
  assert.ok(bag.list.every((x) => x instanceof Tensor));
  assert.throws(() => compile(async (x: Tensor) => x)(f64(1)), { name: "ArgumentError", message: /async/ });
});

test("after a throw inside the function, the next call works", () => {
  const counter = new Counter();
  let fail = true;
  const step = compile(
    () => {
      counter.count = counter.count.add(1);
      if (fail) throw new Error("once");
    },
    { state: [counter] },
  );
  assert.throws(step, /once/);
  close(counter.count, 0);
  fail = false;
  step();
  close(counter.count, 1);
});

test("explain says what runs, once something has", () => {
  const f = compile((x: Tensor) => x.mul(2).add(1));
  assert.throws(() => f.explain(), TraceError);
  f(f64([1, 2]));
  assert.ok(f.explain().length > 0);
});

test("scope frees what was computed in it, but for its result; using frees one tensor", () => {
  const kept: Tensor[] = [];
  const result = scope(() => {
    const inner = f64([1, 2]).mul(2);
    evaluate(inner);
    kept.push(inner);
    return inner.add(1);
  });
  close(result, [3, 5]);
  assert.throws(() => kept[0].dataSync(), { name: "DeviceError", message: /freed/ });
  const nested = scope(() => scope(() => f64(2).mul(3)).add(1));
  close(nested, 7);
  let handle: Tensor | null = null;
  {
    using x = f64([1]).add(1);
    close(x, [2]);
    handle = x;
  }
  assert.throws(() => handle.dataSync(), { name: "DeviceError" });
  assert.throws(
    () =>
      scope(() => {
        throw new Error("inside");
      }),
    /inside/,
  );
});

test("scope in a function that is differentiated, mapped or compiled frees nothing that those need", () => {
  const f = (x: Tensor): Tensor => scope(() => scope(() => x.mul(f64(2).mul(3))).mul(x)); // 6 x²
  close(grad((x: Tensor) => f(x).sum())(f64([1, 2])), [12, 24]);
  close(vmap(f)(f64([1, 2])), [6, 24]);
  close(compile(f)(f64([1, 2])), [6, 24]);
});
