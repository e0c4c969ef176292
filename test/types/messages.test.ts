/** What the editor says about shapes that do not fit, and what the types cost the compiler. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const compiler = fileURLToPath(new URL("bin/tsc", import.meta.resolve("typescript/package.json")));

/** What `tsc` prints about a program that uses the package as a user would. */
async function check(source: string, ...flags: string[]): Promise<string> {
  const folder = await mkdtemp(join(root, "build", "probe-"));
  try {
    await writeFile(join(folder, "probe.ts"), source);
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: "es2022",
      lib: ["es2023", "esnext.disposable", "dom"],
      module: "nodenext",
      types: [],
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["probe.ts"] }));
    const run = promisify(execFile)(process.execPath, [compiler, "-p", folder, "--pretty", "false", ...flags]);
    const { stdout } = await run.catch((failed: { stdout: string }) => failed);
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const imports = `import { grad, Module, ones, Tensor, tensor, zeros } from "typegrad";\n`;

test("a mismatch reads like the error at run time", async () => {
  const cases: readonly (readonly [code: string, message: RegExp])[] = [
    ["zeros([64, 784]).matmul(zeros([100, 10]));", /matmul: inner dimensions 784 and 100 differ/],
    ["zeros([784]).matmul(zeros([100]));", /matmul: inner dimensions 784 and 100 differ/],
    ["zeros([2, 3, 4]).matmul(zeros([5, 4, 6]));", /broadcast: dimensions 2 and 5 differ/],
    ["zeros([]).matmul(zeros([5, 4]));", /matmul: operands must have at least one axis/],
    ["zeros([64, 784]).add(zeros([10]));", /broadcast: dimensions 784 and 10 differ/],
    ["zeros([3]).maximum(tensor([1, 2]));", /broadcast: dimensions 3 and 2 differ/],
    ["zeros([2, 3]).sub(tensor([[1, 2], [3, 4]]));", /broadcast: dimensions 3 and 2 differ/],
    ["const x: Tensor<readonly [3]> = ones([4]); x;", /'4' is not assignable to type '3'/],
    ["grad((x: Tensor) => 5)(ones([2]));", /number.* is not assignable to type 'Tensor/],
    ['ones([2], { dtype: "float16" });', /"float16"' is not assignable to type 'DType/],
  ];
  const output = await check(imports + cases.map(([code]) => code).join("\n"));
  const lines = output.split(/\n(?=probe|.*probe\.ts\()/);
  cases.forEach(([code, message], i) => {
    const place = `probe.ts(${i + 2},`;
    const own = lines.filter((line) => line.includes(place)).join("\n");
    assert.match(own, message, `${code} says:\n${own || output}`);
  });
  assert.equal(new Set(output.match(/probe\.ts\(\d+/g)).size, cases.length);
});

test("what fits compiles without a word", async () => {
  const output = await check(`${imports}
class Net extends Module {
  w1 = zeros([784, 128]);
  w2 = zeros([128, 10]);
  forward(x: Tensor<readonly [number, 784]>): Tensor<readonly [number, 10]> {
    return x.matmul(this.w1).relu().matmul(this.w2);
  }
}
const gradients: Net = grad((m: Net, x: Tensor<readonly [64, 784]>) => m.forward(x).sum())(new Net(), zeros([64, 784]));
const shape: readonly [784, 128] = gradients.w1.shape;
const loose: Tensor = zeros([2, 3]);
loose.add(zeros([7])).matmul(loose).sum(0).transpose().expandDims(1);
export { shape };
`);
  assert.equal(output, "");
});

/** How many types the compiler makes of a program. */
async function instantiations(body: string): Promise<number> {
  const output = await check(imports + body, "--extendedDiagnostics");
  const found = /Instantiations:\s+(\d+)/.exec(output);
  assert.ok(found, output);
  return Number(found[1]);
}

test("types stay within a budget of instantiations", async () => {
  const line = (i: number): string => `
const a${i} = zeros([${i + 2}, 8, 784]).matmul(zeros([784, 128])).add(zeros([128])).relu();
const b${i} = a${i}.sum(-1, { keepDims: true }).mul(a${i}).transpose([2, 0, 1]).reshape([128, -1]).mean([0]);
b${i};`;
  const [empty, ten, thirty] = await Promise.all(
    [0, 10, 30].map((n) => instantiations(Array.from({ length: n }, (_, i) => line(i)).join(""))),
  );
  const each = (thirty - ten) / 20;
  console.log(`types: ${empty} instantiations for the package, ${each} for each chain of ten operations`);
  assert.ok(empty < 60_000, `importing the package takes ${empty} instantiations`);
  assert.ok(each < 1_500, `a chain of ten operations takes ${each} instantiations`);
});
