/** APX: approximation theory. */
import { compile, grad, stack, type Tensor, tensor, valueAndGrad } from "typegrad";
import { chapter, row } from "typegrad/course";
import { adam } from "typegrad/optim";
import { lines, type Polygon, polygons } from "typegrad/plot";
import * as random from "typegrad/random";
import {
  absolutePolynomial,
  activationPattern,
  bernstein,
  DifferenceOfMaxima,
  fitRandomFeatures,
  fitRidgePolynomials,
  foldingNetwork,
  fourierAverage,
  hinges,
  type LinearRegion,
  linearRegions,
  localAffineMap,
  MaxAffine,
  maxTree,
  montufar,
  planeDirections,
  polygonalFit,
  PolygonalLine,
  ReluNetwork,
  sawtooth,
  zaslavsky,
} from "typegrad/theory";
import { f64, gaussian, grid, numbers, range, slope, uniform } from "./helpers.js";

/** The largest absolute value. */
const largest = (x: Tensor): Tensor => x.abs().max();

/** A rectifier network with standard normal weights and biases. */
function randomNetwork(seed: number, ...sizes: number[]): ReluNetwork {
  const maps = sizes.slice(1).map((out, i) => {
    const rows = range(out).map((unit) => numbers(gaussian(1000 * seed + 100 * i + unit, sizes[i] + 1)));
    return { weight: rows.map((w) => w.slice(1)), bias: rows.map(([b]) => b) };
  });
  return ReluNetwork.of(maps, sizes[0]);
}

/** The cells of a network of two inputs as polygons: corners in order around each. */
const cellsOf = (regions: readonly LinearRegion[]): Polygon[] =>
  regions.flatMap(({ parts }, i) =>
    parts.map(({ vertices, interior: [cx, cy] }) => ({
      corners: vertices
        .map(([x, y]): [number, number] => [x, y])
        .toSorted((a, b) => Math.atan2(a[1] - cy, a[0] - cx) - Math.atan2(b[1] - cy, b[0] - cx)),
      colour: i,
    })),
  );

/** A sine over one period. */
const wave = (x: number): number => Math.sin(2 * Math.PI * x);

/** A polygonal line with five random pieces. */
const zigzag = new PolygonalLine([-2, -1.25, -0.5, 0.75, 1.5, 2.25], numbers(gaussian(3, 6)));

