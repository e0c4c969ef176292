/** The registry of this folder's primitives. Conformance tests are generated from it. */
import type { Primitive } from "../ir/node.js";
import { detPrimitive, pinvPrimitive, slogdetPrimitive } from "./determinant.js";
import { eigPrimitive } from "./eigen.js";
import { luPrimitive, qrPrimitive, solvePrimitive } from "./factor.js";
import { expmPrimitive, logmPrimitive, sqrtmPrimitive } from "./functions.js";
import { eighPrimitive, svdPrimitive } from "./spectral.js";
import { choleskyPrimitive, triangularSolvePrimitive } from "./triangular.js";

export const linalgPrimitives: readonly Primitive[] = [
  triangularSolvePrimitive,
  choleskyPrimitive,
  luPrimitive,
  qrPrimitive,
  solvePrimitive,
  detPrimitive,
  slogdetPrimitive,
  pinvPrimitive,
  eighPrimitive,
  svdPrimitive,
  eigPrimitive,
  expmPrimitive,
  sqrtmPrimitive,
  logmPrimitive,
];
