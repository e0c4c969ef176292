/** Tensors to and from arrays and files. */
import { evaluate } from "../api/index.js";
import { type Tensor, tensor } from "../tensor/index.js";
import { ArgumentError } from "../util/errors.js";
import type { HostArray } from "./elements.js";
import { readFile, writeFileAtomic } from "./files.js";
import { formatNpy, formatNpz, parseNpy, parseNpz } from "./npy.js";
import { formatSafetensors, parseSafetensors } from "./safetensors.js";

/** The values of a tensor, computed and read. */
export const toHost = async (x: Tensor): Promise<HostArray> => ({
  dtype: x.dtype,
  shape: x.shape,
  data: await x.data(),
});

/** A tensor with the values of an array, which are copied. */
export const fromHost = ({ data, dtype, shape }: HostArray): Tensor => tensor(data, { dtype, shape });

/** Options of `save`. */
export interface SaveOptions {
  /** Notes kept in the header of a safetensors file. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Whether an npz archive is deflated. */
  readonly compress?: boolean;
}

const unknownName = (op: string, path: string): ArgumentError =>
  new ArgumentError(`${op}: the file's name must end in .safetensors or .npz, got ${path}. for one array use ${op}Npy`);

/**
 * Writes tensors by name, as the file's name says: `.safetensors` or `.npz`. The file is there whole or not at all.
 *
 * @throws FileError when it cannot be written.
 */
export async function save(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  { metadata = {}, compress = false }: SaveOptions = {},
): Promise<void> {
  const arrays = (): Promise<[string, HostArray][]> => {
    evaluate(tensors); // all in one program
    return Promise.all(Object.entries(tensors).map(async ([name, x]) => [name, await toHost(x)]));
  };
  if (path.endsWith(".safetensors"))
    return writeFileAtomic(path, formatSafetensors(await arrays(), Object.entries(metadata)), "save");
  if (path.endsWith(".npz")) return writeFileAtomic(path, await formatNpz(await arrays(), { compress }), "save");
  throw unknownName("save", path);
}

/**
 * The tensors of a `.safetensors` or `.npz` file, by name.
 *
 * @throws FileError when it cannot be read; FormatError when it is damaged.
 */
export async function load(path: string): Promise<Record<string, Tensor>> {
  const parse = path.endsWith(".safetensors")
    ? (bytes: Uint8Array) => parseSafetensors(bytes).tensors
    : path.endsWith(".npz")
      ? parseNpz
      : undefined;
  if (parse === undefined) throw unknownName("load", path);
  const arrays = await parse(await readFile(path, "load"));
  return Object.fromEntries([...arrays].map(([name, array]) => [name, fromHost(array)]));
}

/** Writes one tensor as an npy file. */
export const saveNpy = async (path: string, x: Tensor): Promise<void> =>
  writeFileAtomic(path, formatNpy(await toHost(x)), "saveNpy");

/** The tensor in an npy file. */
export const loadNpy = async (path: string): Promise<Tensor> => fromHost(parseNpy(await readFile(path, "loadNpy")));
