/** LIN: linear algebra. */
import { eye, gradcheck, stack, type Tensor } from "typegrad";
import { chapter, row } from "typegrad/course";
import {
  cholesky,
  det,
  diag,
  eig,
  eigh,
  eigvalsh,
  inv,
  isPositiveDefinite,
  isPositiveSemidefinite,
  leadingMinors,
  matrixNorm,
  matrixRank,
  principalMinors,
  qr,
  slogdet,
  solve,
  solveTriangular,
  svd,
  svdvals,
  trace,
} from "typegrad/linalg";
import { lines } from "typegrad/plot";
import { f64, gaussian, numbers, range } from "./helpers.js";

/** A finite group as its table: `table[a][b]` is the number of the element a∘b. */
type Table = readonly (readonly number[])[];

/** Which axioms the operation of a table satisfies, by trying all elements. */
function axioms(table: Table) {
  const all = range(table.length);
  const closed = table.flat().every((c) => all.includes(c));
  const associative = all.every((a) =>
    all.every((b) => all.every((c) => table[table[a][b]]?.[c] === table[a]?.[table[b][c]])),
  );
  const identity = all.find((e) => all.every((a) => table[e][a] === a && table[a][e] === a));
  const inverses = all.every((a) => all.some((b) => table[a][b] === identity && table[b][a] === identity));
  const commutative = all.every((a) => all.every((b) => table[a][b] === table[b][a]));
  return { closed, associative, identity: identity !== undefined, inverses, commutative };
}

type Permutation = readonly number[];
/** All products of permutations until nothing new appears, and their table. */
function generated(generators: readonly Permutation[]): Table {
  const compose = (p: Permutation, q: Permutation): Permutation => q.map((i) => p[i]);
  const elements: Permutation[] = [generators[0].map((_, i) => i)];
  const place = (p: Permutation): number => elements.findIndex((q) => q.join() === p.join());
  for (const p of elements) for (const q of generators) if (place(compose(p, q)) < 0) elements.push(compose(p, q));
  return elements.map((p) => elements.map((q) => place(compose(p, q))));
}

