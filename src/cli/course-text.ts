/** How the results of rows read. */
import type { Check, RowResult } from "../course/index.js";

/** Ten digits of a number, fewer where they end. */
const digits = (x: number): string => {
  if (!Number.isFinite(x) || x === 0) return `${x}`;
  const size = Math.abs(x);
  return size < 1e-5 || size >= 1e10 ? x.toExponential(4).replace(/\.?0+e/, "e") : `${Number(x.toPrecision(10))}`;
};
const bounds = { close: "", less: "< ", atMost: "≤ ", greater: "> ", atLeast: "≥ " } as const;

const text = (x: number, logical: boolean): string => (logical && (x === 0 || x === 1) ? `${x === 1}` : digits(x));

/** The expected side of a comparison as people read it: `0.5`, `< 3`. */
export const expectedText = ({ relation, expected, logical }: Check): string =>
  bounds[relation] + text(expected, logical);
/** The measured side. */
export const measuredText = ({ measured, logical }: Check): string => text(measured, logical);
/** Both sides in full where a list is short enough to read: `7, 11, 16`. */
export function sidesText(check: Check): readonly [measured: string, expected: string] {
  const { pairs, logical, relation } = check;
  if (pairs.length < 2) return [measuredText(check), expectedText(check)];
  const figures = pairs.length > 3 ? 5 : 7;
  const side = (k: 0 | 1): string =>
    pairs.map((pair) => text(Number(pair[k].toPrecision(figures)), logical)).join(", ");
  const bound = new Set(pairs.map(([, expected]) => expected)).size === 1;
  return [side(0), bound ? expectedText(check) : bounds[relation] + side(1)];
}
/** `± 1e-12`; empty where none is allowed. */
export function toleranceText({ tolerance }: Check): string {
  const short = Number(tolerance.toPrecision(2));
  return tolerance > 0 ? `± ${tolerance < 1e-3 ? short.toExponential() : short}` : "";
}

/** The names of the columns of `resultLine`. */
export const headLine = [
  "row   ",
  "title".padEnd(40),
  "measured".padStart(15),
  "expected".padStart(17),
  "tolerance".padStart(10),
  "verdict",
  "time".padStart(6),
].join("  ");

/** A line of the table: the row, its first or failing comparison, the verdict and the time. */
export function resultLine({ row, main, pass, seconds, reason }: RowResult): string {
  const title = row.title.length > 40 ? `${row.title.slice(0, 39)}…` : row.title;
  const cells = [
    row.id,
    title.padEnd(40),
    (main ? measuredText(main) : "").padStart(15),
    (main ? expectedText(main) : "").padStart(17),
    (main ? toleranceText(main) : "").padStart(10),
    (pass ? "pass" : "FAIL").padEnd(7),
    `${seconds.toFixed(2)} s`.padStart(6),
  ];
  return cells.join("  ") + (reason ? `\n        ${reason}` : "");
}
