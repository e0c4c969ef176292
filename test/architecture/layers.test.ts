/** The layer direction, read from the imports in `src/` and enforced; what may stand where is data at the top. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

/** Lowest first. A file imports from its own folder and from earlier lines; `index` is `src/index.ts`, the public API. */
const layers: readonly (readonly string[])[] = [
  ["util"],
  ["ir"],
  ["primitive"],
  ["transform", "compile"],
  ["backend"],
  ["tensor"],
  ["tree"],
  ["api"],
  ["random", "linalg", "fft", "special", "io", "plot"],
  ["index"],
  ["nn", "optim", "distributions"],
  ["data"],
  ["train"],
  ["models", "theory", "course"],
  ["cli"],
];
const core = ["util", "ir", "primitive", "transform", "compile", "backend", "tensor"];
/** Devices that are loaded when somebody asks for them; they are not what everybody has to read. */
const onDemand = ["backend/native/", "backend/reference/"];
/** From here upwards only the public API of lower layers is imported. */
const firstUser = layers.findIndex((names) => names.includes("nn"));

/**
 * Modules below `cli` that use what Node has, and for what. They ask for it at run time, where there is any, so that
 * bundles for browsers see no import.
 */
const asksNode: Readonly<Record<string, string>> = {
  "backend/arena/environment.ts": "how many cores there are, the environment, modules at once, and collecting garbage",
  "backend/arena/spawn.ts": "threads",
  "backend/arena/worker.ts": "threads",
  "backend/native/builder.ts": "compilers in the background",
  "backend/native/cache.ts": "a folder for compiled kernels",
  "backend/native/library.ts": "koffi, where it is installed",
  "backend/native/toolchain.ts": "the C compiler",
  "backend/wasm/features.ts": "switching on relaxed SIMD in Node 20",
  "io/files.ts": "files",
  "plot/raster.ts": "drawing SVG as PNG, where the package for it is installed",
};

/** Packages a folder may import. The core imports none. */
const packages: Readonly<Record<string, readonly string[]>> = {
  linalg: ["ml-matrix"],
  data: ["d3-dsv", "jpeg-js"],
  plot: ["@dagrejs/dagre", "@observablehq/plot", "linkedom", "fast-png"],
  cli: ["commander", "cli-progress", "katex"],
};

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".ts"));
const source = new Map(files.map((f) => [f, readFileSync(join(root, "src", f), "utf8")]));
const lineCount = (file: string): number => (source.get(file) ?? "").trimEnd().split("\n").length;
const folderOf = (file: string): string => (file.includes("/") ? file.slice(0, file.indexOf("/")) : "index");
const levelOf = (file: string): number => layers.findIndex((names) => names.includes(folderOf(file)));

/** Code without comments, so that prose is never read as an import. */
const bare = (text: string): string => text.replace(/\/\*[^]*?\*\/|(^|\s)\/\/[^\n]*/g, "$1");

interface Import {
  readonly from: string;
  readonly to: string;
  readonly kind: "value" | "type" | "dynamic";
}

function importsOf(from: string): Import[] {
  const pattern = /\b(import|export)\b(\s+type\b)?(?:[\s\w{},*$]*?\bfrom)?\s*(\(?)\s*"([^"]+)"/g;
  return [...bare(source.get(from) ?? "").matchAll(pattern)].map(([, , type, call, name]) => ({
    from,
    to: name.startsWith(".") ? normalize(join(dirname(from), name)).replace(/\.js$/, ".ts") : name,
    kind: type ? "type" : call ? "dynamic" : "value",
  }));
}
const imports = files.flatMap(importsOf);
const inside = imports.filter((x) => source.has(x.to));
const outside = imports.filter((x) => !source.has(x.to));
const show = (list: readonly Import[]): string[] => list.map((x) => `${x.from} imports ${x.to}`);

test("every folder of src has a layer", () => {
  assert.ok(inside.length >= files.length / 2, "imports are read");
  assert.deepEqual(
    files.filter((f) => levelOf(f) < 0),
    [],
  );
});

test("files import from their own folder and from lower layers", () => {
  const wrong = inside.filter((x) => folderOf(x.from) !== folderOf(x.to) && levelOf(x.to) >= levelOf(x.from));
  assert.deepEqual(show(wrong), []);
});

test("from nn upwards only what the package exports is imported", () => {
  const { exports }: { exports: Record<string, string | { default: string }> } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  const entries = Object.values(exports).map((x) => (typeof x === "string" ? x : x.default));
  const isPublic = (f: string): boolean => entries.includes(`./dist/${f.replace(/\.ts$/, ".js")}`);
  const above = inside.filter((x) => levelOf(x.from) >= firstUser && folderOf(x.from) !== folderOf(x.to));
  assert.deepEqual(show(above.filter((x) => !isPublic(x.to))), []);
});

test("no import cycles", () => {
  const next = new Map(
    files.map((f) => [f, inside.filter((x) => x.from === f && x.kind === "value").map((x) => x.to)]),
  );
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), `cycle: ${[...path.slice(path.indexOf(file)), file].join(" > ")}`);
    if (done.has(file)) return;
    for (const x of next.get(file) ?? []) visit(x, [...path, file]);
    done.add(file);
  };
  for (const f of files) visit(f, []);
});

test("only cli imports from Node; below it, declared modules ask for what they need", () => {
  const wrong = outside.filter((x) => x.to.startsWith("node:") && x.kind !== "type" && folderOf(x.from) !== "cli");
  assert.deepEqual(show(wrong), []);
  const asking = files.filter((f) => folderOf(f) !== "cli" && source.get(f)?.includes("getBuiltinModule"));
  assert.deepEqual(asking.toSorted(), Object.keys(asksNode).toSorted());
});

test("packages are imported where that is declared, and missing files nowhere", () => {
  const other = outside.filter((x) => !x.to.startsWith("node:"));
  assert.deepEqual(show(other.filter((x) => !packages[folderOf(x.from)]?.includes(x.to))), []);
});

test("files have at most 700 lines, the core 17,000, and 19,000 with the devices loaded on demand", () => {
  assert.deepEqual(
    files.filter((f) => lineCount(f) > 700),
    [],
  );
  const inCore = files.filter((f) => core.includes(folderOf(f)));
  const lines = (list: readonly string[]): number => list.reduce((sum, f) => sum + lineCount(f), 0);
  const always = lines(inCore.filter((f) => !onDemand.some((d) => f.startsWith(d))));
  assert.ok(always <= 17_000, `the core has ${always} lines`);
  assert.ok(lines(inCore) <= 19_000, `with all devices the core has ${lines(inCore)} lines`);
});

test("a primitive is known to one file", () => {
  const below = layers.slice(1, 5).flat();
  const mentions = files.filter((f) => below.includes(folderOf(f)) && /\berf/.test(source.get(f) ?? ""));
  assert.equal(
    mentions.filter((f) => f !== "primitive/index.ts").length,
    1,
    `erf is mentioned in ${mentions.join(", ")}`,
  );
});

test("the type checker is never silenced", () => {
  const silencers = /\bas unknown as\b|@ts-(?:ignore|nocheck|expect-error)|[:<|]\s*any\b(?!\s*\()|\bas any\b|\bany\[\]/;
  assert.deepEqual(
    files.filter((f) => silencers.test(bare(source.get(f) ?? "")) || /@ts-|lint-disable/.test(source.get(f) ?? "")),
    [],
  );
});
