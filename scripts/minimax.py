"""Makes src/primitive/elementary/coefficients.ts: minimax polynomials by the Remez exchange algorithm, and long constants.

E. Ya. Remez, "Sur la détermination des polynômes d'approximation de degré donnée", 1934. The exchange runs on a dense
Chebyshev grid in 50-digit arithmetic (mpmath). On an interval that starts at 0 coefficients are rounded one by one from
the constant term up, the rest being fitted again after each, so that the rounding of the big ones is made good by the
small ones.

    python3 scripts/minimax.py > src/primitive/elementary/coefficients.ts
"""

import numpy as np
from mpmath import asin, atan, atanh, cos, erf, erfc, exp, floor, log, lu_solve, matrix, mp, mpf, nint, pi, sin, sinh, sqrt, tanh

mp.dps = 50
GRID = 1200


def rounded(c, dtype):
    return mpf(float(np.float32(float(c)))) if dtype == "float32" else mpf(float(c))


def remez(xs, fs, ws, powers):
    """Coefficients of `powers` that minimise max |w (f - p)| over the points `xs`."""
    n = len(powers)
    usable = [i for i in range(len(xs)) if ws[i] != 0]
    nodes = [usable[round(j * (len(usable) - 1) / n)] for j in range(n + 1)]
    table = [[x**p for p in powers] for x in xs]
    best, least = None, None
    for _ in range(60):
        a, b = matrix(n + 1, n + 1), matrix(n + 1, 1)
        for row, i in enumerate(nodes):
            for col in range(n):
                a[row, col] = table[i][col]
            a[row, n] = (-1) ** row / ws[i]
            b[row] = fs[i]
        solution = lu_solve(a, b)
        cs = [solution[k] for k in range(n)]
        errors = [w * (f - sum(c * t for c, t in zip(cs, row))) for f, w, row in zip(fs, ws, table)]
        worst = max(abs(e) for e in errors)
        if least is None or worst < least:
            best, least = cs, worst
        runs = [[usable[0]]]
        for i in usable[1:]:
            if (errors[i] >= 0) == (errors[runs[-1][-1]] >= 0):
                runs[-1].append(i)
            else:
                runs.append([i])
        peaks = [max(run, key=lambda i: abs(errors[i])) for run in runs]
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        if len(peaks) < n + 1 or peaks == nodes:
            break
        nodes = peaks
    return best


def fit(f, weight, low, high, degree, dtype):
    """Coefficients, constant term first, each a number of `dtype`, and the greatest weighted error."""
    low, high = mpf(low), mpf(high)
    xs = [(low + high) / 2 - (high - low) / 2 * cos(pi * (i + mpf(1) / 2) / GRID) for i in range(GRID)]
    ws = [weight(x) for x in xs]
    rest = [f(x) for x in xs]
    cs = remez(xs, rest, ws, list(range(degree + 1)))
    done = []
    for p in range(degree + 1):
        refit = low == 0 and p > 0  # the powers left form a Chebyshev system only where they have no zero inside
        c = rounded(remez(xs, rest, ws, list(range(p, degree + 1)))[0] if refit else cs[p], dtype)
        done.append(c)
        rest = [r - c * x**p for r, x in zip(rest, xs)]
    return done, max(abs(w * r) for w, r in zip(ws, rest))


def series(f, terms):
    """`f`, but by its Taylor polynomial (coefficients, constant first) close to 0, where the formula cancels."""
    return lambda x: sum(c * x**k for k, c in enumerate(terms)) if abs(x) < mpf("1e-12") else f(x)


one = mpf(1)
half_ln2 = log(2) / 2 + mpf("1e-3")
z_log = ((sqrt(2) - 1) / (sqrt(2) + 1)) ** 2 * mpf("1.01")
z_trig = (pi / 4) ** 2 * mpf("1.002")


def odd(f, c3, c5):
    """(f(√z) - √z) / (z √z) of an odd function f = x + c3 x³ + c5 x⁵ + …"""
    return series(lambda z: (f(sqrt(z)) - sqrt(z)) / (z * sqrt(z)), [c3, c5])


def relative_odd(f):
    """Weight that makes an error of the tail one relative to f."""
    return lambda z: z * sqrt(z) / f(sqrt(z))


