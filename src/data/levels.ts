/** Pictures as they are published, a byte for each level: a quarter of the memory of float32. */
import { type Shape, ShapeError } from "../index.js";
import type { HostArray } from "../io/index.js";

/** `level / 255` for every byte. */
const unit = Float32Array.from({ length: 256 }, (_, level) => level / 255);

/**
 * A float32 array of `bytes / 255`, whose numbers are made when they are asked for. Data sets over it convert what a batch
 * holds, and no more.
 */
export class Levels implements HostArray {
  readonly dtype = "float32";
  readonly shape: Shape;
  readonly bytes: Uint8Array;
  #data: WeakRef<Float32Array<ArrayBuffer>> | undefined;

  /** @throws ShapeError when the shape does not have as many elements as there are bytes. */
  constructor(bytes: Uint8Array, shape: Shape) {
    const count = shape.reduce((a, b) => a * b, 1);
    if (bytes.length !== count)
      throw new ShapeError(
        `Levels: [${shape.join(",")}] must hold ${count} bytes, got ${bytes.length}. give the shape of the bytes`,
      );
    this.bytes = bytes;
    this.shape = shape;
  }

  /** All of them as numbers from 0 to 1; they are converted again when nobody has held them in between. */
  get data(): Float32Array<ArrayBuffer> {
    const held = this.#data?.deref();
    if (held !== undefined) return held;
    const { bytes } = this;
    const data = new Float32Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) data[i] = unit[bytes[i]];
    this.#data = new WeakRef(data);
    return data;
  }
}
