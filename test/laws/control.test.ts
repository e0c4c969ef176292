/** scan, cond, checkpoint and customVjp: values and derivatives in closed form, under every transform and inside one another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkpoint,
  choose,
  compile,
  cond,
  customVjp,
  grad,
  hessian,
  jacobianForward,
  jacobianReverse,
  jvp,
  ShapeError,
  scan,
  setDevice,
  tensor,
  type Tensor,
  TraceError,
  vjp,
  vmap,
  where,
  zeros,
} from "typegrad";
import { close, f64 } from "./support.js";

const int = (x: number): Tensor => tensor(x, { dtype: "int32" });

/** aⁿ by a loop that carries the product and closes over a. */
const power =
  (n: number) =>
  (a: Tensor): Tensor =>
    scan((p: Tensor) => [p.mul(a), []], a.mul(0).add(1), [], { length: n })[0];

test("scan: derivatives of every order of aⁿ in the value it closes over", () => {
  const a = 1.3;
  const d = (f: (x: Tensor) => Tensor) => (x: Tensor) => grad((v: Tensor) => f(v).sum())(x);
  const forward = (f: (x: Tensor) => Tensor) => (x: Tensor) => jvp(f, x, f64(1))[1];
  close(power(5)(f64(a)), a ** 5);
  for (const first of [d, forward]) {
    close(first(power(5))(f64(a)), 5 * a ** 4);
    for (const second of [d, forward]) {
      close(second(first(power(5)))(f64(a)), 20 * a ** 3);
      for (const third of [d, forward]) close(third(second(first(power(5))))(f64(a)), 60 * a ** 2);
    }
  }
  close(vmap(grad(power(3)))(f64([1, 2, 3])), [3, 12, 27]);
  close(grad((x: Tensor) => vmap(power(3))(x).sum())(f64([1, 2, 3])), [3, 12, 27]);
  close(power(0)(f64(a)), 1);
  close(grad(power(0))(f64(a)), 0);
});

/** hₜ = w hₜ₋₁ + xₜ, with results hₜ. */
const recurrence = (w: Tensor, h: Tensor, xs: Tensor, reverse = false): [Tensor, Tensor] =>
  scan(
    (carry: Tensor, x: Tensor) => {
      const next = w.mul(carry).add(x);
      return [next, next];
    },
    h,
    xs,
    { reverse },
  );

test("scan: a linear recurrence, both ways round", () => {
  const [w, h] = [0.5, 2];
  const xs = [1, -1, 3];
  const unrolled: number[] = [];
  let carry = h;
  for (const x of xs) unrolled.push((carry = w * carry + x));
  const [last, all] = recurrence(f64(w), f64(h), f64(xs));
  close(last, carry);
  close(all, unrolled);
  const [first, back] = recurrence(f64(w), f64(h), f64(xs), true);
  close(back, [w * (w * (w * h + 3) - 1) + 1, w * (w * h + 3) - 1, w * h + 3]);
  close(first, w * (w * (w * h + 3) - 1) + 1);
  // ∂h₃/∂h = w³, ∂h₃/∂xₜ = w^(3-t), ∂h₃/∂w = 3w²h + 2w·x₁ + x₂.
  const gradients = grad((p: { w: Tensor; h: Tensor; xs: Tensor }) => recurrence(p.w, p.h, p.xs)[0])({
    w: f64(w),
    h: f64(h),
    xs: f64(xs),
  });
  close(gradients.h, w ** 3);
  close(gradients.xs, [w ** 2, w, 1]);
  close(gradients.w, 3 * w * w * h + 2 * w * xs[0] + xs[1]);
  close(hessian((v: Tensor) => recurrence(v, f64(h), f64(xs))[0])(f64(w)), 6 * w * h + 2 * xs[0]);
});

test("scan under vmap, whichever part is batched", () => {
  const [w, h, xs] = [
    f64([0.5, 2]),
    f64([1, -1]),
    f64([
      [1, 2, 3],
      [4, 5, 6],
    ]),
  ];
  const one = (p: number, q: number, r: readonly number[]): number[] => {
    let carry = q;
    return r.map((x) => (carry = p * carry + x));
  };
  const all = (p: Tensor, q: Tensor, r: Tensor) => recurrence(p, q, r)[1];
  const W = [0.5, 2];
  const H = [1, -1];
  const X = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  for (const [bw, bh, bx] of [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
    [1, 1, 0],
    [1, 0, 1],
    [0, 1, 1],
    [1, 1, 1],
  ]) {
    const got = vmap(all, { inAxes: [bw ? 0 : null, bh ? 0 : null, bx ? 0 : null] })(
      bw ? w : w.at(0),
      bh ? h : h.at(0),
      bx ? xs : xs.at(0),
    );
    close(
      got,
      [0, 1].map((i) => one(W[bw ? i : 0], H[bh ? i : 0], X[bx ? i : 0])),
      1e-12,
      `batched ${bw}${bh}${bx}`,
    );
  }
});