export const approximation = chapter(
  "APX",
  "Approximation theory",
  String.raw`Which functions can a network represent, and with how many units? One hidden layer comes as close as one likes to every continuous function, unless its unit is a polynomial; how many units that takes is another matter, and there depth pays. Networks of rectifiers *are* the continuous piecewise linear functions: these rows convert between all their forms, exactly.`,
  [
    row(
      "APX-01",
      "Ridge functions",
      String.raw`xy = \tfrac14\left((x+y)^2 - (x-y)^2\right),\qquad f(x) \approx \sum_j g_j(a_j^\top x)`,
      String.raw`A ridge function varies in one direction only. Sums of them are dense in the continuous functions when the directions are (Vostrecov and Kreines). The product of two variables needs exactly two: the fit along the directions $(1,1)$ and $(1,-1)$ finds the squares with the factors $\pm\frac14$ by itself; along the axes it cannot.`,
      (t) => {
        const x = gaussian(1, 2000, 2);
        const y = x.at("...", 0).mul(x.at("...", 1));
        const fit = fitRidgePolynomials(
          x,
          y,
          f64([
            [1, 1],
            [1, -1],
          ]),
          2,
        );
        t.close(fit.forward(x), y, 1e-12, "two ridge functions against $xy$");
        t.close(fit.coefficients.at(":", 2), [0.25, -0.25], 1e-12, "factors of the squares");
        const axes = fitRidgePolynomials(
          x,
          y,
          f64([
            [1, 0],
            [0, 1],
          ]),
          2,
        )
          .forward(x)
          .sub(y);
        t.close(
          axes.square().mean().div(y.square().mean()),
          1,
          0.02,
          String.raw`share that stays along the axes: $xy$ is orthogonal to all $g(x)+h(y)$`,
        );
      },
    ),
    row(
      "APX-02",
      "Weierstrass by Bernstein's polynomials",
      String.raw`B_nf(x) = \sum_{k=0}^{n} f\!\left(\tfrac kn\right)\binom nk x^k(1-x)^{n-k},\qquad \|B_nf-f\|_\infty \le \tfrac54\,\omega_f\!\left(\tfrac1{\sqrt n}\right)`,
      String.raw`$B_nf(x)$ is the mean of $f$ over $n$ tosses of a coin that shows heads with probability $x$; the law of large numbers proves the theorem. At the kink of $|x-\frac12|$ the error is the mean deviation of a fair coin, $\binom{n}{n/2}2^{-n}/2 \approx 1/\sqrt{2\pi n}$: convergence is slow.`,
      (t) => {
        const kink = (x: number): number => Math.abs(x - 0.5);
        const at = grid(0, 1, 501);
        const x = f64(at);
        t.close(bernstein(kink, 100)(f64([0.5])), 0.039_794_6, 5e-8, String.raw`$B_{100}f(\frac12)$`);
        let fair = 0.5;
        for (const k of range(50)) fair *= (2 * k + 1) / (2 * k + 2);
        t.close(bernstein(kink, 100)(f64([0.5])), fair, 1e-13, "the same, as the mean deviation of 100 tosses");
        t.close(bernstein((z) => 3 * z - 1, 20)(x), x.mul(3).sub(1), 1e-12, "straight lines are kept");
        const degrees = [4, 16, 64, 256];
        const errors = degrees.map((n) => largest(bernstein(kink, n)(x).sub(x.sub(0.5).abs())));
        t.atMost(
          stack(errors),
          degrees.map((n) => 1.25 / Math.sqrt(n)),
          String.raw`sup errors, $\omega_f(\delta)=\delta$`,
        );
        t.plot(
          lines(
            [
              { name: "|x − ½|", x: at, y: at.map(kink), dashed: true },
              ...[4, 16, 64].map((n) => ({ name: `n = ${n}`, x: at, y: numbers(bernstein(kink, n)(x)) })),
            ],
            { title: "Bernstein polynomials", x: { label: "x" } },
          ),
          "At a kink Bernstein's polynomials are slow: the error falls as one over the root of the degree.",
        );
      },
    ),
    row(
      "APX-03",
      "Polynomials for |x|: Lebesgue's proof",
      String.raw`p_0 = 0,\quad p_{k+1} = p_k + \tfrac12(x^2 - p_k^2),\qquad 0 \le |x| - p_k(x) \le \frac{2}{k+1}`,
      String.raw`Once $|x|$ is a limit of polynomials, so is every polygonal line, hence every continuous function. The recursion climbs towards $|x|$ from below on $[-1,1]$. The first polynomial is $x^2/2$.`,
      (t) => {
        const at = grid(-1, 1, 2001);
        const x = f64(at);
        t.equal(absolutePolynomial(1)(x), x.square().mul(0.5), "$p_1 = x^2/2$");
        const steps = [1, 3, 10, 30, 100];
        const gaps = steps.map((k) => x.abs().sub(absolutePolynomial(k)(x)));
        t.atMost(
          stack(gaps.map(largest)),
          steps.map((k) => 2 / (k + 1)),
          "sup errors",
        );
        t.atLeast(stack(gaps.map((gap) => gap.min())), -1e-15, "from below");
        t.plot(
          lines(
            [1, 3, 10, 30].map((k) => ({ name: `k = ${k}`, x: at, y: numbers(absolutePolynomial(k)(x)) })),
            {
              title: "Polynomials that climb to |x|",
              x: { label: "x" },
            },
          ),
        );
      },
    ),
    row(
      "APX-04",
      "Leshno, Lin, Pinkus and Schocken: what is not a polynomial is universal",
      String.raw`\overline{\operatorname{span}}\{\sigma(w^\top x+b)\} = C(K) \iff \sigma \text{ is not a polynomial}`,
      String.raw`Random units with the best coefficients: fifty of $\tanh$ come within a thousandth of a sine. With $\sigma(z)=z^2$ every combination is a quadratic again, and the error is that of the best quadratic, for 5 units as for 50.`,
      (t) => {
        const at = grid(0, 1, 401);
        const x = f64(at).expandDims(1);
        const y = f64(at.map(wave));
        const fit = (units: number, activation: (z: Tensor) => Tensor): Tensor =>
          fitRandomFeatures(x, y, { units, activation, key: random.key(3), scale: 10 })
            .forward(x)
            .sub(y);
        t.less(largest(fit(50, (z) => z.tanh())), 1e-3, "sup error of 50 tanh units");
        const floor = [5, 50].map((units) =>
          fit(units, (z) => z.square())
            .square()
            .mean(),
        );
        // On [0, 1] the sine is odd about ½: of the quadratics only the line helps, and takes 6/π² of its energy ½.
        t.close(stack(floor), 0.5 - 3 / Math.PI ** 2, 2e-3, "mean square that squares leave, 5 and 50 units");
      },
    ),
    row(
      "APX-05",
      "Lifting the dimension",
      String.raw`f(x) \approx \sum_{j=1}^{k} g_j(a_j^\top x),\qquad x \in \mathbb R^n`,
      String.raw`If a class of functions of one variable is dense, so are its ridge functions of $n$ variables (Pinkus). A bump of the plane, with polynomials of degree 8 along $k$ directions: every direction more helps.`,
      (t) => {
        const x = uniform(2, -2, 2, 900, 2);
        const bump = x.square().sum(1).neg().exp();
        const counts = [1, 2, 4, 8];
        const errors = counts.map((k) =>
          fitRidgePolynomials(x, bump, planeDirections(k), 8).forward(x).sub(bump).square().mean(),
        );
        t.less(
          stack(errors.slice(1)),
          stack(errors.slice(0, -1)),
          "errors for 2, 4, 8 directions against half as many",
        );
        t.less(errors[3].div(errors[0]), 0.01, "8 directions against one");
        // The mean of a polynomial's ridge over all directions is a radial polynomial: its even powers, exactly.
        const square = x.square().sum(1);
        const exact = fitRidgePolynomials(x, square, planeDirections(3), 2).forward(x);
        t.close(exact, square, 1e-11, String.raw`$x^2+y^2$ on three directions`);
      },
    ),
    row(
      "APX-06",
      "Polygonal lines are dense in C[0, 1]",
      String.raw`\|f - \ell_m\|_\infty \le \frac{\|f''\|_\infty}{8m^2}`,
      String.raw`Interpolation at $m+1$ equal knots. For $\sin 2\pi x$ with 64 pieces the bound is $(2\pi)^2/(8\cdot 64^2) = 1.205\cdot10^{-3}$, and it is nearly reached, since some knots lie on both sides of the crest.`,
      (t) => {
        const error = (m: number): number => {
          const line = PolygonalLine.interpolating(wave, 0, 1, m);
          return Math.max(...range(16 * m + 1).map((i) => Math.abs(wave(i / (16 * m)) - line.at(i / (16 * m)))));
        };
        const bound = (2 * Math.PI) ** 2 / (8 * 64 ** 2);
        t.atMost(error(64), bound, "sup error with 64 pieces");
        t.close(error(64), bound, 0.01 * bound, "and the bound is sharp");
        const pieces = [32, 64, 128, 256];
        t.close(
          slope(
            pieces.map(Math.log),
            pieces.map((m) => Math.log(error(m))),
          ),
          -2,
          0.02,
          "slope, log error against log m",
        );
      },
    ),
    row(
      "APX-07",
      "Lebesgue's form: a polygonal line is a network",
      String.raw`\ell(x) = ax+b+\sum_i c_i(x-x_i)_+ = a'x+b'+\sum_i \tfrac{c_i}2|x-x_i|`,
      String.raw`Each inner knot is one unit, and its coefficient is the change of the slope there. A line of $m$ pieces has $m+1$ free numbers besides its knots: $a$, $b$ and $m-1$ kinks.`,
      (t) => {
        const x = uniform(5, -4, 4, 10_000);
        const values = numbers(x).map((z) => zigzag.at(z));
        const form = zigzag.toRectifiers();
        t.close(form.forward(x), values, 1e-12, "rectifiers, at ten thousand points");
        t.close(zigzag.toAbsoluteValues().forward(x), values, 1e-12, "absolute values");
        t.close(
          zigzag.toReluNetwork().forward(x.expandDims(1)).squeeze(-1),
          values,
          1e-12,
          "a network with one hidden layer",
        );
        t.equal(2 + form.coefficients.size, 5 + 1, "numbers of a line with five pieces");
        const at = grid(-3, 3.5, 400);
        t.plot(
          lines([{ x: at, y: numbers(form.forward(f64(at))) }], { title: "Four kinks, four units", x: { label: "x" } }),
        );
      },
    ),
    row(
      "APX-08",
      "One hidden layer of rectifiers is universal",
      String.raw`\forall \varepsilon > 0\ \exists m:\ \Big\|f - \Big(ax+b+\sum_{i<m} c_i(x-x_i)_+\Big)\Big\|_\infty \le \varepsilon`,
      String.raw`Constructive: interpolate, double the pieces until the error is small enough, read off the network. For a smooth function the width grows as $\varepsilon^{-1/2}$.`,
      (t) => {
        const targets = [1e-1, 1e-2, 1e-3, 1e-4];
        const at = grid(0, 1, 4001);
        const fits = targets.map((epsilon) => polygonalFit((x) => Math.exp(x) * wave(x), 0, 1, epsilon));
        const errors = fits.map(({ line }) => {
          const network = line.toReluNetwork();
          return largest(
            network
              .forward(f64(at).expandDims(1))
              .squeeze(-1)
              .sub(f64(at.map((x) => Math.exp(x) * wave(x)))),
          );
        });
        t.atMost(stack(errors), targets, "measured errors of the networks");
        // e / (8 m²) ≤ 10⁻³ from m = 18.4 on; doubling gives 32
        t.equal(polygonalFit(Math.exp, 0, 1, 1e-3).pieces, 32, String.raw`pieces for $e^x$ within $10^{-3}$`);
        t.show("pieces for 0.1, 0.01, 0.001, 0.0001", fits.map((fit) => fit.pieces).join(", "));
      },
    ),
    row(
      "APX-09",
      "Barron's rate does not know the dimension",
      String.raw`\mathbb E\Big|f(x) - \frac1m\sum_{j=1}^m \cos(\omega_j^\top x)\Big|^2 = \frac1m\big(\mathbb E\cos^2(\omega^\top x) - f(x)^2\big),\qquad \omega\sim\mathcal N(0,I)`,
      String.raw`The target $f(x)=e^{-\|x\|^2/2}$ is the mean of $\cos(\omega^\top x)$ over its own spectrum, so $m$ draws leave a squared error of order $1/m$, in 2 dimensions as in 10. Grids and splines would need exponentially many points.`,
      (t) => {
        const sizes = [8, 32, 128, 512];
        for (const n of [2, 5, 10]) {
          const x = gaussian(n, 50, n);
          const y = x.square().sum(1).mul(-0.5).exp();
          const frequencies = gaussian(100 + n, 40_960, n);
          const draws = x.matmul(frequencies.T).cos(); // [50, 40960]
          const average = (m: number): Tensor => draws.reshape([50, -1, m]).mean(-1); // [50, 40960 / m]
          const errors = sizes.map((m) => average(m).sub(y.expandDims(1)).square().mean().itemSync());
          t.close(slope(sizes.map(Math.log), errors.map(Math.log)), -1, 0.1, `slope of the squared error, n = ${n}`);
          const fit = fourierAverage(frequencies.at(":512"));
          t.close(fit.forward(x), average(512).at(":", 0), 1e-12, "a network of 512 cosines is such a mean");
          // E cos²(ω·x) - f² = (1 + exp(-2‖x‖²)) / 2 - exp(-‖x‖²)
          const r = x.square().sum(1);
          const variance = r.mul(-2).exp().add(1).div(2).sub(r.neg().exp()).mean();
          t.close(errors[0] * 8, variance, 0.02, "squared error times m, against the variance of one draw");
        }
      },
    ),
    row(
      "APX-10",
      "Activation patterns and affine cells",
      String.raw`f(x) = W_LD_{L-1}(x)W_{L-1}\cdots D_1(x)W_1x + b(x),\qquad D_l = \operatorname{diag}[z_l > 0]`,
      String.raw`Where no unit switches, a rectifier network is one affine map. In every cell of the partition, enumerated exactly, the network equals the map of the cell; its slope is the gradient.`,
      (t) => {
        const network = randomNetwork(1, 2, 6, 5, 1);
        const within = { low: [-2, -2], high: [2, 2] };
        const regions = linearRegions(network, { within });
        const centres = regions.map(({ parts }) => parts[0].interior);
        const x = f64(centres.map((c) => [...c]));
        const expected = regions.map(
          ({ map }, i) => map.weight[0][0] * centres[i][0] + map.weight[0][1] * centres[i][1] + map.bias[0],
        );
        t.close(network.forward(x).squeeze(-1), expected, 1e-12, "network against the map of every cell");
        const patterns = activationPattern(network, x);
        t.equal(
          patterns.flatMap((layer) => numbers(layer.astype("float64"))),
          [0, 1].flatMap((l) => regions.flatMap(({ pattern }) => pattern[l].map(Number))),
          "patterns",
        );
        const point = f64([0.3, -0.4]);
        const slopeThere = grad((z: Tensor) => network.forward(z).sum())(point);
        t.close(
          localAffineMap(network, point).weight.squeeze(0),
          slopeThere,
          1e-12,
          "slope of the cell against the gradient",
        );
        t.show("cells in the square", regions.length);
        t.plot(
          polygons(cellsOf(regions), { title: "Cells of a network with 6 and 5 units", width: 420, height: 420 }),
          "Lines of the second layer bend where they cross lines of the first.",
        );
      },
    ),
    row(
      "APX-11",
      "Zaslavsky: how many regions hyperplanes make",
      String.raw`R(m) = \sum_{i=0}^{\min(m,n)} \binom mi`,
      String.raw`One hidden layer cuts its $n$ inputs by $m$ hyperplanes. In general position the number of regions is a polynomial in $m$ of degree $n$; with $m \le n$ it is $2^m$; parallel planes and planes through a common point make fewer. All counts are exact enumerations in the whole space.`,
      (t) => {
        const cases = [
          [3, 2, 7],
          [4, 2, 11],
          [5, 2, 16],
          [10, 3, 176],
        ];
        const counted = cases.map(([m, n]) => linearRegions(randomNetwork(m, n, m, 1)).length);
        t.equal(
          counted,
          cases.map(([, , count]) => count),
          "R(3,2), R(4,2), R(5,2), R(10,3) counted",
        );
        t.equal(
          cases.map(([m, n]) => zaslavsky(m, n)),
          cases.map(([, , count]) => count),
          "by the formula",
        );
        t.equal(
          [1, 2, 3].map((m) => linearRegions(randomNetwork(m, 3, m, 1)).length),
          [2, 4, 8],
          String.raw`$m \le n$`,
        );
        const count = (weight: number[][], bias: number[]): number =>
          linearRegions(
            ReluNetwork.of(
              [
                { weight, bias },
                { weight: [bias.map(() => 1)], bias: [0] },
              ],
              2,
            ),
          ).length;
        t.equal(
          count(
            [
              [1, 0],
              [1, 0],
              [1, 0],
            ],
            [0, -1, -2],
          ),
          4,
          "three parallel lines",
        );
        t.equal(
          count(
            [
              [1, 0],
              [0, 1],
              [1, 1],
            ],
            [0, 0, 0],
          ),
          6,
          "three lines through a point",
        );
      },
    ),
    row(
      "APX-12",
      "Depth folds: Montúfar's bound",
      String.raw`\prod_{l<L}\Big\lfloor\frac{m_l}{n}\Big\rfloor^{n}\ \sum_{i=0}^{n}\binom{m_L}{i}`,
      String.raw`A layer can fold the input onto itself, and everything later layers draw appears in every copy. The tent map does it in one dimension: depth $L$ with 2 units a layer makes exactly $2^L$ pieces, for which one hidden layer would need $2^L-1$ units. With two inputs and widths 4, 4 the construction has at least $4\cdot 11=44$ regions.`,
      (t) => {
        const unit = (n: number) => ({ low: range(n).map(() => 0), high: range(n).map(() => 1) });
        const depths = [1, 2, 4, 7];
        t.equal(
          depths.map((l) => linearRegions(sawtooth(l), { within: unit(1) }).length),
          depths.map((l) => 2 ** l),
          "pieces of the saw-tooth",
        );
        const at = f64(grid(0, 1, 257));
        const fold = (x: Tensor): Tensor => x.mul(2).sub(1).abs().neg().add(1);
        t.close(
          sawtooth(4).forward(at.expandDims(1)).squeeze(-1),
          fold(fold(fold(fold(at)))),
          1e-12,
          "it is the tent map, four times",
        );
        t.equal([montufar(2, [4, 4]), montufar(2, [4, 4, 4])], [44, 176], "the bound for widths 4, 4 and 4, 4, 4");
        const folded = linearRegions(foldingNetwork(2, [4, 4]), { within: unit(2) });
        t.atLeast(folded.length, 44, "regions of the construction");
        t.plot(
          polygons(cellsOf(folded), {
            title: "Widths 4, 4: the square folded twice, then cut",
            width: 420,
            height: 420,
          }),
        );
      },
    ),
    row(
      "APX-13",
      "Hinges: signed sums of maxima of at most n + 1",
      String.raw`\max_{P\cup N} f = -(-1)^{|N|}\sum_{T\subsetneq N}(-1)^{|T|}\max_{P\cup T} f \quad\text{where}\quad \max_{P} f \ge \min_{N} f`,
      String.raw`Wang and Sun: every continuous piecewise linear function of $n$ variables is a signed sum of maxima of at most $n+1$ affine functions. Any $n+2$ affine functions satisfy $\sum_i\mu_if_i = \text{const}$ with $\sum_i\mu_i=0$, so one part of them never falls below the other, and the inclusion-exclusion above makes every term smaller.`,
      (t) => {
        const shapes = [
          [5, 1],
          [5, 2],
          [5, 3],
        ];
        for (const [k, n] of shapes) {
          const maximum = new MaxAffine(gaussian(k, k, n), gaussian(k + 1, k));
          const sum = hinges(maximum);
          const x = gaussian(k + 2, 400, n).mul(3);
          t.close(sum.forward(x), maximum.forward(x), 1e-9, `maximum of ${k} functions of ${n} variables`);
          t.atMost(
            sum.hinges.map((hinge) => hinge.weight.shape[0]),
            n + 1,
            "pieces of its hinges",
          );
        }
        const x = gaussian(9, 500, 2);
        const corner = f64([
          [1, 0],
          [0, 0],
          [0, 1],
        ]);
        const top = new MaxAffine(corner, f64([0, 0, 0])).forward(x);
        const bottom = new MaxAffine(corner.neg(), f64([0, 0, 0])).forward(x).neg();
        const sorted = numbers(x.at(":", 0)).map((a, i) => [a, 0, numbers(x.at(i))[1]].toSorted((p, q) => p - q));
        t.equal(
          bottom,
          sorted.map(([least]) => least),
          String.raw`$\min(x,0,y) = -\max(-x,0,-y)$`,
        );
        t.close(
          x.sum(1).sub(top).sub(bottom),
          sorted.map(([, middle]) => middle),
          1e-14,
          String.raw`$\operatorname{median}(x,0,y) = x+y-\max-\min$`,
        );
      },
    ),
    row(
      "APX-14",
      "A maximum of k needs depth ⌈log₂ k⌉",
      String.raw`\max(a,b) = (a-b)_+ + (b)_+ - (-b)_+`,
      String.raw`Knock-out rounds: each layer halves the field. On whole numbers, where sums are exact, the network of eight inputs and depth 3 agrees to the last bit.`,
      (t) => {
        const counts = [2, 3, 5, 8, 9];
        t.equal(
          counts.map((k) => maxTree(k).depth),
          counts.map((k) => Math.ceil(Math.log2(k))),
          "depths for 2, 3, 5, 8, 9 inputs",
        );
        for (const k of [5, 8]) {
          const x = gaussian(k, 1000, k).mul(16).round();
          t.equal(maxTree(k).forward(x).squeeze(-1), x.max(-1), `largest of ${k}`);
        }
      },
    ),
    row(
      "APX-15",
      "Polyhedral functions; every piecewise linear function is a difference of two",
      String.raw`f(x) = \max_i\,(p_i^\top x + a_i) - \max_j\,(q_j^\top x + b_j)`,
      String.raw`A convex polyhedral function is the largest of its affine pieces, and its epigraph the intersection of their half-spaces. Rectifiers keep differences of two such functions: $\max(P-N,0)=\max(P,N)-N$. So two maxout units are universal: trained on a sine, more pieces come closer.`,
      (t) => {
        const x = uniform(11, -3, 3, 2000, 1);
        const line = zigzag.toDifferenceOfMaxima();
        t.close(
          line.forward(x),
          numbers(x).map((z) => zigzag.at(z)),
          1e-11,
          "a polygonal line",
        );
        const network = randomNetwork(5, 2, 3, 2, 1);
        const points = gaussian(12, 500, 2).mul(2);
        const difference = DifferenceOfMaxima.fromReluNetwork(network);
        t.close(
          difference.forward(points),
          network.forward(points).squeeze(-1),
          1e-10,
          "a random network of two inputs",
        );
        t.close(
          difference.toReluNetwork().forward(points).squeeze(-1),
          network.forward(points).squeeze(-1),
          1e-9,
          "and back to a network",
        );

        const convex = new MaxAffine(gaussian(13, 6, 2), gaussian(14, 6));
        const heights = gaussian(15, 500).mul(3);
        const inAll = points.matmul(convex.weight.T).add(convex.bias).lessEqual(heights.expandDims(1)).all(-1);
        t.equal(convex.epigraph(points, heights), inAll, "epigraph: the intersection of half-spaces");

        const errors = [2, 4, 8].map((k) => fitSine(k));
        t.less(errors.slice(1), errors.slice(0, -1), "mean squared errors of 4 and 8 pieces against half as many");
        t.less(errors[2], 0.01, "two maxout units of 8 pieces each");
      },
    ),
  ],
);

/** The mean squared error of two maxout units with k pieces each, trained on a sine. */
function fitSine(k: number): number {
  const x = f64(grid(0, 1, 200)).expandDims(1);
  const y = f64(grid(0, 1, 200).map(wave));
  const unit = (seed: number): MaxAffine => new MaxAffine(gaussian(seed, k, 1).mul(6), gaussian(seed + 1, k));
  const model = new DifferenceOfMaxima(unit(21), unit(31));
  const optimizer = adam({ learningRate: 0.05 });
  const loss = (m: DifferenceOfMaxima): Tensor => m.forward(x).sub(y).square().mean();
  const step = compile(
    () => {
      const [value, gradient] = valueAndGrad(loss)(model);
      optimizer.update(model, gradient);
      return value;
    },
    { state: [model, optimizer] },
  );
  let last: Tensor = tensor(0);
  for (let i = 0; i < 1500; i++) last = step();
  return last.itemSync();
}
