/** The registry of this folder's primitives. Conformance tests are generated from it. */
import type { Primitive } from "../ir/node.js";
import { besselHigherPrimitive, besselPrimitive } from "./bessel.js";
import { lbetaPrimitive } from "./beta.js";
import { digammaPrimitive, gammaPrimitive, lgammaPrimitive, polygammaPrimitive } from "./gamma.js";
import { incompleteBetaPrimitive, incompleteGammaPrimitive } from "./incomplete.js";

export const specialPrimitives: readonly Primitive[] = [
  gammaPrimitive,
  lgammaPrimitive,
  digammaPrimitive,
  polygammaPrimitive,
  incompleteGammaPrimitive,
  incompleteBetaPrimitive,
  lbetaPrimitive,
  besselPrimitive,
  besselHigherPrimitive,
];
