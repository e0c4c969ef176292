/** Tables with named columns, and the CSV files they come from. */
import { dsvFormat } from "d3-dsv";
import { ArgumentError, FormatError } from "../index.js";
import { arrayOf, gunzip, type HostArray, isGzip, readFile } from "../io/index.js";

/** What stands for a missing value, in small letters. */
const missing = new Set(["", "na", "n/a", "nan", "null", "none", "?"]);
export const isMissing = (cell: string): boolean => missing.has(cell.trim().toLowerCase());

/** A column of names as numbers of classes. */
export interface Classes {
  /** The class of each row, by its place in `names`; -1 where it is missing. */
  readonly labels: Int32Array;
  /** In the order in which they first occur. */
  readonly names: readonly string[];
}

/** Rows of text under named columns. */
export class Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];

  /**
   * @throws FormatError when two columns have one name or a row has another number of cells than there are columns.
   */
  constructor(columns: readonly string[], rows: readonly (readonly string[])[], source = "Table") {
    const double = columns.find((name, i) => columns.indexOf(name) !== i);
    if (double !== undefined)
      throw new FormatError(`${source}: columns must have names of their own, got "${double}" twice. rename one`);
    const odd = rows.findIndex((row) => row.length !== columns.length);
    if (odd >= 0)
      throw new FormatError(
        `${source}: every row must have ${columns.length} cells, got ${rows[odd].length} in row ${odd + 1}. check its quotes and delimiters`,
      );
    this.columns = columns;
    this.rows = rows;
  }

  get length(): number {
    return this.rows.length;
  }

  #place(op: string, name: string): number {
    const at = this.columns.indexOf(name);
    if (at < 0)
      throw new ArgumentError(
        `${op}: the column must be one of ${this.columns.join(", ")}, got "${name}". check its name`,
      );
    return at;
  }

  /** The cells of a column. */
  text(name: string): string[] {
    const at = this.#place("text", name);
    return this.rows.map((row) => row[at]);
  }

  /**
   * A column as numbers, NaN where a value is missing (empty, NA, NaN, null, none or ?).
   *
   * @throws FormatError when another cell is no number.
   */
  numbers(name: string): Float64Array {
    return Float64Array.from(this.text(name), (cell, i) => {
      if (isMissing(cell)) return Number.NaN;
      const value = Number(cell);
      if (Number.isNaN(value))
        throw new FormatError(
          `numbers: column "${name}" must hold numbers, got "${cell}" in row ${i + 1}. use classes for names`,
        );
      return value;
    });
  }

  /** A column of names as numbers of classes. */
  classes(name: string): Classes {
    const cells = this.text(name);
    const names = [...new Set(cells.filter((cell) => !isMissing(cell)))];
    const place = new Map(names.map((x, i) => [x, i]));
    return { labels: Int32Array.from(cells, (cell) => place.get(cell) ?? -1), names };
  }

  /** Columns of numbers side by side, `[rows, columns]`. */
  matrix(names: readonly string[], dtype: "float32" | "float64" = "float32"): HostArray {
    const values = names.map((name) => this.numbers(name));
    const size = this.length * names.length;
    const data = dtype === "float32" ? new Float32Array(size) : new Float64Array(size);
    values.forEach((column, j) => column.forEach((x, i) => (data[i * names.length + j] = x)));
    return arrayOf(data, [this.length, names.length]);
  }

  /** The rows for which `keep` holds. */
  filter(keep: (row: Readonly<Record<string, string>>, index: number) => boolean): Table {
    const named = (row: readonly string[]): Record<string, string> =>
      Object.fromEntries(this.columns.map((name, i) => [name, row[i]]));
    return new Table(
      this.columns,
      this.rows.filter((row, i) => keep(named(row), i)),
    );
  }

  /** The rows that miss nothing in these columns (in any, unless told). */
  complete(names: readonly string[] = this.columns): Table {
    const places = names.map((name) => this.#place("complete", name));
    return new Table(
      this.columns,
      this.rows.filter((row) => !places.some((at) => isMissing(row[at]))),
    );
  }
}

export interface CsvOptions {
  /** One character between cells; a comma unless told. */
  readonly delimiter?: string;
  /** Names of the columns, for a text whose first line is a row; otherwise the first line has them. */
  readonly columns?: readonly string[];
  /** A name for messages. */
  readonly source?: string;
}

/** Reads comma-separated values (RFC 4180): cells may stand in double quotes, in which `""` is one quote. Empty lines are left out. */
export function parseCsv(text: string, { delimiter = ",", columns, source = "parseCsv" }: CsvOptions = {}): Table {
  if ([...delimiter].length !== 1 || /["\r\n]/.test(delimiter))
    throw new ArgumentError(
      `parseCsv: the delimiter must be one character that is no quote or line break, got ${JSON.stringify(delimiter)}. use "," or ";"`,
    );
  const rows = dsvFormat(delimiter)
    .parseRows(text.replace(/^\uFEFF/, ""))
    .filter((row) => row.length > 1 || row[0] !== "");
  const [names, ...rest] = columns ? [columns, ...rows] : rows;
  if (names === undefined)
    throw new FormatError(`${source}: the first line must name the columns, got nothing. check that the file is whole`);
  return new Table(names, rest, source);
}

/** Reads a file of comma-separated values, plain or packed with gzip. */
export async function readCsv(path: string | URL, options: CsvOptions = {}): Promise<Table> {
  const bytes = await readFile(path, "readCsv");
  const plain = isGzip(bytes) ? await gunzip(String(path), bytes) : bytes;
  return parseCsv(new TextDecoder().decode(plain), { source: String(path), ...options });
}
