/** Running moments for weights that were not trained with them. */
import { ArgumentError, compile, onesLike, type Tensor, tensor, zerosLike } from "../index.js";
import { BatchNorm, InstanceNorm } from "../nn/index.js";
import { type Module, modules } from "../tree/index.js";

/**
 * Makes the running moments of a model's normalisations anew: the plain averages over the batches of one pass, as for weights
 * that are averages of others (PyTorch's `swa_utils.update_bn`).
 */
export async function updateBatchNorm(
  model: Module & { forward(x: Tensor): Tensor },
  inputs: Iterable<Tensor> | AsyncIterable<Tensor>,
): Promise<void> {
  const layers = modules(model).flatMap(({ module }) =>
    module instanceof BatchNorm || module instanceof InstanceNorm ? [module] : [],
  );
  const tracked = layers.filter((layer) => layer.runningMean !== null);
  const before = tracked.map(({ momentum, numBatchesTracked, runningMean, runningVariance }) => ({
    momentum,
    numBatchesTracked,
    runningMean,
    runningVariance,
  }));
  const modes = modules(model).map(({ module }) => ({ module, training: module.training }));
  for (const layer of tracked) {
    layer.momentum = null;
    layer.numBatchesTracked = tensor(0, { dtype: "int32" });
    layer.runningMean = layer.runningMean && zerosLike(layer.runningMean);
    layer.runningVariance = layer.runningVariance && onesLike(layer.runningVariance);
  }
  model.train();
  const pass = compile((x: Tensor) => void model.forward(x), { state: [model] });
  let count = 0;
  for await (const x of inputs) {
    pass(x);
    count++;
  }
  tracked.forEach((layer, i) => {
    const { momentum, ...was } = before[i];
    layer.momentum = momentum;
    if (was.numBatchesTracked === null) layer.numBatchesTracked = null;
    if (count === 0) Object.assign(layer, was);
  });
  for (const { module, training } of modes) module.training = training;
  if (count === 0)
    throw new ArgumentError("updateBatchNorm: there must be at least one batch, got none. pass the training inputs");
}
