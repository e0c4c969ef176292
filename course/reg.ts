/** REG: regularisation and normalisation. */
import { chapter } from "typegrad/course";
import { dropouts } from "./reg-dropout.js";
import { layers } from "./reg-layers.js";
import { learning } from "./reg-learning.js";
import { noise } from "./reg-noise.js";
import { penalties } from "./reg-penalties.js";
import { unlabelled } from "./reg-unlabelled.js";

export const regularisation = chapter(
  "REG",
  "Regularisation and normalisation",
  "Why a network that could learn its data by heart does not: penalties and what they do to every direction, noise and augmentation, ensembles in the large and by dropout, normalisation, and learning from more than labels.",
  [...dropouts, ...layers, ...learning, ...noise, ...penalties, ...unlabelled].toSorted((a, b) =>
    a.id.localeCompare(b.id),
  ),
);
