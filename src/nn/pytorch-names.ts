/** What PyTorch calls the tensors of a model. */
import { modules } from "../tree/index.js";
import { Sequential } from "./sequential.js";
import type { Naming } from "./state.js";

/** Fields that have other names in PyTorch's layers. */
const fields: ReadonlyMap<string, string> = new Map([
  ["runningMean", "running_mean"],
  ["runningVariance", "running_var"],
]);

/**
 * PyTorch's names for the tensors of a model whose modules have the names of PyTorch's: `features.layers.0.weight` of a
 * `Sequential` is `features.0.weight`, statistics are `running_mean` and `running_var`, and `num_batches_tracked` counts
 * for nothing. For `loadStateDict(model, state, pytorchNames(model))` and, to write a file that PyTorch loads,
 * `stateDict(model, pytorchNames(model))`.
 */
export function pytorchNames(model: unknown): Required<Naming> {
  const unnamed = new Set(
    modules(model).flatMap(({ path, module }) =>
      module instanceof Sequential ? [path === "" ? "layers" : `${path}.layers`] : [],
    ),
  );
  const rename = (path: string): string => {
    const parts = path.split(".");
    const kept = parts.filter((_, i) => !unnamed.has(parts.slice(0, i + 1).join(".")));
    return kept.map((part) => fields.get(part) ?? part).join(".");
  };
  return { rename, ignore: (name) => name.split(".").at(-1) === "num_batches_tracked" };
}