test("scan: a tree of carries, integers among them, and of results", () => {
  const start = { n: int(0), s: f64(1) };
  const [carry, results] = scan(
    (c: typeof start, x: { v: Tensor }) => {
      const next = { n: c.n.add(1), s: c.s.mul(x.v) };
      return [next, { product: next.s, index: next.n, constant: f64(7) }];
    },
    start,
    { v: f64([2, 3, 4]) },
  );
  close(carry.s, 24);
  close(carry.n, 3);
  close(results.product, [2, 6, 24]);
  assert.deepEqual([results.index.dtype, results.index.toArraySync()], ["int32", [1, 2, 3]]);
  close(results.constant, [7, 7, 7]);
  const total = (v: Tensor): Tensor => {
    const [last, ys] = scan(
      (c: typeof start, x: Tensor) => [{ n: c.n.add(1), s: c.s.mul(x).add(c.n.astype("float64")) }, c.s],
      start,
      v,
    );
    return last.s.add(ys.sum());
  };
  // s₁ = a, s₂ = ab + 1, s₃ = (ab + 1)c + 2; results 1, s₁, s₂.
  const [a, b, c] = [2, 3, 4];
  close(total(f64([a, b, c])), (a * b + 1) * c + 2 + 1 + a + a * b + 1);
  close(grad(total)(f64([a, b, c])), [b * c + 1 + b, a * c + a, a * b + 1]);
  close(hessian(total)(f64([a, b, c])), [
    [0, c + 1, b],
    [c + 1, 0, a],
    [b, a, 0],
  ]);
});

test("a loop in a loop, in a gradient, in a map, compiled", () => {
  // Σ over i < 3, j < 2 of x·(i + j): 9x... squared inside: f(x) = Σ (x(i + j))².
  const f = (x: Tensor): Tensor =>
    scan(
      (outer: Tensor, i: Tensor) => {
        const [inner] = scan((s: Tensor, j: Tensor) => [s.add(x.mul(i.add(j)).square()), []], outer, f64([0, 1]));
        return [inner, []];
      },
      x.mul(0),
      f64([0, 1, 2]),
    )[0];
  const c = 0 + 1 + 1 + 4 + 4 + 9;
  for (const g of [vmap(grad(f)), compile(vmap(grad(f))), vmap(compile(grad(f)))])
    close(g(f64([1, 2])), [2 * c, 4 * c]);
  close(vmap(grad(grad(f)))(f64([1, 2])), [2 * c, 2 * c]);
});

test("Newton's iteration in a loop has the derivative of the square root", () => {
  const root = (x: Tensor): Tensor =>
    scan((y: Tensor) => [y.add(x.div(y)).mul(0.5), []], x.mul(0).add(1), [], { length: 8 })[0];
  close(root(f64(2)), Math.SQRT2);
  close(grad(root)(f64(2)), 1 / (2 * Math.SQRT2));
  close(grad((x: Tensor) => grad(root)(x))(f64(2)), -1 / (8 * Math.SQRT2), 1e-8);
});

test("values cannot be read inside a loop, and the error says what to do", () => {
  assert.throws(
    () => scan((c: Tensor, x: Tensor) => [c.add(x.itemSync()), []], f64(0), f64([1, 2])),
    (error: unknown) => error instanceof TraceError && /inside scan .*use tensor operations/.test(error.message),
  );
  assert.throws(() => scan((c: Tensor, x: Tensor) => [c.add(x), []], f64(0), f64([[1, 2]])), ShapeError);
  assert.throws(() => scan((c: Tensor) => [c, []], f64(0), []), ShapeError);
});

const sinc = (x: Tensor): Tensor =>
  cond(
    x.equal(0),
    (v) => v.mul(0).add(1),
    (v) => v.sin().div(v),
    x,
  );

