/** Values of flags, checked as they are read, and the error of a person who typed something that cannot be. */
import { Option } from "commander";

/** The command line asks for something that cannot be; ends the program with code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** How many letters must be inserted, removed or replaced to come from `a` to `b` (Levenshtein). */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row.push(Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    above = row;
  }
  return above[b.length];
}

/** ` did you mean "lenet5"?`, when one of the names is close enough to be meant. */
export function didYouMean(got: string, names: readonly string[]): string {
  const near = names
    .map((name) => ({ name, far: distance(got.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, far }) => far <= Math.ceil(name.length / 3))
    .sort((a, b) => a.far - b.far);
  return near.length > 0 ? ` did you mean "${near[0].name}"?` : "";
}

/** One of `names`, or an error that lists them. */
export function oneOf<N extends string>(what: string, names: readonly N[], got: string): N {
  const found = names.find((name) => name === got);
  if (found !== undefined) return found;
  throw new UsageError(
    `${what} must be ${names.map((n) => `"${n}"`).join(" or ")}, got "${got}".${didYouMean(got, names)}`,
  );
}

/** A flag whose value is a whole number from `low` to `high`. */
export function wholeNumber(flags: string, about: string, low: number, high: number): Option {
  const option = new Option(flags, about);
  return option.argParser((text) => {
    const value = /^\s*\d+\s*$/.test(text) ? Number(text) : NaN;
    if (value >= low && value <= high) return value;
    throw new UsageError(`${option.long} must be a whole number from ${low} to ${high}, got "${text}"`);
  });
}

/** A flag whose value is a number above 0 and at most `high`. */
export function positiveNumber(flags: string, about: string, high: number): Option {
  const option = new Option(flags, about);
  return option.argParser((text) => {
    const value = text.trim() === "" ? NaN : Number(text);
    if (value > 0 && value <= high) return value;
    throw new UsageError(`${option.long} must be a number above 0 and at most ${high}, got "${text}"`);
  });
}

/** A flag whose value is a part of a whole: above 0, below 1. */
export function shareBelowOne(flags: string, about: string): Option {
  const option = new Option(flags, about);
  return option.argParser((text) => {
    const value = text.trim() === "" ? NaN : Number(text);
    if (value > 0 && value < 1) return value;
    throw new UsageError(`${option.long} must be a number above 0 and below 1, got "${text}"`);
  });
}

/** A flag whose value is the name of a folder to make: no path, nothing hidden. */
export function folderName(flags: string, about: string): Option {
  const option = new Option(flags, about);
  return option.argParser((text) => {
    if (/^[\p{L}\p{N}_][\p{L}\p{N}_.+-]{0,99}$/u.test(text)) return text;
    throw new UsageError(
      `${option.long} must be up to 100 letters, digits and any of . _ + - that do not begin with a sign, got "${text}". for a place elsewhere use --out`,
    );
  });
}
