import { type FormatError, messageOf } from "../util/errors.js";

/** A JSON value as it was parsed. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export const isJsonObject = (x: Json): x is { readonly [key: string]: Json } =>
  typeof x === "object" && x !== null && !Array.isArray(x);

type Fail = (must: string, options?: ErrorOptions) => FormatError;

/**
 * Parses JSON and refuses what `JSON.parse` lets pass: two equal keys in one object (the first would silently vanish),
 * the key `__proto__`, and halves of surrogate pairs.
 *
 * @throws what `fail` makes of the end of a sentence that says what must hold.
 */
export function parseStrictJson(text: string, fail: Fail): Json {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fail(`must be JSON, got ${messageOf(error)}`, {
      cause: error,
    });
  }
  checkKeys(text, fail);
  return value;
}

/** Walks the strings, brackets and colons of valid JSON. */
function checkKeys(text: string, fail: Fail): void {
  const open: Set<string>[] = [];
  for (const [token, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"\s*(:?)|[[\]{}]/g)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else {
      const string: string = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1));
      if (/\p{Surrogate}/u.test(string))
        throw fail(`must be Unicode text, got half of a surrogate pair in ${JSON.stringify(string)}`);
      if (!colon) continue;
      if (string === "__proto__") throw fail('must not have the key "__proto__"');
      const keys = open[open.length - 1];
      if (keys.has(string)) throw fail(`must have every key once, got two of ${JSON.stringify(string)}`);
      keys.add(string);
    }
  }
}