export const linearAlgebra = chapter(
  "LIN",
  "Linear algebra",
  "Matrices carry the parameters of a network, and the spectrum of a matrix decides how fast it learns. These rows fix the facts that later chapters lean on: when a matrix is positive, what a decomposition says about it, and what the best approximation of low rank is.",
  [
    row(
      "LIN-01",
      "Positive (semi)definite matrices, Sylvester's criterion, Cholesky",
      String.raw`A \succ 0 \iff \text{all leading minors} > 0 \iff A = LL^\top,\quad A \succeq 0 \iff \text{all principal minors} \ge 0`,
      String.raw`The three tests of definiteness agree on random symmetric matrices, about two thirds of which are definite. For *semi*definite matrices the leading minors are not enough: those of $\mathrm{diag}(0,-1)$ are $0$ and $0$, and yet $x^\top A x = -x_2^2$ is negative. (A widespread form of the criterion forgets this.)`,
      (t) => {
        const noise = gaussian(1, 400, 3, 3);
        const a = noise.add(noise.T).add(eye(3, 3, { dtype: "float64" }).mul(3.5)); // [400, 3, 3]
        const byEigenvalues = eigvalsh(a).greater(0).all(-1);
        t.equal(leadingMinors(a).greater(0).all(-1), byEigenvalues, "leading minors against eigenvalues");
        t.equal(isPositiveDefinite(a), byEigenvalues, "Cholesky's pivots against eigenvalues");
        const definite = numbers(byEigenvalues.astype("float64")).reduce((x, y) => x + y, 0);
        t.show("definite matrices among 400", definite);
        t.greater([definite, 400 - definite], 100, "both kinds occur often");

        const corner = f64([
          [0, 0],
          [0, -1],
        ]);
        t.equal(leadingMinors(corner), [0, 0], String.raw`leading minors of $\mathrm{diag}(0,-1)$`);
        t.equal(principalMinors(corner).min(), -1, "its least principal minor");
        t.equal(isPositiveSemidefinite(corner), false, "it is semidefinite");

        const spd = f64([
          [4, 2, -2],
          [2, 10, 2],
          [-2, 2, 6],
        ]);
        const l = f64([
          [2, 0, 0],
          [1, 3, 0],
          [-1, 1, 2],
        ]);
        t.close(cholesky(spd), l, 1e-15, "Cholesky's factor, worked by hand");
        t.equal(cholesky(corner).isNaN().any(), true, "no factor of an indefinite matrix");
      },
    ),
    row(
      "LIN-02",
      "Trace identities",
      String.raw`\operatorname{Tr}(ABC) = \operatorname{Tr}(BCA) = \operatorname{Tr}(CAB),\qquad \operatorname{Tr} A = \sum_i \lambda_i`,
      String.raw`Cyclic shifts keep the trace, other permutations do not. For a general real matrix the eigenvalues are complex, but their imaginary parts cancel.`,
      (t) => {
        const [a, b, c] = [gaussian(1, 4, 6), gaussian(2, 6, 5), gaussian(3, 5, 4)];
        const abc = trace(a.matmul(b).matmul(c)).itemSync();
        t.close(
          trace(b.matmul(c).matmul(a)),
          abc,
          1e-12,
          String.raw`$\operatorname{Tr}(BCA)$ against $\operatorname{Tr}(ABC)$`,
        );
        t.close(trace(c.matmul(a).matmul(b)), abc, 1e-12, String.raw`$\operatorname{Tr}(CAB)$`);

        const [p, q, r] = [gaussian(4, 4, 4), gaussian(5, 4, 4), gaussian(6, 4, 4)];
        const order = trace(p.matmul(q).matmul(r))
          .sub(trace(q.matmul(p).matmul(r)))
          .abs();
        t.greater(order, 0.1, String.raw`$|\operatorname{Tr}(PQR)-\operatorname{Tr}(QPR)|$ is not small`);
        t.close(trace(p.mul(2).add(q.mul(3))), trace(p).mul(2).add(trace(q).mul(3)), 1e-12, "linear");
        const { values } = eig(p);
        t.close(values.re.sum(), trace(p), 1e-12, "sum of the eigenvalues, real part");
        t.close(values.im.sum(), 0, 1e-12, "sum of the eigenvalues, imaginary part");
      },
    ),
    row(
      "LIN-03",
      "Norms of matrices and their invariance",
      String.raw`\|A\|_F = \sqrt{\operatorname{Tr}(A^\top A)} = \sqrt{\textstyle\sum_i \sigma_i^2},\qquad \|QA\|_F = \|A\|_F \ \text{ for } Q^\top Q = I`,
      String.raw`Frobenius, spectral and nuclear norm depend on the singular values alone, so rotations do not change them. The sums over columns and rows ($p=1,\infty$) are no such norms.`,
      (t) => {
        const a = gaussian(1, 5, 7);
        const q = qr(gaussian(2, 5, 5)).q;
        const s = svdvals(a);
        const frobenius = matrixNorm(a);
        t.close(frobenius, trace(a.T.matmul(a)).sqrt(), 1e-12, String.raw`$\|A\|_F$ by the trace`);
        t.close(frobenius, s.square().sum().sqrt(), 1e-12, String.raw`$\|A\|_F$ by the singular values`);
        const rotated = q.matmul(a);
        t.close(matrixNorm(rotated), frobenius, 1e-12, String.raw`$\|QA\|_F$`);
        t.close(matrixNorm(rotated, 2), s.max(), 1e-12, String.raw`$\|QA\|_2 = \sigma_1(A)$`);
        t.close(matrixNorm(rotated, "nuc"), s.sum(), 1e-12, String.raw`$\|QA\|_*=\sum\sigma_i$`);
        t.close(matrixNorm(a, 1), a.abs().sum(0).max(), 1e-14, String.raw`$\|A\|_1$, the largest column`);
        t.greater(matrixNorm(rotated, 1).sub(matrixNorm(a, 1)).abs(), 0.05, String.raw`$\|QA\|_1$ is another number`);
      },
    ),
    row(
      "LIN-04",
      "Determinants of products and inverses",
      String.raw`\det(AB) = \det A\,\det B,\qquad \det A^{-1} = \frac{1}{\det A},\qquad \det R = 1 \text{ for rotations } R`,
      String.raw`The determinant is the factor by which a map scales volumes, so factors multiply along a composition. The small matrices are those of the ONNX tests \`det_2d\` and \`det_nd\`, whose determinants are integers.`.replaceAll(
        "\\`",
        "`",
      ),
      (t) => {
        const [a, b] = [gaussian(1, 6, 6), gaussian(2, 6, 6)];
        t.close(det(a.matmul(b)), det(a).mul(det(b)), 1e-11, String.raw`$\det AB$ against $\det A\det B$`);
        t.close(det(inv(a)).mul(det(a)), 1, 1e-13, String.raw`$\det A^{-1}\cdot\det A$`);
        const [c, s] = [Math.cos(0.7), Math.sin(0.7)];
        t.close(
          det(
            f64([
              [c, -s],
              [s, c],
            ]),
          ),
          1,
          1e-15,
          "a rotation",
        );
        t.close(
          det(
            f64([
              [0, 1],
              [2, 3],
            ]),
          ),
          -2,
          1e-15,
          "*det_2d*",
        );
        const three = f64([
          [
            [1, 2],
            [3, 4],
          ],
          [
            [1, 2],
            [2, 1],
          ],
          [
            [1, 3],
            [3, 1],
          ],
        ]);
        t.close(det(three), [-2, -3, -8], 2e-15, "*det_nd*");
      },
    ),
    row(
      "LIN-05",
      "Eigenvalue and singular value decomposition, with derivatives",
      String.raw`A = U\Sigma V^\top,\qquad S = Q\Lambda Q^\top,\qquad \frac{\partial \sigma_i}{\partial A} = u_i v_i^\top`,
      String.raw`Each decomposition multiplies back to its matrix up to rounding, also for matrices without symmetry, whose eigenvectors are complex: $AV = V\Lambda$ in real and imaginary parts. The derivatives agree with finite differences, and that of a singular value with its closed form.`,
      (t) => {
        const a = gaussian(1, 6, 4);
        const { u, s, vh } = svd(a);
        const relative = (x: Tensor, y: Tensor): Tensor => matrixNorm(x.sub(y)).div(matrixNorm(y));
        t.close(relative(u.mul(s).matmul(vh), a), 0, 1e-14, String.raw`$\|U\Sigma V^\top-A\|/\|A\|$`);
        const symmetric = gaussian(2, 5, 5).add(gaussian(2, 5, 5).T);
        const { values, vectors } = eigh(symmetric);
        t.close(
          relative(vectors.mul(values).matmul(vectors.T), symmetric),
          0,
          1e-14,
          String.raw`$\|Q\Lambda Q^\top-S\|/\|S\|$`,
        );

        const general = gaussian(3, 5, 5);
        const { values: w, vectors: v } = eig(general);
        const re = general.matmul(v.re).sub(v.re.mul(w.re).sub(v.im.mul(w.im)));
        const im = general.matmul(v.im).sub(v.re.mul(w.im).add(v.im.mul(w.re)));
        t.close(matrixNorm(stack([re, im])), 0, 1e-13, String.raw`$\|AV-V\Lambda\|$, general matrix`);

        const values3 = gradcheck((x: Tensor) => svd(x), gaussian(4, 4, 3), { relativeTolerance: 1e-6 });
        t.equal(values3.passed, true, "derivatives of $U,\\Sigma,V$ against differences, $10^{-6}$");
        const eigen = gradcheck((x: Tensor) => eigh(x), symmetric, { relativeTolerance: 1e-6 });
        t.equal(eigen.passed, true, "derivatives of $Q,\\Lambda$ against differences, $10^{-6}$");
        t.show("numbers compared with differences", values3.compared + eigen.compared);
      },
    ),
    row(
      "LIN-06",
      "The best approximation of low rank (Eckart, Young, Mirsky)",
      String.raw`\min_{\operatorname{rank} B \le r}\|X-B\|_F^2 = \|X-X_r\|_F^2 = \sum_{i>r}\sigma_i^2`,
      String.raw`Cutting off the singular value decomposition after $r$ terms leaves exactly the energy of the other singular values. Ten thousand random matrices of the same rank, each the best in its own random column space, never do better.`,
      (t) => {
        const x = gaussian(1, 8, 6);
        const { u, s, vh } = svd(x);
        const energy = numbers(s.square());
        const tail = range(7).map((r) => energy.slice(r).reduce((a, b) => a + b, 0));
        const errors = range(7).map((r) => {
          const kept = u
            .at(":", `:${r}`)
            .mul(s.at(`:${r}`))
            .matmul(vh.at(`:${r}`));
          return x.sub(kept).square().sum().itemSync();
        });
        t.close(errors, tail, 1e-13, String.raw`$\|X-X_r\|_F^2$ for every $r$`);

        const basis = qr(gaussian(2, 10000, 8, 3)).q; // [10000, 8, 3]
        const projected = basis.matmul(basis.T.matmul(x));
        const rivals = x.sub(projected).square().sum([1, 2]);
        t.greater(rivals, errors[3], "the error of each rival, above that of $X_3$");
        t.show("best of 10,000 rivals", rivals.min().itemSync());
        t.plot(
          lines(
            [
              { name: "squared error", x: range(7), y: errors },
              {
                name: "best random rival of rank 3",
                x: [0, 6],
                y: [1, 1].map(() => rivals.min().itemSync()),
                dashed: true,
              },
            ],
            { title: "Error of the truncation", x: { label: "rank r" }, y: { label: "‖X - Xᵣ‖²" }, height: 280 },
          ),
          "What is left falls by one squared singular value with every rank.",
        );
      },
    ),
    row(
      "LIN-07",
      "Cheap inverses and determinants from QR",
      String.raw`A = QR \;\Rightarrow\; A^{-1}b = R^{-1}Q^\top b,\qquad \log|\det A| = \sum_i \log|r_{ii}|`,
      String.raw`Once $A=QR$ is known, a solution costs one product and one triangular solve, $O(n^2)$, and the determinant only its diagonal, $O(n)$. Invertible layers of flows are parametrised that way.`,
      (t) => {
        const [a, b] = [gaussian(1, 20, 20), gaussian(2, 20)];
        const { q, r } = qr(a);
        t.close(solveTriangular(r, q.T.matmul(b), { upper: true }), solve(a, b), 1e-12, "solution by QR against LU");
        t.close(diag(r).abs().log().sum(), slogdet(a).logAbs, 1e-12, String.raw`$\log|\det A|$ by QR against LU`);
      },
    ),
    row(
      "LIN-08",
      "Groups",
      String.raw`a(bc)=(ab)c,\quad ea = ae = a,\quad aa^{-1} = a^{-1}a = e`,
      String.raw`A finite group is its table, and the axioms can be checked by trying all elements. The rotations of a square ($C_4$), its rotations and reflections ($D_4$) and the permutations of three things ($S_3$) are groups; the integers under subtraction, here modulo 5, are not.`,
      (t) => {
        const groups = {
          C4: [[1, 2, 3, 0]],
          D4: [
            [1, 2, 3, 0],
            [0, 3, 2, 1],
          ],
          S3: [
            [1, 0, 2],
            [1, 2, 0],
          ],
        };
        const tables = Object.values(groups).map(generated);
        t.equal(
          tables.map((table) => table.length),
          [4, 8, 6],
          "orders of $C_4$, $D_4$, $S_3$",
        );
        const facts = tables.map(axioms);
        for (const axiom of ["closed", "associative", "identity", "inverses"] as const)
          t.equal(
            facts.map((fact) => fact[axiom]),
            [true, true, true],
            axiom,
          );
        t.equal(
          facts.map((fact) => fact.commutative),
          [true, false, false],
          "commutative",
        );

        const minus = axioms(range(5).map((a) => range(5).map((b) => (a - b + 5) % 5)));
        t.equal(
          [minus.closed, minus.associative, minus.identity],
          [true, false, false],
          "subtraction: closed, associative, identity",
        );
      },
    ),
    row(
      "LIN-09",
      "Linear and affine maps compose to one",
      String.raw`W_3(W_2(W_1x+b_1)+b_2)+b_3 = Wx+b,\qquad \operatorname{rank}(W_3W_2W_1) \le \min_l \operatorname{rank} W_l`,
      String.raw`Depth without nonlinearity adds nothing: three affine layers are one, and the narrowest of them bounds the rank of the whole.`,
      (t) => {
        const [w1, w2, w3] = [gaussian(1, 3, 8), gaussian(2, 7, 3), gaussian(3, 5, 7)];
        const [b1, b2, b3] = [gaussian(4, 3), gaussian(5, 7), gaussian(6, 5)];
        const x = gaussian(7, 8);
        const layers = w3.matmul(w2.matmul(w1.matmul(x).add(b1)).add(b2)).add(b3);
        const w = w3.matmul(w2).matmul(w1);
        const b = w3.matmul(w2.matmul(b1).add(b2)).add(b3);
        t.close(w.matmul(x).add(b), layers, 1e-13, "one affine map against three layers");
        t.equal(matrixRank(w), 3, "rank of the product, through a layer of width 3");
        t.atMost(matrixRank(w), stack([w1, w2, w3].map((one) => matrixRank(one))), "it is at most every factor's");
      },
    ),
  ],
);
