/** Running moments for weights that were not trained with them. */
import { ArgumentError, compile, onesLike, type Tensor, tensor, zerosLike } from "../index.js";
import { BatchNorm, InstanceNorm } from "../nn/index.js";
import { type Module, modules } from "../tree/index.js";

type Normalisation = BatchNorm | InstanceNorm;

/** A model's normalisations with running moments. */
export const trackedIn = (model: Module): Normalisation[] =>
  modules(model)
    .flatMap(({ module }) => (module instanceof BatchNorm || module instanceof InstanceNorm ? [module] : []))
    .filter(({ runningMean }) => runningMean !== null);

/**
 * Makes the running moments of a model's normalisations anew: the plain averages over the batches that `pass`, which gives
 * their count, puts through the model in training mode. Where there are none, the moments stay.
 */
export async function renewMoments(model: Module, pass: () => Promise<number>): Promise<number> {
  const tracked = trackedIn(model);
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
  const count = await pass();
  tracked.forEach((layer, i) => {
    const { momentum, ...was } = before[i];
    layer.momentum = momentum;
    if (was.numBatchesTracked === null) layer.numBatchesTracked = null;
    if (count === 0) Object.assign(layer, was);
  });
  for (const { module, training } of modes) module.training = training;
  return count;
}

/**
 * Makes the running moments of a model's normalisations anew: the plain averages over the batches of one pass, as for weights
 * that are averages of others (PyTorch's `swa_utils.update_bn`). `fit` with an `average` does so by itself.
 */
export async function updateBatchNorm(
  model: Module & { forward(x: Tensor): Tensor },
  inputs: Iterable<Tensor> | AsyncIterable<Tensor>,
): Promise<void> {
  const step = compile((x: Tensor) => void model.forward(x), { state: [model] });
  const count = await renewMoments(model, async () => {
    let batches = 0;
    for await (const x of inputs) {
      step(x);
      batches++;
    }
    return batches;
  });
  if (count === 0)
    throw new ArgumentError("updateBatchNorm: there must be at least one batch, got none. pass the training inputs");
}
