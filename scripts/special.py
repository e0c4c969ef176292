"""Makes src/special/coefficients.ts: polynomials near the best ones (Chebyshev interpolation in 60 digits, mpmath).

    python3 scripts/special.py > src/special/coefficients.ts
"""

from mpmath import bernoulli, besseli, chebyfit, digamma, e, exp, findroot, loggamma, mp, mpf, pi, rgamma, sqrt

mp.dps = 60
one = mpf(1)
ROOT = findroot(digamma, mpf("1.46"))


def removable(f, at, value):
    return lambda t: value if abs(t - at) < mpf("1e-30") else f(t)


def lngamma_two(t):
    return loggamma(2 + t).real / t


def lngamma_one(t):
    return loggamma(1 + t).real / t


def scaled_bessel(order):
    """√x e^-x I(x) at x = 7.75/u."""
    far = mpf("7.75")
    return lambda u: 1 / sqrt(2 * pi) if u < mpf("1e-6") else besseli(order, far / u) * exp(-far / u) * sqrt(far / u)


TABLES = [
    ("logGammaTwo", "log Γ(2 + t) / t, |t| ≤ 1/2", removable(lngamma_two, 0, digamma(2)), (-one / 2, one / 2), 20),
    ("logGammaOne", "log Γ(1 + t) / t, 0 ≤ t ≤ 1/2", removable(lngamma_one, 0, digamma(1)), (0, one / 2), 18),
    ("reciprocalGamma", "1 / Γ(3/2 + t), |t| ≤ 1/2", lambda t: rgamma(mpf(3) / 2 + t), (-one / 2, one / 2), 16),
    (
        "digamma",
        "ψ(3/2 + t) / (3/2 + t - root), |t| ≤ 1/2",
        lambda t: digamma(mpf(3) / 2 + t) / (mpf(3) / 2 + t - ROOT),
        (-one / 2, one / 2),
        23,
    ),
    ("bessel0", "(I₀(x) - 1) / z in z = x²/4, 0 ≤ x ≤ 7.75", lambda z: (besseli(0, 2 * sqrt(z)) - 1) / z, ("1e-12", mpf("7.75") ** 2 / 4), 18),
    ("bessel1", "2 I₁(x) / x in z = x²/4, 0 ≤ x ≤ 7.75", lambda z: besseli(1, 2 * sqrt(z)) / sqrt(z), ("1e-20", mpf("7.75") ** 2 / 4), 18),
    ("bessel0Far", "√x e⁻ˣ I₀(x) in 7.75/x, x ≥ 7.75", scaled_bessel(0), (0, 1), 24),
    ("bessel1Far", "√x e⁻ˣ I₁(x) in 7.75/x, x ≥ 7.75", scaled_bessel(1), (0, 1), 24),
]


def line(cs):
    return "[" + ", ".join(repr(float(c)) for c in cs) + "]"


print('/** Coefficients of polynomials, from the highest power down. Made by scripts/special.py, which says how; do not edit. */')
for name, what, f, interval, terms in TABLES:
    low, high = (mpf(x) for x in interval)
    cs, _ = chebyfit(f, [low, high], terms, error=True)
    rounded = [mpf(float(c)) for c in cs]
    xs = [low + (high - low) * k / 997 for k in range(1, 997)]
    worst = max(abs(sum(c * x ** (len(cs) - 1 - i) for i, c in enumerate(rounded)) / f(x) - 1) for x in xs)
    print(f"\n/** {what}; relative error {mp.nstr(worst, 2)}. */")
    print(f"export const {name}: readonly number[] = {line(cs)};")

head = mpf(float(int(ROOT * 2**26)) / 2**26)
print("\n/** The positive zero of ψ as a head of few bits and the rest. */")
print(f"export const digammaRoot = [{float(head)!r}, {float(ROOT - head)!r}] as const;")
print("\n/** B₂ₖ / (2k (2k - 1)) for k = 10 … 1: log Γ(x) - (x - 1/2) log x + x - log √(2π), times x, in 1/x². */")
print(f"export const stirling: readonly number[] = {line([bernoulli(2 * k) / (2 * k * (2 * k - 1)) for k in range(10, 0, -1)])};")
print("\n/** B₂ₖ / (2k) for k = 10 … 1. */")
print(f"export const digammaFar: readonly number[] = {line([bernoulli(2 * k) / (2 * k) for k in range(10, 0, -1)])};")
print("\n/** B₂ₖ / (2k)! for k = 1 … 12. */")
print(f"export const eulerMaclaurin: readonly number[] = {line([bernoulli(2 * k) / mp.factorial(2 * k) for k in range(1, 13)])};")
