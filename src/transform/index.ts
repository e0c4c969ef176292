/** Passes over the graph, and the primitives whose rules are such passes. */
import type { Primitive } from "../ir/node.js";
import { callPrimitive } from "./call.js";
import { condPrimitive } from "./cond.js";
import { scanPrimitive } from "./scan.js";

export { call } from "./call.js";
export { cond } from "./cond.js";
export { replace, trace } from "./graphs.js";
export { backward, batch, type Batched, dependents, forward, materialize, stretch } from "./passes.js";
export { scan } from "./scan.js";

/** Primitives with graphs among their params. */
export const controlPrimitives: readonly Primitive[] = [callPrimitive, scanPrimitive, condPrimitive];