test("cond computes and differentiates the chosen branch only", () => {
  const d = (x: number) => (x * Math.cos(x) - Math.sin(x)) / (x * x);
  close(sinc(f64(0)), 1);
  close(grad(sinc)(f64(0)), 0);
  close(sinc(f64(2)), Math.sin(2) / 2);
  close(grad(sinc)(f64(2)), d(2));
  close(jvp(sinc, f64(2), f64(3))[1], 3 * d(2));
  close(compile(grad(sinc))(f64(2)), d(2));
  close(vmap(sinc)(f64([0.5, 2])), [Math.sin(0.5) / 0.5, Math.sin(2) / 2]);
  close(vmap(grad(sinc))(f64([0.5, 2])), [d(0.5), d(2)]);
  const second = (x: number) => -Math.sin(x) / x - (2 * d(x)) / x;
  close(grad((x: Tensor) => grad(sinc)(x))(f64(2)), second(2));
  close(jvp((x: Tensor) => grad(sinc)(x), f64(2), f64(1))[1], second(2));
});

test("cond: operands one branch does not use, closures, trees, and a batched condition", () => {
  const pick = (flag: Tensor, x: Tensor, y: Tensor): Tensor =>
    cond(
      flag,
      (o) => o.x.square(),
      (o) => o.y.mul(3),
      { x, y },
    );
  const [t, f] = [tensor(true), tensor(false)];
  const of = (flag: Tensor) => grad((o: { x: Tensor; y: Tensor }) => pick(flag, o.x, o.y))({ x: f64(2), y: f64(5) });
  close(of(t).x, 4);
  close(of(t).y, 0);
  close(of(f).x, 0);
  close(of(f).y, 3);
  close(
    grad((w: Tensor) =>
      cond(
        t,
        (x) => x.mul(w),
        (x) => x.add(1),
        f64(7),
      ),
    )(f64(2)),
    7,
  );
  close(
    grad((w: Tensor) =>
      cond(
        f,
        (x) => x.mul(w),
        (x) => x.add(1),
        f64(7),
      ),
    )(f64(2)),
    0,
  );
  close(vmap(pick, { inAxes: [0, 0, null] })(tensor([true, false]), f64([2, 9]), f64(5)), [4, 15]);
  close(vmap(pick, { inAxes: [null, 0, null] })(f, f64([2, 9]), f64(5)), [15, 15]);
  const tree = cond(
    t,
    (x) => ({ a: x, b: [x.mul(2)] }),
    (x) => ({ a: x.neg(), b: [x] }),
    f64(3),
  );
  close(tree.a, 3);
  close(tree.b[0], 6);
});

test("choose clamps its selector, and works batched", () => {
  const all = [(x: Tensor) => x.add(10), (x: Tensor) => x.mul(2), (x: Tensor) => x.square()];
  const values = [-3, 0, 1, 2, 9].map((k) => choose(int(k), all, f64(3)).itemSync());
  assert.deepEqual(values, [13, 13, 6, 9, 9]);
  const selectors = tensor([0, 1, 2, 7, -1], { dtype: "int32" });
  const got = vmap((k: Tensor, x: Tensor) => choose(k, all, x))(selectors, f64([1, 2, 3, 4, 5]));
  close(got, [11, 4, 9, 16, 15]);
  close(
    vmap(
      grad((x: Tensor, k: Tensor) => choose(k, all, x)),
      { inAxes: 0 },
    )(f64([1, 2, 3]), selectors.at("0:3")),
    [1, 2, 6],
  );
});

test("a choice inside a loop, inside a map, inside a gradient", () => {
  // x ↦ x² while x < 10, four times.
  const f = (x: Tensor): Tensor =>
    scan(
      (v: Tensor) => [
        cond(
          v.less(10),
          (u) => u.square(),
          (u) => u.mul(1),
          v,
        ),
        [],
      ],
      x,
      [],
      { length: 4 },
    )[0];
  close(f(f64(2)), 16);
  close(grad(f)(f64(2)), 32);
  close(vmap(grad(f))(f64([2, 4, 20])), [32, 8, 1]);
  close(grad((x: Tensor) => vmap(f)(x).sum())(f64([2, 4, 20])), [32, 8, 1]);
});

test("checkpoint changes no derivative, whatever is around or inside it", () => {
  const f = (t: { x: Tensor; y: Tensor }): { p: Tensor; q: Tensor } => ({ p: t.x.mul(t.y).sin(), q: t.x.exp() });
  const total = (g: typeof f) => (x: Tensor) => {
    const { p, q } = g({ x, y: f64(2) });
    return p.mul(q);
  };
  const saved = total(checkpoint(f));
  const plain = total(f);
  const x = f64(0.3);
  for (const d of [(g: typeof plain) => grad(g), (g: typeof plain) => (v: Tensor) => jvp(g, v, f64(1))[1]]) {
    close(d(saved)(x), d(plain)(x), 1e-14);
    close(d(d(saved))(x), d(d(plain))(x), 1e-13);
    close(d(d(d(saved)))(x), d(d(d(plain)))(x), 1e-12);
  }
  close(vmap(grad(total(checkpoint(checkpoint(f)))))(f64([0.3, 1])), vmap(grad(plain))(f64([0.3, 1])), 1e-14);
  // A value closed over is differentiated, too.
  close(grad((w: Tensor) => checkpoint((v: Tensor) => v.mul(w).square())(f64(3)))(f64(2)), 36);
});

