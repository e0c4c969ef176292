/** Sound as classes: the µ-law, which spends its steps where the ear hears them. */
import { ArgumentError, type Tensor, shown } from "../index.js";

function checkLevels(name: string, levels: number): void {
  if (!Number.isInteger(levels) || levels < 2)
    throw new ArgumentError(`${name}: levels must be an integer of at least 2, got ${shown(levels)}. 256 is usual`);
}

/**
 * Samples from -1 to 1 as int32 classes from 0 to `levels - 1`: with µ = levels - 1,
 * `⌊(f(x) + 1) / 2 · µ + ½⌋` of `f(x) = sign(x) · ln(1 + µ|x|) / ln(1 + µ)` (ITU-T G.711; torchaudio's
 * `mu_law_encoding`). What lies outside counts as -1 or 1.
 */
export function muLawEncode(x: Tensor, levels = 256): Tensor {
  checkLevels("muLawEncode", levels);
  const mu = levels - 1;
  const inside = x.clip(-1, 1);
  const bent = inside.sign().mul(inside.abs().mul(mu).log1p()).div(Math.log1p(mu));
  return bent
    .add(1)
    .mul(mu / 2)
    .add(0.5)
    .floor()
    .astype("int32");
}

/** Classes from 0 to `levels - 1` as float32 samples: `sign(y) · ((1 + µ)^|y| - 1) / µ` with `y = 2 class / µ - 1`. */
export function muLawDecode(classes: Tensor, levels = 256): Tensor {
  checkLevels("muLawDecode", levels);
  const mu = levels - 1;
  const bent = classes
    .astype("float32")
    .mul(2 / mu)
    .sub(1);
  return bent
    .sign()
    .mul(bent.abs().mul(Math.log1p(mu)).expm1())
    .div(mu);
}
