/** Losses and their gradients against PyTorch. */
import * as nn from "typegrad/nn";
import { compareCases } from "../golden/cases.js";
import { type Case, fixture } from "../golden/fixtures.js";

interface Options {
  readonly reduction: nn.Reduction | "batchmean";
  readonly delta?: number;
  readonly beta?: number;
  readonly margin?: number;
  readonly labelSmoothing?: number;
  readonly ignoreIndex?: number;
  readonly logTarget?: boolean;
}
/** The options of a loss that has the three common reductions only. */
const common = (o: Options): Options & nn.LossOptions => ({
  ...o,
  reduction: o.reduction === "batchmean" ? "mean" : o.reduction,
});

compareCases<Options>(fixture<{ cases: Case<Options>[] }>("losses").cases, {
  mse: ({ input, target }, o) => nn.mse(input, target, common(o)),
  l1: ({ input, target }, o) => nn.l1(input, target, common(o)),
  huber: ({ input, target }, o) => nn.huber(input, target, common(o)),
  smoothL1: ({ input, target }, o) => nn.smoothL1(input, target, common(o)),
  crossEntropy: ({ input, target, weight }, o) => nn.crossEntropy(input, target, { ...common(o), weight }),
  nll: ({ input, target, weight }, o) => nn.nll(input, target, { ...common(o), weight }),
  binaryCrossEntropy: ({ input, target, weight }, o) => nn.binaryCrossEntropy(input, target, { ...common(o), weight }),
  binaryCrossEntropyWithLogits: ({ input, target, positiveWeight }, o) =>
    nn.binaryCrossEntropyWithLogits(input, target, { ...common(o), positiveWeight }),
  klDivergence: ({ input, target }, o) =>
    nn.klDivergence(input, target, { ...o, reduction: o.reduction === "batchmean" ? "batchMean" : o.reduction }),
  hingeEmbedding: ({ input, target }, o) => nn.hingeEmbedding(input, target, common(o)),
  cosineEmbedding: ({ a, b, target }, o) => nn.cosineEmbedding(a, b, target, common(o)),
  softMargin: ({ input, target }, o) => nn.softMargin(input, target, common(o)),
  poissonNll: ({ input, target }, o) => nn.poissonNll(input, target, common(o)),
  gaussianNll: ({ input, target, variance }, o) => nn.gaussianNll(input, target, variance, common(o)),
  tripletMargin: ({ anchor, positive, negative }, o) => nn.tripletMargin(anchor, positive, negative, common(o)),
});