def scaled_erfc(t):
    """(1 + 2x) exp(x²) erfc(x) at x = 4(1 + t)/(1 - t), without overflow."""
    x = 4 * (1 + t) / (1 - t)
    if x < 200:
        return (1 + 2 * x) * exp(x * x) * erfc(x)
    term, total = one, one
    for k in range(1, 12):
        term *= -(2 * k - 1) / (2 * x * x)
        total += term
    return (1 + 2 * x) / (x * sqrt(pi)) * total


TABLES = [
    (
        "exp",
        "(eʳ - 1 - r) / r², |r| ≤ ln 2 / 2; error relative to eʳ - 1",
        series(lambda r: (exp(r) - 1 - r) / r**2, [one / 2, one / 6]),
        lambda r: abs(r * r / (exp(r) - 1)) if r else mpf(0),
        (-half_ln2, half_ln2),
        {"float32": 4, "precise": 5, "float64": 11},
    ),
    (
        "exp2",
        "(2ʳ - 1) / r, |r| ≤ 1/2; error relative to 2ʳ",
        series(lambda r: (2**r - 1) / r, [log(2), log(2) ** 2 / 2]),
        lambda r: abs(r) / 2**r,
        (-one / 2, one / 2),
        {"float32": 5, "short": 6, "float64": 11},
    ),
    (
        "log",
        "(2 atanh s - 2s) / s³ in s², |s| ≤ (√2 - 1)/(√2 + 1); error relative to 2 atanh s",
        series(lambda z: (log((1 + sqrt(z)) / (1 - sqrt(z))) - 2 * sqrt(z)) / (z * sqrt(z)), [2 * one / 3, 2 * one / 5]),
        lambda z: z / 2,
        (0, z_log),
        {"float32": 2, "short": 4, "float64": 6},
    ),
    (
        "sin",
        "(sin a - a) / a³ in a², |a| ≤ π/4; error relative to sin a",
        odd(sin, -one / 6, one / 120),
        relative_odd(sin),
        (0, z_trig),
        {"short": 3, "float64": 5},
    ),
    (
        "cos",
        "(cos a - 1 + a²/2) / a⁴ in a², |a| ≤ π/4; relative error",
        series(lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, [one / 24, -one / 720]),
        lambda z: z**2 / cos(sqrt(z)),
        (0, z_trig),
        {"short": 2, "float64": 5},
    ),
    (
        "atan",
        "(atan t - t) / t³ in t², |t| ≤ 1/2; error relative to atan t",
        odd(atan, -one / 3, one / 5),
        relative_odd(atan),
        (0, "0.2501"),
        {"float32": 4, "float64": 11},
    ),
    (
        "asin",
        "(asin x - x) / x³ in x², |x| ≤ 1/2; error relative to asin x",
        odd(asin, one / 6, one * 3 / 40),
        relative_odd(asin),
        (0, "0.2501"),
        {"float32": 4, "float64": 12},
    ),
    (
        "sinh",
        "(sinh x - x) / x³ in x², |x| ≤ 1; error relative to sinh x",
        odd(sinh, one / 6, one / 120),
        relative_odd(sinh),
        (0, "1.001"),
        {"float32": 3, "float64": 7},
    ),
    (
        "tanh",
        "(tanh x - x) / x³ in x², |x| ≤ 0.55; error relative to tanh x",
        odd(tanh, -one / 3, 2 * one / 15),
        relative_odd(tanh),
        (0, "0.303"),
        {"float32": 4, "float64": 10},
    ),
    (
        "errorNear",
        "E(x) / x - 1 in x² for the error function E, |x| ≤ 1; error relative to E",
        series(lambda z: erf(sqrt(z)) / sqrt(z) - 1, [2 / sqrt(pi) - 1, -2 / sqrt(pi) / 3]),
        lambda z: sqrt(z) / erf(sqrt(z)) if z else one,
        (0, "1.001"),
        {"float32": 6, "float64": 13},
    ),
    (
        "errorTail",
        "log(1 - E(x)) for the error function E, 0.99 ≤ x ≤ 4; error relative to E",
        lambda x: log(erfc(x)),
        lambda x: erfc(x) / erf(x),
        ("0.99", 4),
        {"float32": 6},
    ),
    (
        "errorFar",
        "(1 + 2x) exp(x²) (1 - E(x)) in (x - 4)/(x + 4) for the error function E, x ≥ 0; relative error",
        scaled_erfc,
        lambda t: 1 / scaled_erfc(t),
        (-1, "0.75"),
        {"short": 12, "float64": 24},
    ),
    (
        "powLog",
        "(atanh s / s - 1 - s²/3) / s⁴ in s², |s| ≤ (√2 - 1)/(√2 + 1); error relative to atanh s / s",
        series(lambda z: (atanh(sqrt(z)) / sqrt(z) - 1 - z / 3) / z**2, [one / 5, one / 7]),
        lambda z: z**2,
        (0, z_log),
        {"float64": 6},
    ),
]

