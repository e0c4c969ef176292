/**
 * Code blocks of the documents run. Every `ts` block is type-checked and executed as a module of its own; what it prints
 * must be what its `// prints …` comments say.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = join(root, "build/blocks");
const run = promisify(execFile);
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
const documents = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"];

const blocksOf = (document: string, language: string): string[] =>
  [...readFileSync(join(root, document), "utf8").matchAll(/^```(\w+)\n([^]*?)^```$/gm)]
    .filter((m) => m[1] === language)
    .map((m) => m[2]);

const programs = documents.flatMap((document) =>
  blocksOf(document, "ts").map((source, i) => ({ name: `${document.replace(".md", "")}-${i + 1}`, source })),
);

describe("blocks", () => {
  before(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const { name, source } of programs) writeFileSync(join(folder, `${name}.ts`), `${source}export {};\n`);
    const compilerOptions = { composite: false, noUnusedLocals: false, rootDir: ".", outDir: "out" };
    const config = { extends: "../../tsconfig.base.json", compilerOptions, include: ["*.ts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    await run(process.execPath, [tsc, "-p", folder]).catch((e: { stdout: string }) => assert.fail(e.stdout));
  });

  for (const { name, source } of programs)
    test(`${name} prints what it says`, async () => {
      const { stdout } = await run(process.execPath, [join(folder, "out", `${name}.js`)], { timeout: 120_000 });
      const said = [...source.matchAll(/\/\/ prints (.*)$/gm)].map((m) => m[1]);
      assert.equal(stdout.trimEnd(), said.join("\n"));
    });
});

test("README starts with the main job and the tests", () => {
  const blocks = blocksOf("README.md", "sh");
  assert.equal(blocks.length, 2);
  assert.match(blocks[0], /typegrad train lenet5/);
  assert.match(blocks[1], /^npm test$/m);
  const start = readFileSync(join(root, "README.md"), "utf8")
    .split("\n## ")
    .find((part) => part.startsWith("Start"));
  assert.equal(start?.match(/^```sh$/gm)?.length, 2, "both stand under ## Start");
});

test("README names every part of the package", () => {
  const { exports }: { exports: Record<string, unknown> } = createRequire(import.meta.url)(join(root, "package.json"));
  const named = /\n## What there is\n([^]*?)\n## /.exec(readFileSync(join(root, "README.md"), "utf8"))?.[1] ?? "";
  const firstCells = [...named.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell]) => cell.match(/[\w/-]+/g) ?? []);
  const parts = Object.keys(exports).filter((name) => name !== "." && !name.endsWith(".json"));
  assert.deepEqual(
    firstCells.filter((name) => name !== "typegrad/").toSorted(),
    parts.map((name) => name.slice(2)).toSorted(),
  );
});

test("documents link to files that exist", () => {
  for (const document of documents)
    for (const [, target] of readFileSync(join(root, document), "utf8").matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g))
      assert.ok(existsSync(join(root, target)), `${document}: ${target}`);
});
