/** Pooling as modules. */
import type { Tensor } from "../../index.js";
import { Module } from "../../tree/index.js";
import type { Globally, Pooled, Sight } from "../layer.js";
import type { PerAxis } from "../spatial.js";
import * as f from "./adaptive.js";
import * as p from "./pool.js";
import {
  checkNormType,
  checkTemperature,
  type OutputSize,
  outputSizes,
  type PoolOptions,
  windowNumbers,
} from "./windows.js";
import { maxUnpool1d, maxUnpool2d, maxUnpool3d, type UnpoolOptions } from "./unpool.js";

/** The module of a kind of pooling over `rank` axes; `check` throws for options of its own that it cannot have. */
function poolLayer<O extends PoolOptions>(
  rank: number,
  pool: (x: Tensor, kernel: PerAxis, options?: Partial<O>) => Tensor,
  check: (name: string, options: Partial<O>) => void = () => {},
) {
  return class extends Module {
    declare readonly shapes: Pooled;
    readonly kernel: PerAxis;
    readonly options: Partial<O>;

    constructor(kernel: PerAxis, options: Partial<O> = {}) {
      super();
      windowNumbers(new.target.name, rank, kernel, options);
      check(new.target.name, options);
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

/** Means over windows of `[N, C, L]`; see `avgPool1d`. */
export class AvgPool1d extends poolLayer(1, p.avgPool1d) {}

/** Means over windows of `[N, C, H, W]`; see `avgPool2d`. */
export class AvgPool2d extends poolLayer(2, p.avgPool2d) {}

/** Means over windows of `[N, C, D, H, W]`; see `avgPool3d`. */
export class AvgPool3d extends poolLayer(3, p.avgPool3d) {}

/** Maxima over windows of `[N, C, L]`; see `maxPool1d`. */
export class MaxPool1d extends poolLayer(1, p.maxPool1d) {}

/** Maxima over windows of `[N, C, H, W]`; see `maxPool2d`. */
export class MaxPool2d extends poolLayer(2, p.maxPool2d) {}

/** Maxima over windows of `[N, C, D, H, W]`; see `maxPool3d`. */
export class MaxPool3d extends poolLayer(3, p.maxPool3d) {}

/** Minima over windows of `[N, C, L]`; see `minPool1d`. */
export class MinPool1d extends poolLayer(1, p.minPool1d) {}

/** Minima over windows of `[N, C, H, W]`; see `minPool2d`. */
export class MinPool2d extends poolLayer(2, p.minPool2d) {}

/** Minima over windows of `[N, C, D, H, W]`; see `minPool3d`. */
export class MinPool3d extends poolLayer(3, p.minPool3d) {}

/** `(Σ |x|^p)^(1/p)` over windows of `[N, C, L]`; see `lpPool1d`. */
export class LPPool1d extends poolLayer(1, p.lpPool1d, checkNormType) {}

/** `(Σ |x|^p)^(1/p)` over windows of `[N, C, H, W]`; see `lpPool2d`. */
export class LPPool2d extends poolLayer(2, p.lpPool2d, checkNormType) {}

/** `(Σ |x|^p)^(1/p)` over windows of `[N, C, D, H, W]`; see `lpPool3d`. */
export class LPPool3d extends poolLayer(3, p.lpPool3d, checkNormType) {}

/** `Σ x · softmax(x / T)` over windows of `[N, C, L]`; see `softmaxPool1d`. */
export class SoftmaxPool1d extends poolLayer(1, p.softmaxPool1d, checkTemperature) {}

/** `Σ x · softmax(x / T)` over windows of `[N, C, H, W]`; see `softmaxPool2d`. */
export class SoftmaxPool2d extends poolLayer(2, p.softmaxPool2d, checkTemperature) {}

/** `Σ x · softmax(x / T)` over windows of `[N, C, D, H, W]`; see `softmaxPool3d`. */
export class SoftmaxPool3d extends poolLayer(3, p.softmaxPool3d, checkTemperature) {}

/** The module of a pooling over `rank` axes to a given size. */
function adaptiveLayer(rank: number, pool: (x: Tensor, size: OutputSize) => Tensor) {
  return class extends Module {
    declare readonly shapes: Pooled;
    readonly outputSize: OutputSize;

    constructor(outputSize: OutputSize) {
      super();
      outputSizes(new.target.name, outputSize, rank);
      this.outputSize = outputSize;
    }
    /** An output of one place sees every place; others see stretches that differ. */
    get windows(): Sight {
      return [this.outputSize].flat().every((n) => n === 1) ? "all" : "unknown";
    }
    forward(x: Tensor): Tensor {
      return pool(x, this.outputSize);
    }
  };
}

/** Means over stretches of `[N, C, L]` that make an output of a given size; see `adaptiveAvgPool1d`. */
export class AdaptiveAvgPool1d extends adaptiveLayer(1, f.adaptiveAvgPool1d) {}

/** Means over stretches of `[N, C, H, W]` that make an output of a given size; see `adaptiveAvgPool2d`. */
export class AdaptiveAvgPool2d extends adaptiveLayer(2, f.adaptiveAvgPool2d) {}

/** Means over stretches of `[N, C, D, H, W]` that make an output of a given size; see `adaptiveAvgPool3d`. */
export class AdaptiveAvgPool3d extends adaptiveLayer(3, f.adaptiveAvgPool3d) {}

/** Maxima over stretches of `[N, C, L]` that make an output of a given size; see `adaptiveMaxPool1d`. */
export class AdaptiveMaxPool1d extends adaptiveLayer(1, f.adaptiveMaxPool1d) {}

/** Maxima over stretches of `[N, C, H, W]` that make an output of a given size; see `adaptiveMaxPool2d`. */
export class AdaptiveMaxPool2d extends adaptiveLayer(2, f.adaptiveMaxPool2d) {}

/** Maxima over stretches of `[N, C, D, H, W]` that make an output of a given size; see `adaptiveMaxPool3d`. */
export class AdaptiveMaxPool3d extends adaptiveLayer(3, f.adaptiveMaxPool3d) {}

/** The mean of every channel: `[N, C, …]` to `[N, C]`. */
export class GlobalAvgPool extends Module {
  declare readonly shapes: Globally;
  /** Each output sees every place. */
  get windows(): Sight {
    return "all";
  }
  forward(x: Tensor): Tensor<readonly [number, number]> {
    return f.globalAvgPool(x);
  }
}

/** The maximum of every channel: `[N, C, …]` to `[N, C]`. */
export class GlobalMaxPool extends Module {
  declare readonly shapes: Globally;
  /** Each output sees every place. */
  get windows(): Sight {
    return "all";
  }
  forward(x: Tensor): Tensor<readonly [number, number]> {
    return f.globalMaxPool(x);
  }
}

/** The module of an unpooling over `rank` axes; its `forward` takes values and their places. */
function unpoolLayer(rank: number, unpool: typeof maxUnpool1d) {
  return class extends Module {
    readonly kernel: PerAxis;
    readonly options: UnpoolOptions;

    constructor(kernel: PerAxis, options: UnpoolOptions = {}) {
      super();
      windowNumbers(new.target.name, rank, kernel, options);
      this.kernel = kernel;
      this.options = options;
    }
    forward(x: Tensor, indices: Tensor, outputSize = this.options.outputSize): Tensor {
      return unpool(x, indices, this.kernel, { ...this.options, outputSize });
    }
  };
}

/** Puts maxima of `[N, C, L]` back where they came from; see `maxUnpool1d`. */
export class MaxUnpool1d extends unpoolLayer(1, maxUnpool1d) {}

/** Puts maxima of `[N, C, H, W]` back where they came from; see `maxUnpool2d`. */
export class MaxUnpool2d extends unpoolLayer(2, maxUnpool2d) {}

/** Puts maxima of `[N, C, D, H, W]` back where they came from; see `maxUnpool3d`. */
export class MaxUnpool3d extends unpoolLayer(3, maxUnpool3d) {}
