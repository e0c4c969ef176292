/** Tensors in files: safetensors, npy and npz, as bytes anywhere and as files under Node. */
export { type HostArray, arrayOf, checkHostArray, isHostArray, isTypedArray } from "./elements.js";
export { type Safetensors, formatSafetensors, parseSafetensors } from "./safetensors.js";
export { formatNpy, formatNpz, parseNpy, parseNpz } from "./npy.js";
export { type IdxArray, parseIdx } from "./idx.js";
export { fileExists, listFolder, makeFolder, readFile, writeFileAtomic } from "./files.js";
export { gunzip, isGzip } from "./deflate.js";
export {
  type Loaded,
  type SaveOptions,
  fromHost,
  load,
  loadNpy,
  loadWithMetadata,
  save,
  saveNpy,
  toHost,
} from "./tensors.js";
