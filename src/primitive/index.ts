/** The registry: every primitive declared in this folder. Conformance tests and tables are generated from it. */
import type { Primitive } from "../ir/node.js";
import * as arithmetic from "./arithmetic.js";
import * as contraction from "./contraction.js";
import * as cumulative from "./cumulative.js";
import * as define from "./define.js";
import * as errorFunction from "./error-function.js";
import * as indexing from "./indexing.js";
import * as leaf from "./leaf.js";
import * as movement from "./movement.js";
import * as random from "./random.js";
import * as reduction from "./reduction.js";
import * as transcendental from "./transcendental.js";

/** Whether an export of a family is a primitive, and not one of its helpers. */
const isPrimitive = (value: unknown): value is Primitive =>
  typeof value === "object" && value !== null && "infer" in value;

export const primitives: readonly Primitive[] = [
  define,
  leaf,
  arithmetic,
  transcendental,
  errorFunction,
  movement,
  reduction,
  cumulative,
  contraction,
  indexing,
  random,
]
  .flatMap((family) => Object.values<unknown>(family))
  .filter(isPrimitive);
