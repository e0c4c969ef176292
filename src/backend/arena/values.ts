/** Tensors in the arena, and who frees them. */
import { DeviceError } from "../../util/errors.js";
import type { DType } from "../../ir/dtype.js";
import { byteSize } from "../../ir/dtype.js";
import { type Aval, type Shape, show, sizeOf } from "../../ir/shape.js";
import type { DeviceValue } from "../backend.js";
import type { Chunk } from "./allocator.js";
import { type Arena, guardBytes } from "./arena.js";

/** Bytes that go by before the collector is told of them once more. */
const ballastStep = 1 << 18;

/**
 * Memory that one tensor owns. Passing it on from a donated tensor to its successor changes only who refers to it, so a
 * compiled training step registers nothing. Once nobody refers to it, the chunk is freed.
 */
export class Holding {
  readonly chunk: Chunk;
  /** Untouched memory of as many bytes, so that the collector, which does not see the arena, sees them. */
  readonly ballast: ArrayBuffer | null;
  constructor(chunk: Chunk, ballast: ArrayBuffer | null) {
    this.chunk = chunk;
    this.ballast = ballast;
  }
}

/** Makes holdings, and frees the memory of those that were dropped. */
export class Holdings {
  readonly #arena: Arena;
  readonly #reclaim: () => void;
  /** The name of the device whose tensors these are. */
  readonly device: string;
  readonly #dropped: FinalizationRegistry<Chunk>;
  #unseen = 0;

  constructor(device: string, arena: Arena, reclaim: () => void) {
    this.device = device;
    this.#arena = arena;
    this.#reclaim = reclaim;
    this.#dropped = new FinalizationRegistry((chunk) => arena.release(chunk));
  }
  allocate(bytes: number): Holding {
    const chunk = this.#arena.allocate(bytes, this.#reclaim);
    this.#unseen += chunk.size;
    const holding = new Holding(chunk, this.#unseen >= ballastStep ? this.#ballast() : null);
    this.#dropped.register(holding, chunk, holding);
    return holding;
  }
  free(holding: Holding): void {
    this.#dropped.unregister(holding);
    if (holding.ballast === null) this.#unseen = Math.max(0, this.#unseen - holding.chunk.size);
    this.#arena.release(holding.chunk);
  }
  #ballast(): ArrayBuffer {
    const ballast = new ArrayBuffer(this.#unseen);
    this.#unseen = 0;
    return ballast;
  }
}

export class ArenaValue implements DeviceValue {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly owner: Holdings;
  met = 0;
  #holding: Holding | null;
  #gone: "freed" | "donated" | null = null;

  /** A tensor without elements has no holding. */
  constructor(aval: Aval, holding: Holding | null, owner: Holdings) {
    this.dtype = aval.dtype;
    this.shape = aval.shape;
    this.#holding = holding;
    this.owner = owner;
  }
  get device(): string {
    return this.owner.device;
  }
  get gone(): "freed" | "donated" | null {
    return this.#gone;
  }
  /** Where the elements start. */
  get address(): number {
    return this.#holding?.chunk.address ?? guardBytes;
  }
  free(): void {
    if (this.#gone !== null) return;
    this.#gone = "freed";
    if (this.#holding !== null) this.owner.free(this.#holding);
    this.#holding = null;
  }
  /** Gives the memory away; the taker frees it. */
  donate(): Holding | null {
    const holding = this.#holding;
    this.#gone = "donated";
    this.#holding = null;
    return holding;
  }
}

/** Bytes a tensor takes in the arena. */
export const bytesOf = (aval: Aval): number => byteSize(aval.dtype) * sizeOf(aval.shape);

/** The value as this device made it. */
export function ownValue(value: DeviceValue, owner: Holdings): ArenaValue {
  if (value instanceof ArenaValue && value.owner === owner) return value;
  throw new DeviceError(
    `${owner.device}: tensors must be on one device, got ${show(value)} on ${value.device}. move it with x.to("${owner.device}")`,
  );
}
