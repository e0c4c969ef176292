/** CNV: convolution. */
import { chapter } from "typegrad/course";
import { layers } from "./cnv-layers.js";
import { pooling } from "./cnv-pooling.js";
import { signals } from "./cnv-signals.js";

export const convolution = chapter(
  "CNV",
  "Convolution",
  "What stays the same when a signal moves, and the layers that are built on it: as an integral, a sum, a product of spectra, a band matrix, and as what every layer of a vision network computes, with its gradients.",
  [...layers, ...pooling, ...signals].toSorted((a, b) => a.id.localeCompare(b.id)),
);