# A constant as a sum: a head of few bits, whose product with a short number is exact, and the rest.
SPLITS = [
    ("ln2", "ln 2", log(2), {"float32": 10, "float64": 32}),
    ("log2e", "1 / ln 2", 1 / log(2), {"float32": 12, "float64": 26}),
    ("log10e", "1 / ln 10", 1 / log(10), {"float32": 12, "float64": 26}),
    ("log10Of2", "log₁₀ 2", log(2) / log(10), {"float32": 14, "float64": 40}),
    ("quarterPi", "π / 4", pi / 4, {"float32": 22, "float64": 51}),
    ("twoPi", "2π", 2 * pi, {"float64": 26}),
    ("powScale", "2 / (3 ln 2)", 2 / (3 * log(2)), {"float64": 26}),
]


def head(value, bits):
    """`value` rounded to `bits` significant bits."""
    scale = mpf(2) ** (bits - 1 - floor(log(value, 2)))
    return nint(value * scale) / scale


def digits(value, bits, count):
    """Integers dₖ, |dₖ| ≤ 2^(bits - 1), with value = Σ dₖ 2^(-bits (k + 1)), but for whole numbers."""
    found = []
    for _ in range(count):
        value *= mpf(2) ** bits
        found.append(int(nint(value)))
        value -= found[-1]
    return found


def literal(c, dtype):
    """The shortest decimal that reads back as the same number of the dtype."""
    return repr(float(c)) if dtype != "float32" else str(np.float32(float(c)))


def quoted(name):
    return f'"{name}"'


def main():
    print("/* oxlint-disable oxc/approx-constant */")
    print("/**")
    print(" * Minimax polynomials, coefficients from the highest power down; `short` is for float64 arithmetic whose result")
    print(" * becomes a float32, `precise` for float32 where the error must be smaller. Made by scripts/minimax.py, which says how; do not edit.")
    print(" */")
    print("type Coefficients<Kind extends string> = Readonly<Record<Kind, readonly number[]>>;")
    print("/** A head of few bits, whose product with a short number is exact, and the rest. */")
    print("type Split<Kind extends string> = Readonly<Record<Kind, readonly [head: number, rest: number]>>;")
    for name, text, f, weight, (low, high), degrees in TABLES:
        print(f"\n/** {text}. */")
        print(f"export const {name}: Coefficients<{' | '.join(quoted(kind) for kind in degrees)}> = {{")
        for kind, degree in degrees.items():
            dtype = "float32" if kind in ("float32", "precise") else "float64"
            cs, error = fit(f, weight, low, high, degree, dtype)
            print(f"  // error 2^{float(log(error, 2)):.1f}")
            print(f"  {kind}: [{', '.join(literal(c, dtype) for c in reversed(cs))}],", flush=True)
        print("};")
    for name, text, value, kinds in SPLITS:
        print(f"\n/** {text}. */\nexport const {name}: Split<{' | '.join(quoted(kind) for kind in kinds)}> = {{")
        for dtype, bits in kinds.items():
            top = head(value, bits)
            print(f"  {dtype}: [{literal(top, dtype)}, {literal(rounded(value - top, dtype), dtype)}],")
        print("};")
    mp.dps = 500
    print("\n/** 1 / 2π to base 2²⁶, digits from -2²⁵ to 2²⁵. */")
    print(f"export const turnDigits: readonly number[] = {digits(1 / (2 * pi), 26, 45)};")
    print("\n/** 1 / 2π and the fractional part of 2⁵³ / 2π to base 2²⁷, digits from -2²⁶ to 2²⁶. */")
    high = mpf(2) ** 53 / (2 * pi)
    print(f"export const shortTurnDigits: readonly (readonly number[])[] = [\n{digits(1 / (2 * pi), 27, 5)},\n{digits(high - nint(high), 27, 5)}];")


main()
