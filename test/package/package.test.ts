/** The package as a user gets it: packed, installed, type-checked against its declarations, run, and bundled. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "vite";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const run = promisify(execFile);
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
let folder = "";
let tarball = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "typegrad-package-"));
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    cwd: root,
  });
  const [{ filename }]: { filename: string }[] = JSON.parse(stdout);
  tarball = join(folder, filename);
});
after(() => rm(folder, { recursive: true, force: true }));

/** An empty project with the package installed, the program in it, and the compiler options its kind of user has. */
async function project(name: string, compilerOptions: object): Promise<string> {
  const at = join(folder, name);
  await mkdir(at);
  await writeFile(join(at, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  const options = { strict: true, skipLibCheck: false, types: [], ...compilerOptions };
  await writeFile(join(at, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["*.ts"] }));
  await copyFile(join(root, "test/package/program.ts"), join(at, "main.ts"));
  // Every subpath's declarations must stand alone, without the types of what they are built with.
  const { exports }: { exports: Record<string, unknown> } = JSON.parse(
    await readFile(join(root, "package.json"), "utf8"),
  );
  const subpaths = Object.keys(exports).filter((path) => !path.endsWith(".json"));
  const imports = subpaths.map((path) => `export type * as x from "typegrad${path.slice(1)}";`);
  await Promise.all(imports.map((line, i) => writeFile(join(at, `all${i}.ts`), line)));
  await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", tarball], { cwd: at });
  await run(process.execPath, [tsc, "-p", at]).catch((e: { stdout: string }) => assert.fail(e.stdout));
  return at;
}

test("the tarball holds what is built, and no sources, tests or stale build files", async () => {
  const { stdout } = await run("tar", ["-tzf", tarball]);
  const entries = stdout.trim().split("\n");
  assert.ok(entries.includes("package/dist/index.js") && entries.includes("package/dist/index.d.ts"));
  const strays = entries.filter((f) => !/^package\/(dist\/|package\.json|README\.md|LICENSE|CHANGELOG\.md)/.test(f));
  assert.deepEqual(strays, []);
  assert.deepEqual(
    entries.filter((f) => f.includes("tsbuildinfo")),
    [],
  );
});

test("the command runs from a clone that was built", async () => {
  const { stdout } = await run("npx", ["--no-install", "typegrad", "--help"], { cwd: root });
  assert.match(stdout, /\btrain\b[^]*\bpredict\b/);
});

test("a Node project type-checks, runs, and exits by itself", async () => {
  const at = await project("for-node", {
    target: "es2022",
    lib: ["es2022"],
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
    module: "nodenext",
    outDir: "out",
  });
  const { stdout } = await run(process.execPath, [join(at, "out/main.js")], { timeout: 60_000 });
  assert.ok(Number(/^loss (\S+)$/m.exec(stdout)?.[1]) < 0.01, stdout);
});

test("a Vite project type-checks and bundles with no Node import", async () => {
  const at = await project("for-vite", {
    target: "es2022",
    lib: ["es2022", "dom"],
    module: "esnext",
    moduleResolution: "bundler",
    noEmit: true,
  });
  await writeFile(join(at, "index.html"), `<!doctype html><script type="module" src="/main.ts"></script>`);
  await build({ root: at, configFile: false, logLevel: "error" });
  const assets = join(at, "dist/assets");
  const chunks = await readdir(assets);
  assert.ok(chunks.length > 0);
  for (const chunk of chunks)
    assert.doesNotMatch(
      await readFile(join(assets, chunk), "utf8"),
      /(?:from|import\(?)\s*["'`]node:|vite-browser-external/,
    );
});
