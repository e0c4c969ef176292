/** Activations and their gradients against PyTorch. */
import * as nn from "typegrad/nn";
import { compareCases } from "../golden/cases.js";
import { type Case, fixture } from "../golden/fixtures.js";

interface Options {
  readonly slope?: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly threshold?: number;
  readonly min?: number;
  readonly max?: number;
  readonly axis?: number;
  readonly approximate?: "tanh";
}

compareCases<Options>(fixture<{ cases: Case<Options>[] }>("activations").cases, {
  relu: ({ x }) => nn.relu(x),
  relu6: ({ x }) => nn.relu6(x),
  leakyRelu: ({ x }, o) => nn.leakyRelu(x, o.slope),
  elu: ({ x }, o) => nn.elu(x, o.alpha),
  celu: ({ x }, o) => nn.celu(x, o.alpha),
  selu: ({ x }) => nn.selu(x),
  gelu: ({ x }, o) => nn.gelu(x, o),
  silu: ({ x }) => nn.silu(x),
  mish: ({ x }) => nn.mish(x),
  softplus: ({ x }, o) => nn.softplus(x, o.beta),
  softsign: ({ x }) => nn.softsign(x),
  softshrink: ({ x }) => nn.softshrink(x),
  hardshrink: ({ x }, o) => nn.hardshrink(x, o.threshold),
  tanhshrink: ({ x }) => nn.tanhshrink(x),
  hardtanh: ({ x }, o) => nn.hardtanh(x, o),
  hardswish: ({ x }) => nn.hardswish(x),
  hardsigmoid: ({ x }) => nn.hardsigmoid(x),
  sigmoid: ({ x }) => nn.sigmoid(x),
  tanh: ({ x }) => nn.tanh(x),
  logSigmoid: ({ x }) => nn.logSigmoid(x),
  softmax: ({ x }, o) => nn.softmax(x, o.axis),
  softmin: ({ x }, o) => nn.softmin(x, o.axis),
  logSoftmax: ({ x }, o) => nn.logSoftmax(x, o.axis),
  glu: ({ x }, o) => nn.glu(x, o.axis),
  prelu: ({ x, weight }) => nn.prelu(x, weight),
});
