/** What the public entry points export has a docstring, which editors show. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");

/** Names that a file exports, with the file that declares each and its name there. Modules as names count as what is in them. */
function exportsOf(file: string): { readonly name: string; readonly file: string }[] {
  const text = read(file).replaceAll(/\/\*[^]*?\*\//g, "");
  const from = (path: string): string => normalize(join(dirname(file), path)).replace(/\.js$/, ".ts");
  const all = [...text.matchAll(/^export (?:type )?\*(?: as \w+)? from "(\.[^"]+)"/gm)];
  const some = [...text.matchAll(/^export (?:type )?\{([^}]*)\} from "(\.[^"]+)"/gm)];
  const own = [
    ...text.matchAll(
      /^export (?:declare )?(?:abstract |async )*(?:class|const|function\*?|interface|type) (?!\{)(\[[^\]]*\]|\w+)/gm,
    ),
  ];
  return [
    ...all.flatMap(([, path]) => exportsOf(from(path))),
    ...some.flatMap(([, names, path]) => {
      const wanted = names.split(",").flatMap(
        (n) =>
          n
            .trim()
            .replace(/^type /, "")
            .split(" as ")[0]
            .trim() || [],
      );
      return exportsOf(from(path)).filter(({ name }) => wanted.includes(name));
    }),
    ...own.flatMap(([, names]) => (names.match(/\w+/g) ?? []).map((name) => ({ name, file }))),
  ];
}

/** Whether a comment stands above the declaration, or the first of several. */
const isDescribed = (name: string, text: string): boolean =>
  new RegExp(
    String.raw`\*/\nexport (?:declare )?(?:abstract |async )*(?:class|const|function\*?|interface|type) (?:\[[^\]]*)?\b${name}\b`,
  ).test(text);

const { exports }: { exports: Readonly<Record<string, { readonly types?: string }>> } = JSON.parse(
  read("package.json"),
);
for (const [entry, { types }] of Object.entries(exports)) {
  if (!types) continue;
  test(`what ${entry} exports has a docstring`, () => {
    const names = exportsOf(types.replace(/^\.\/dist/, "src").replace(/\.d\.ts$/, ".ts"));
    assert.ok(names.length > 0);
    // Options speak for themselves, field by field.
    const bare = names.filter(({ name, file }) => !name.endsWith("Options") && !isDescribed(name, read(file)));
    assert.deepEqual(
      bare.map(({ name, file }) => `${name} in ${file}`),
      [],
    );
  });
}
