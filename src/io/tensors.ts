/** Tensors to and from arrays and files. */
import { evaluate } from "../api/index.js";
import { type Tensor, tensor } from "../tensor/index.js";
import { ArgumentError, FormatError } from "../util/errors.js";
import { type HostArray, encode } from "./elements.js";
import { readFile, withFile, writeFileAtomic } from "./files.js";
import { formatNpy, formatNpz, parseNpy, parseNpz } from "./npy.js";
import { readSafetensors, safetensorsLayout } from "./safetensors.js";

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

const unknownName = (op: string, path: string, more = ""): ArgumentError =>
  new ArgumentError(
    `${op}: the file's name must end in .safetensors or .npz, got ${path}. for one array use ${op}Npy${more}`,
  );

/** `f`, which reads a file; where that is damaged, the error names it. */
async function reading<T>(op: string, path: string, f: () => Promise<T>): Promise<T> {
  try {
    return await f();
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new FormatError(`${op}: ${path} is damaged: ${cause.message}`, { cause });
  }
}

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
  if (path.endsWith(".safetensors")) return writeFileAtomic(path, pieces(tensors, metadata), "save");
  if (path.endsWith(".npz")) {
    evaluate(tensors);
    const arrays = Object.entries(tensors).map(async ([name, x]) => [name, await toHost(x)] as const);
    return writeFileAtomic(path, await formatNpz(await Promise.all(arrays), { compress }), "save");
  }
  throw unknownName("save", path);
}

/** The bytes of a safetensors file, one tensor after the other: no more than one is read from the device at a time. */
async function* pieces(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  const { start, sorted } = safetensorsLayout(Object.entries(tensors), Object.entries(metadata));
  evaluate(tensors); // all in one program
  yield start;
  for (const [, x] of sorted) yield encode(await x.data());
}

/** Tensors by name, and the notes of a safetensors file. */
export interface Loaded {
  readonly tensors: Record<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The tensors of a `.safetensors` or `.npz` file, by name.
 *
 * @throws FileError when it cannot be read; FormatError when it is damaged.
 */
export const load = async (path: string): Promise<Record<string, Tensor>> => (await loadWithMetadata(path)).tensors;

/** As `load`, with the notes that `save` was given as `metadata`. */
export async function loadWithMetadata(path: string): Promise<Loaded> {
  if (path.endsWith(".safetensors")) {
    const read = () => withFile(path, (file) => readSafetensors(file, fromHost), "load");
    const { tensors, metadata } = await reading("load", path, read);
    return { tensors: Object.fromEntries(tensors), metadata: Object.fromEntries(metadata) };
  }
  if (!path.endsWith(".npz"))
    throw unknownName("load", path, "; of PyTorch's own files make safetensors (safetensors.torch.save_file)");
  const arrays = await reading("load", path, async () => parseNpz(await readFile(path, "load")));
  const tensors = [...arrays].map(([name, array]) => [name, fromHost(array)] as const);
  return { tensors: Object.fromEntries(tensors), metadata: {} };
}

/** Writes one tensor as an npy file. */
export const saveNpy = async (path: string, x: Tensor): Promise<void> =>
  writeFileAtomic(path, formatNpy(await toHost(x)), "saveNpy");

/** The tensor in an npy file. */
export const loadNpy = (path: string): Promise<Tensor> =>
  reading("loadNpy", path, async () => fromHost(parseNpy(await readFile(path, "loadNpy"))));
