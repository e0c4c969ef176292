/** The chapters, in the order in which they build on each other. */
import type { Chapter } from "typegrad/course";
import { activations } from "./act.js";
import { analysis } from "./ana.js";
import { approximation } from "./apx.js";
import { matrixCalculus } from "./cal.js";
import { differentiation } from "./dif.js";
import { informationTheory } from "./inf.js";
import { linearAlgebra } from "./lin.js";
import { architectures } from "./arc.js";
import { convolution } from "./cnv.js";
import { connectionism } from "./per.js";
import { optimization } from "./opt.js";
import { probability } from "./prb.js";
import { regularisation } from "./reg.js";

export const chapters: readonly Chapter[] = [
  probability,
  informationTheory,
  linearAlgebra,
  analysis,
  matrixCalculus,
  differentiation,
  connectionism,
  activations,
  approximation,
  optimization,
  convolution,
  architectures,
  regularisation,
];
