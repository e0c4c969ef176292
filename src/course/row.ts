/** Rows and chapters: the course as data. */
import { ArgumentError } from "../index.js";
import type { Trial } from "./trial.js";

/** One statement of the course and the check that proves it. */
export interface Row {
  /** Chapter and number, as `LIN-03`. */
  readonly id: string;
  readonly title: string;
  /** The statement as a KaTeX display formula. */
  readonly statement: string;
  /** What the row computes and what to look at; prose with `$formulas$`, paragraphs parted by empty lines. */
  readonly look: string;
  /** Whether it takes long, and runs only when asked for by name or with `--full`. */
  readonly slow: boolean;
  readonly check: (t: Trial) => void | Promise<void>;
}

/** Rows that belong together. */
export interface Chapter {
  /** Three capitals. */
  readonly id: string;
  readonly title: string;
  /** What the chapter is about, as `look` of a row. */
  readonly about: string;
  readonly rows: readonly Row[];
}

/** A row that takes at most a few seconds. */
export const row = (id: string, title: string, statement: string, look: string, check: Row["check"]): Row => ({
  id,
  title,
  statement,
  look,
  slow: false,
  check,
});

/** A row that takes long. */
export const slowRow = (id: string, title: string, statement: string, look: string, check: Row["check"]): Row => ({
  ...row(id, title, statement, look, check),
  slow: true,
});

/** A chapter. Its rows' ids begin with its own, are different, and ascend. */
export function chapter(id: string, title: string, about: string, rows: readonly Row[]): Chapter {
  if (!/^[A-Z]{3}$/.test(id))
    throw new ArgumentError(`chapter: the id must be three capitals, got "${id}". shorten the title to three letters`);
  rows.forEach((one, i) => {
    if (!new RegExp(`^${id}-\\d\\d$`).test(one.id) || (i > 0 && one.id <= rows[i - 1].id))
      throw new ArgumentError(
        `chapter: rows of ${id} must be ${id}-01, ${id}-02, … in ascending order, got "${one.id}". renumber or move it`,
      );
  });
  return { id, title, about, rows };
}
