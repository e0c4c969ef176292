/** Tensors in files: safetensors, npy and npz, as bytes anywhere and as files under Node. */
export type { HostArray } from "./elements.js";
export { type Safetensors, formatSafetensors, parseSafetensors } from "./safetensors.js";
export { formatNpy, formatNpz, parseNpy, parseNpz } from "./npy.js";
export { fileExists, readFile, writeFileAtomic } from "./files.js";
export { gunzip, isGzip } from "./deflate.js";
