/** The minimal trainer in jax-js; Adam by hand, as it stands in another package. */
import { init, defaultDevice, jit, numpy as np, random, valueAndGrad, type Array } from "@jax-js/jax";

await init("wasm");
defaultDevice("wasm");
const x = np.array([
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
]);
const y = np.array([[0], [1], [1], [0]]);
const loss = ([w1, b1, w2, b2]: Array[], input: Array, target: Array): Array =>
  np
    .square(
      np
        .matmul(np.tanh(np.matmul(input, w1).add(b1)), w2)
        .add(b2)
        .sub(target),
    )
    .mean();

const step = jit((w: Array[], m: Array[], v: Array[], t: Array, input: Array, target: Array) => {
  const [value, gradients] = valueAndGrad(loss)(
    w.map((a) => a.ref),
    input,
    target,
  );
  const m2 = m.map((a, i) => a.mul(0.9).add(gradients[i].ref.mul(0.1)));
  const v2 = v.map((a, i) => a.mul(0.999).add(np.square(gradients[i]).mul(0.001)));
  const c1 = np.subtract(1, np.power(0.9, t.ref));
  const c2 = np.subtract(1, np.power(0.999, t));
  const w2 = w.map((a, i) =>
    a.sub(
      m2[i].ref
        .div(c1.ref)
        .div(np.sqrt(v2[i].ref.div(c2.ref)).add(1e-8))
        .mul(0.05),
    ),
  );
  c1.dispose();
  c2.dispose();
  return { value, w: w2, m: m2, v: v2 };
});
const shapes = [[2, 8], [8], [8, 1], [1]];
let w = shapes.map((shape, i) => (shape.length > 1 ? random.normal(random.key(i), shape) : np.zeros(shape)));
let m = shapes.map((shape) => np.zeros(shape));
let v = shapes.map((shape) => np.zeros(shape));
let last = 0;
for (let i = 1; i <= 300; i++) {
  const next = step(w, m, v, np.array(i).astype(np.float32), x.ref, y.ref);
  ({ w, m, v } = next);
  [last] = await next.value.data();
}
console.log(last);
