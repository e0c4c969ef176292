/** Pooling: windows of the spatial axes, reduced. */
export * from "./adaptive.js";
export * from "./layers.js";
export * from "./pool.js";
export * from "./unpool.js";
export type { OutputSize, PoolOptions } from "./windows.js";
