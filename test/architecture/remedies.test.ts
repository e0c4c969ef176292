/** Errors end with what to do. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const src = join(dirname(fileURLToPath(import.meta.url)), "../../../src");

/** The string or template that begins at `start`, with `…` for what is computed. */
function literalAt(text: string, start: number): string {
  const quote = text[start];
  let found = "";
  for (let i = start + 1; i < text.length && text[i] !== quote; i++) {
    if (text[i] === "\\") i++;
    else if (quote === "`" && text.startsWith("${", i)) {
      i += 2;
      for (let depth = 1; i < text.length; i++) {
        if (text[i] === "{") depth++;
        if (text[i] === "}" && --depth === 0) break;
      }
      found += "…";
      continue;
    }
    found += text[i];
  }
  return found;
}

const kinds = "ShapeError|DTypeError|ArgumentError|DeviceError|TraceError|DonatedError|FormatError|FileError";

/** Messages of a file that have no second sentence, and do not end with what is made elsewhere. */
const withoutRemedy = (text: string): string[] =>
  [...text.matchAll(new RegExp(`new (?:${kinds})\\(\\s*(?=["'\`])`, "g"))]
    .map(({ index, 0: head }) => literalAt(text, index + head.length))
    .filter((message) => !/[.?] \S/.test(message) && !message.endsWith("…"));

test("the message of every error ends with what to do", () => {
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".ts"));
  assert.ok(files.length > 300, `${files.length} files`);
  const wrong = files.flatMap((f) => withoutRemedy(readFileSync(join(src, f), "utf8")).map((text) => `${f}: ${text}`));
  assert.deepEqual(wrong, []);
});

test("a message without a remedy is found", () => {
  assert.deepEqual(withoutRemedy("throw new ShapeError(`f: x must be ${a ? { b } : c}, got ${y.shape}.5 now`);"), [
    "f: x must be …, got ….5 now",
  ]);
  assert.deepEqual(withoutRemedy("new FileError(`f: ${path} must be a file, got none. name another`)"), []);
});
