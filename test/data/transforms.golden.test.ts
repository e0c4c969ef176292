/** Deterministic transforms against torchvision's. */
import { test } from "node:test";
import { type Tensor, tensor } from "typegrad";
import { transforms } from "typegrad/data";
import { type Stored, close, fixture, fromStored } from "../golden/fixtures.js";

interface Options {
  readonly interpolation?: "nearest" | "bilinear";
  readonly antialias?: boolean;
  readonly fill?: number;
  readonly center?: readonly [number, number];
  readonly size?: number | readonly [number, number];
  readonly padding?: readonly [number, number, number, number];
  readonly paddingMode?: "constant" | "edge" | "reflect" | "symmetric";
  readonly translate?: readonly (readonly number[])[];
  readonly shear?: readonly (readonly number[])[];
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** One number for each picture. */
  readonly [perPicture: string]: unknown;
}
interface TransformCase {
  readonly op: string;
  readonly options: Options;
  readonly x: Stored;
  readonly output: Stored;
}

const isNumbers = (x: unknown): x is number[] => Array.isArray(x) && x.every((v) => typeof v === "number");

/** One number for each picture. */
function each(o: Options, name: string): Tensor {
  const numbers = o[name];
  if (!isNumbers(numbers)) throw new TypeError(`${name} is no list of numbers`);
  return tensor([...numbers]);
}
/** Of a pair for each picture, the numbers in one place. */
const part = (pairs: readonly (readonly number[])[] = [], place: number): Tensor => tensor(pairs.map((p) => p[place]));

const run: Readonly<Record<string, (x: Tensor, o: Options) => Tensor>> = {
  rotate: (x, o) => transforms.rotate(x, each(o, "angle"), o),
  affine: (x, o) =>
    transforms.affine(
      x,
      {
        angle: each(o, "angle"),
        translate: [part(o.translate, 0), part(o.translate, 1)],
        scale: each(o, "scale"),
        shear: [tensor([...(o.shear?.[0] ?? [])]), tensor([...(o.shear?.[1] ?? [])])],
      },
      o,
    ),
  resizedCrop: (x, o) =>
    transforms.resizedCrop(
      x,
      { top: each(o, "top"), left: each(o, "left"), height: each(o, "height"), width: each(o, "width") },
      o.size ?? 0,
      o,
    ),
  resize: (x, o) => transforms.resize(o.size ?? 0, o)(x),
  pad: (x, o) => transforms.pad(o.padding ?? 0, o)(x),
  centerCrop: (x, o) => transforms.centerCrop(o.size ?? 0)(x),
  brightness: (x, o) => transforms.adjustBrightness(x, each(o, "factor")),
  contrast: (x, o) => transforms.adjustContrast(x, each(o, "factor")),
  saturation: (x, o) => transforms.adjustSaturation(x, each(o, "factor")),
  hue: (x, o) => transforms.adjustHue(x, each(o, "factor")),
  grayscale: (x) => transforms.grayscale()(x),
  normalize: (x, o) => transforms.normalize(o.mean ?? 0, o.std ?? 1)(x),
};

fixture<{ cases: TransformCase[] }>("transforms").cases.forEach(({ op, options, x, output }, i) => {
  test(`${op} ${JSON.stringify(options)} (${i})`, () => close(run[op](fromStored(x), options), output, op, 2e-5));
});
