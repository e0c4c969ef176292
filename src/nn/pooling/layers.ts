/** Pooling as modules. */
import type { Tensor } from "../../index.js";
import { Module } from "../../tree/index.js";
import type { Globally, Pooled } from "../layer.js";
import type { PerAxis } from "../spatial.js";
import * as f from "./adaptive.js";
import * as p from "./pool.js";
import { maxUnpool1d, maxUnpool2d, maxUnpool3d, type UnpoolOptions } from "./unpool.js";

/** The module of a kind of pooling. */
function poolLayer<O>(pool: (x: Tensor, kernel: PerAxis, options?: Partial<O>) => Tensor) {
  return class extends Module {
    declare readonly shapes: Pooled;
    readonly kernel: PerAxis;
    readonly options: Partial<O>;

    constructor(kernel: PerAxis, options: Partial<O> = {}) {
      super();
      this.kernel = kernel;
      this.options = options;
    }
    /** What its outputs see. */
    get windows(): Partial<O> & { readonly stride?: PerAxis; readonly kernel: PerAxis } {
      return { stride: this.kernel, ...this.options, kernel: this.kernel };
    }
    forward(x: Tensor): Tensor {
      return pool(x, this.kernel, this.options);
    }
  };
}

export class AvgPool1d extends poolLayer(p.avgPool1d) {}
export class AvgPool2d extends poolLayer(p.avgPool2d) {}
export class AvgPool3d extends poolLayer(p.avgPool3d) {}
export class MaxPool1d extends poolLayer(p.maxPool1d) {}
export class MaxPool2d extends poolLayer(p.maxPool2d) {}
export class MaxPool3d extends poolLayer(p.maxPool3d) {}
export class MinPool1d extends poolLayer(p.minPool1d) {}
export class MinPool2d extends poolLayer(p.minPool2d) {}
export class MinPool3d extends poolLayer(p.minPool3d) {}
export class LPPool1d extends poolLayer(p.lpPool1d) {}
export class LPPool2d extends poolLayer(p.lpPool2d) {}
export class LPPool3d extends poolLayer(p.lpPool3d) {}
export class SoftmaxPool1d extends poolLayer(p.softmaxPool1d) {}
export class SoftmaxPool2d extends poolLayer(p.softmaxPool2d) {}
export class SoftmaxPool3d extends poolLayer(p.softmaxPool3d) {}

/** The module of a pooling to a given size. */
function adaptiveLayer(pool: (x: Tensor, size: f.OutputSize) => Tensor) {
  return class extends Module {
    declare readonly shapes: Pooled;
    readonly outputSize: f.OutputSize;

    constructor(outputSize: f.OutputSize) {
      super();
      this.outputSize = outputSize;
    }
    forward(x: Tensor): Tensor {
      return pool(x, this.outputSize);
    }
  };
}

export class AdaptiveAvgPool1d extends adaptiveLayer(f.adaptiveAvgPool1d) {}
export class AdaptiveAvgPool2d extends adaptiveLayer(f.adaptiveAvgPool2d) {}
export class AdaptiveAvgPool3d extends adaptiveLayer(f.adaptiveAvgPool3d) {}
export class AdaptiveMaxPool1d extends adaptiveLayer(f.adaptiveMaxPool1d) {}
export class AdaptiveMaxPool2d extends adaptiveLayer(f.adaptiveMaxPool2d) {}
export class AdaptiveMaxPool3d extends adaptiveLayer(f.adaptiveMaxPool3d) {}

/** The mean of every channel: `[N, C, …]` to `[N, C]`. */
export class GlobalAvgPool extends Module {
  declare readonly shapes: Globally;
  forward(x: Tensor): Tensor<readonly [number, number]> {
    return f.globalAvgPool(x);
  }
}

/** The maximum of every channel: `[N, C, …]` to `[N, C]`. */
export class GlobalMaxPool extends Module {
  declare readonly shapes: Globally;
  forward(x: Tensor): Tensor<readonly [number, number]> {
    return f.globalMaxPool(x);
  }
}

/** The module of an unpooling; its `forward` takes values and their places. */
function unpoolLayer(unpool: typeof maxUnpool1d) {
  return class extends Module {
    readonly kernel: PerAxis;
    readonly options: UnpoolOptions;

    constructor(kernel: PerAxis, options: UnpoolOptions = {}) {
      super();
      this.kernel = kernel;
      this.options = options;
    }
    forward(x: Tensor, indices: Tensor, outputSize = this.options.outputSize): Tensor {
      return unpool(x, indices, this.kernel, { ...this.options, outputSize });
    }
  };
}

export class MaxUnpool1d extends unpoolLayer(maxUnpool1d) {}
export class MaxUnpool2d extends unpoolLayer(maxUnpool2d) {}
export class MaxUnpool3d extends unpoolLayer(maxUnpool3d) {}