test("checkpoint needs less memory in the backward pass", async () => {
  await setDevice("wasm");
  const w = f64([
    [0.5, -0.2],
    [0.1, 0.4],
  ]);
  const block = (x: Tensor): Tensor => {
    let y = x;
    for (let i = 0; i < 8; i++) y = y.matmul(w).tanh();
    return y;
  };
  const workspace = (layer: typeof block): number => {
    const f = (x: Tensor): Tensor => layer(layer(layer(layer(x)))).sum();
    const compiled = compile(grad(f));
    close(compiled(zeros([512, 2], { dtype: "float64" }).add(1)).at(0), grad(f)(f64([[1, 1]])).at(0), 1e-12);
    return Number(/workspace (\d+) bytes/.exec(compiled.explain())?.[1]);
  };
  const [plain, saved] = [workspace(block), workspace(checkpoint(block))];
  assert.ok(saved < plain / 2, `${saved} bytes with checkpoints, ${plain} without`);
});

test("customVjp: reverse mode follows the rule, forward mode the function", () => {
  let calls = 0;
  const f = customVjp(
    (v: Tensor) => v.square(),
    (v, y, g) => {
      calls++;
      assert.deepEqual([v.shape, y.shape, g.shape], [v.shape, v.shape, v.shape]);
      return g.mul(v).mul(100);
    },
  );
  close(f(f64(3)), 9);
  close(grad(f)(f64(3)), 300);
  assert.ok(calls > 0);
  close(jvp(f, f64(3), f64(1))[1], 6);
  close(grad((x: Tensor) => grad(f)(x))(f64(3)), 100);
  close(vmap(grad(f))(f64([1, 2])), [100, 200]);
  close(grad((x: Tensor) => vmap(f)(x).sum())(f64([1, 2])), [100, 200]);
  close(compile(grad(f))(f64(3)), 300);
  close(vjp(f, f64([1, 2]))[1](f64([1, 10])), [100, 2000]);
  close(jacobianReverse(f)(f64([1, 2])), [
    [100, 0],
    [0, 200],
  ]);
  close(jacobianForward(f)(f64([1, 2])), [
    [2, 0],
    [0, 4],
  ]);
});

test("customVjp: constants from outside are welcome, variables are an error", () => {
  const scale = f64([2, 3]);
  const f = customVjp(
    (v: Tensor) => v.mul(scale),
    (_v, _y, g) => g.mul(scale).mul(scale),
  );
  close(grad((x: Tensor) => f(x).sum())(f64([1, 1])), [4, 9]);
  close(
    vmap(grad((x: Tensor) => f(x).sum()))(
      f64([
        [1, 1],
        [2, 2],
      ]),
    ),
    [
      [4, 9],
      [4, 9],
    ],
  );
  const hidden = (w: Tensor): Tensor =>
    customVjp(
      (v: Tensor) => v.mul(w),
      (_v, _y, g) => g,
    )(f64(1));
  assert.throws(() => grad(hidden)(f64(2)), {
    name: "TraceError",
    message: /must only use its arguments and constants/,
  });
  close(grad((w: Tensor) => hidden(f64(w.itemSync())).add(w))(f64(2)), 1);
  const wrong = customVjp(
    (v: Tensor) => v.sum(),
    (_v, _y, g) => g,
  );
  assert.throws(() => wrong(f64([1, 2])), {
    name: "ShapeError",
    message: /cotangent must be as its input, float64\[2\], got float64\[\]/,
  });
});

test("a constant inside a loop is the loop's own, even when it is read in between", () => {
  const make = (k: number): Tensor => {
    const c = f64([0, 0]).mul(0).add(1).greater(0).astype("float64"); // computed from data
    const fill = where(tensor([true, true]), k, 0).astype("float64"); // computed from numbers alone
    const [y] = scan((s: Tensor) => [s.add(fill).add(c), []], f64([0, 0]), [], { length: 2 });
    close(fill, [k, k]);
    close(c, [1, 1]);
    return y;
  };
  const [five, seven] = [make(5), make(7)];
  close(five, [12, 12]);
  close(seven, [16, 16]);
});
