import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as transforms from "typegrad/fft";
import { compile, gradcheck, tensor, type Tensor, vmap, zeros } from "typegrad";
import { testOnDevices } from "../support/devices.js";
import { close, random } from "../linalg/support.js";

const { fft, fftConvolve, fftn, ifft, irfft, rfft } = transforms;
type Value = Tensor | transforms.Complex;

interface Stored {
  readonly shape: readonly number[];
  readonly re: readonly number[];
  readonly im?: readonly number[];
}
interface Case {
  readonly name: string;
  readonly x: Stored;
  readonly b?: Stored;
  readonly options: Readonly<Record<string, never>>;
  readonly y: Stored;
}
const cases: Case[] = JSON.parse(
  readFileSync(new URL("../../../test/fft/fixtures/transforms.json", import.meta.url), "utf8"),
);

const part = (data: readonly number[], { shape }: Stored): Tensor => tensor(Float64Array.from(data), { shape });
const valueOf = (x: Stored): Value => (x.im ? { re: part(x.re, x), im: part(x.im, x) } : part(x.re, x));
const realOf = (x: Stored): Tensor => part(x.re, x);

function computed({ name, x, b, options }: Case): Value {
  const spacing = 0.25;
  const double = { dtype: "float64" } as const;
  const table: Readonly<Record<string, () => Value>> = {
    fft: () => fft(valueOf(x), options),
    ifft: () => ifft(valueOf(x), options),
    rfft: () => rfft(realOf(x), options),
    irfft: () => irfft(valueOf(x), options),
    hfft: () => transforms.hfft(valueOf(x), options),
    ihfft: () => transforms.ihfft(realOf(x), options),
    fft2: () => transforms.fft2(valueOf(x), options),
    ifft2: () => transforms.ifft2(valueOf(x), options),
    rfft2: () => transforms.rfft2(realOf(x), options),
    irfft2: () => transforms.irfft2(valueOf(x), options),
    fftn: () => fftn(valueOf(x), options),
    ifftn: () => transforms.ifftn(valueOf(x), options),
    rfftn: () => transforms.rfftn(realOf(x), options),
    irfftn: () => transforms.irfftn(valueOf(x), options),
    fftfreq: () => transforms.fftfreq(x.re[0], spacing, double),
    rfftfreq: () => transforms.rfftfreq(x.re[0], spacing, double),
    fftshift: () => transforms.fftshift(realOf(x)),
    ifftshift: () => transforms.ifftshift(realOf(x)),
    fftConvolve: () => fftConvolve(realOf(x), realOf(b ?? x), options),
  };
  return table[name]();
}

test("values of NumPy and SciPy", () => {
  assert.ok(cases.length > 70);
  for (const c of cases) {
    const what = `${c.name} of [${c.x.shape.join(",")}] with ${JSON.stringify(c.options)}`;
    const got = computed(c);
    close("re" in got ? got.re : got, realOf(c.y), 2e-15, what);
    if ("im" in got) close(got.im, part(c.y.im ?? [], c.y), 2e-15, `${what}, imaginary part`);
  }
});

test("there and back, at lengths to 5000", () => {
  for (const n of [1, 2, 3, 6, 31, 256, 1000, 1009, 4096, 5000]) {
    const x = { re: random([n], n), im: random([n], n + 1) };
    for (const norm of ["backward", "ortho", "forward"] as const) {
      const back = ifft(fft(x, { norm }), { norm });
      close(back.re, x.re, 1e-14, `${n}, ${norm}`);
      close(back.im, x.im, 1e-14, `${n}, ${norm}`);
    }
    close(irfft(rfft(x.re), { length: n }), x.re, 1e-14, `rfft of ${n}`);
    // Parseval
    const { re, im } = fft(x, { norm: "ortho" });
    const energy = (a: Tensor, b: Tensor): number => a.square().add(b.square()).sum().itemSync();
    assert.ok(Math.abs(energy(re, im) / energy(x.re, x.im) - 1) < 1e-13);
  }
});

