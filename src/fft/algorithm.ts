/** The discrete Fourier transform of one sequence of any length, in float64. */

/** Transforms a sequence, given as real and imaginary parts, in place: `X[k] = Σ x[j] e^(-2πi jk/n)`. */
type Plan = (re: Float64Array, im: Float64Array) => void;

const plans = new Map<number, Plan>();
const mostPlans = 64;

/** The plan for a length: by halves for powers of two, else by L. Bluestein's chirp. */
function planFor(n: number): Plan {
  const known = plans.get(n);
  if (known) return known;
  if (plans.size >= mostPlans) plans.clear();
  const plan = (n & (n - 1)) === 0 ? byHalves(n) : byChirp(n);
  plans.set(n, plan);
  return plan;
}

/** `e^(-πi k/n)` for k < count. */
function roots(count: number, n: number): { cos: Float64Array; sin: Float64Array } {
  const angle = (_: unknown, k: number): number => (-Math.PI * k) / n;
  return {
    cos: Float64Array.from({ length: count }, (_, k) => Math.cos(angle(_, k))),
    sin: Float64Array.from({ length: count }, (_, k) => Math.sin(angle(_, k))),
  };
}

/** J. W. Cooley and J. W. Tukey, 1965, for a power of two: bit reversal, then butterflies of growing width. */
function byHalves(n: number): Plan {
  const { cos, sin } = roots(n / 2, n / 2);
  const bits = Math.log2(n);
  const reversed = Uint32Array.from({ length: n }, (_, k) => {
    let r = 0;
    for (let b = 0; b < bits; b++) r |= ((k >> b) & 1) << (bits - 1 - b);
    return r;
  });
  return (re, im) => {
    for (let k = 0; k < n; k++) {
      const r = reversed[k];
      if (r > k) {
        [re[k], re[r]] = [re[r], re[k]];
        [im[k], im[r]] = [im[r], im[k]];
      }
    }
    for (let half = 1; half < n; half *= 2) {
      const stride = n / (2 * half);
      for (let start = 0; start < n; start += 2 * half)
        for (let k = 0; k < half; k++) {
          const [i, j] = [start + k, start + k + half];
          const [c, s] = [cos[k * stride], sin[k * stride]];
          const tr = re[j] * c - im[j] * s;
          const ti = re[j] * s + im[j] * c;
          re[j] = re[i] - tr;
          im[j] = im[i] - ti;
          re[i] += tr;
          im[i] += ti;
        }
    }
  };
}

/**
 * L. I. Bluestein, 1970: with jk = (j² + k² - (k - j)²)/2 the transform is a convolution with a chirp, which transforms of a
 * power of two compute.
 */
function byChirp(n: number): Plan {
  const size = 2 ** Math.ceil(Math.log2(2 * n - 1));
  const inner = planFor(size);
  const { cos, sin } = roots(2 * n, n);
  const at = (k: number): number => (k * k) % (2 * n); // e^(-πi k²/n)
  const [br, bi] = [new Float64Array(size), new Float64Array(size)];
  for (let k = 0; k < n; k++) {
    br[k] = cos[at(k)];
    bi[k] = -sin[at(k)];
    if (k > 0) [br[size - k], bi[size - k]] = [br[k], bi[k]];
  }
  inner(br, bi);
  return (re, im) => {
    const [ar, ai] = [new Float64Array(size), new Float64Array(size)];
    for (let k = 0; k < n; k++) {
      const [c, s] = [cos[at(k)], sin[at(k)]];
      ar[k] = re[k] * c - im[k] * s;
      ai[k] = re[k] * s + im[k] * c;
    }
    inner(ar, ai);
    // conjugated, so that the next transform goes back
    for (let k = 0; k < size; k++) [ar[k], ai[k]] = [ar[k] * br[k] - ai[k] * bi[k], -(ar[k] * bi[k] + ai[k] * br[k])];
    inner(ar, ai);
    for (let k = 0; k < n; k++) {
      const [c, s] = [cos[at(k)], sin[at(k)]];
      const [r, i] = [ar[k] / size, -ai[k] / size];
      re[k] = r * c - i * s;
      im[k] = r * s + i * c;
    }
  };
}

/** Transforms every row of length n, in place; `inverse` has the other sign in the exponent, and no factor. */
export function transformRows(re: Float64Array, im: Float64Array, n: number, inverse: boolean): void {
  if (re.length === 0) return;
  const plan = planFor(n);
  // with the parts exchanged a transform has the other sign
  const [a, b] = inverse ? [im, re] : [re, im];
  for (let start = 0; start < re.length; start += n) plan(a.subarray(start, start + n), b.subarray(start, start + n));
}