test("float32 is computed in float64 and rounded once", () => {
  const x = random([100], 3).astype("float32");
  const narrow = rfft(x);
  const wide = rfft(x.astype("float64"));
  assert.equal(narrow.re.dtype, "float32");
  assert.deepEqual([...narrow.im.dataSync()], [...wide.im.astype("float32").dataSync()]);
});

test("convolution by transforms is convolution", () => {
  const a = random([2, 40], 1);
  const b = random([1, 7], 2);
  const direct = Array.from({ length: 46 }, (_, k) =>
    Array.from({ length: 7 }, (_, j) =>
      k - j >= 0 && k - j < 40 ? a.at(0, k - j).itemSync() * b.at(0, j).itemSync() : 0,
    ).reduce((s, x) => s + x),
  );
  const got = fftConvolve(a, b, { axes: -1 });
  assert.deepEqual([...got.shape], [2, 46]);
  close(got.at(0), tensor(Float64Array.from(direct)), 1e-15, "one row");
  assert.deepEqual([...fftConvolve(a, b, { axes: 1, mode: "same" }).shape], [2, 40]);
});

const functions: readonly (readonly [name: string, f: (x: Tensor) => unknown, shape: readonly number[]])[] = [
  ["fft", (x) => fft({ re: x, im: x.square() }), [5]],
  ["ifft", (x) => ifft({ re: x, im: x.sin() }, { axis: 0, norm: "ortho" }), [4, 2]],
  ["rfft", (x) => rfft(x.square()), [6]],
  ["irfft", (x) => irfft({ re: x, im: x.square() }, { length: 7 }), [4]],
  ["power spectrum", (x) => rfft(x).re.square().add(rfft(x).im.square()), [5]],
  ["rfftn", (x) => transforms.rfftn(x.exp()), [2, 3]],
  ["fftConvolve", (x) => fftConvolve(x, x.sin(), { mode: "same" }), [5]],
  ["fftshift", (x) => transforms.fftshift(x.square()), [5]],
];
for (const [name, f, shape] of functions)
  test(`derivatives of ${name}, of first and second order, against differences`, () => {
    const report = gradcheck(f, random(shape, 5), { order: 2, absoluteTolerance: 1e-7 });
    assert.ok(report.passed, String(report));
  });

testOnDevices(
  (name) => `on ${name}, compiled or mapped is the same`,
  () => {
    const f = (x: Tensor): Tensor => rfft(x.square()).im.add(rfft(x).re);
    const x = random([3, 12], 2);
    close(compile(f)(x), f(x), 1e-14, "compiled");
    close(vmap(f)(x), f(x), 1e-14, "mapped");
  },
);

test("errors name what is wrong", () => {
  for (const [f, message] of [
    [() => fft(zeros([2, 0])), "fft: the length must be a positive integer, got 0"],
    [() => fft(zeros([2]), { length: 1.5 }), "fft: the length must be a positive integer, got 1.5"],
    [() => fft(zeros([2]), { axis: 1 }), "fft: axis must be an integer from -1 to 0, got 1"],
    [
      () => fft({ re: zeros([2]), im: zeros([3]) }),
      "fft: both parts must have one shape, got float32[2] and float32[3]",
    ],
    [() => fftn(zeros([2, 2]), { lengths: [2], axes: [0, 1] }), "fftn: one length for each of 2 axes is needed, got 1"],
    [() => fftn(zeros([2, 2]), { axes: [0, 0] }), "fftn: axes must be distinct, got [0,0]"],
    [() => fftConvolve(zeros([2]), zeros([3]), { mode: "valid" }), 'fftConvolve: for "valid" the first operand'],
    [() => fftConvolve(zeros([2]), zeros([3, 1])), "fftConvolve: operands must have equally many axes"],
    [() => transforms.fftfreq(0), "fftfreq: the number of samples must be a positive integer, got 0"],
  ] as const)
    assert.throws(f, (e: Error) => e.message.startsWith(message), message);
});
