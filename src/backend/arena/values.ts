/** Tensors in the arena, and who frees them. */
import { DeviceError } from "../../util/errors.js";
import type { DType } from "../../ir/dtype.js";
import { type Aval, type Shape, show } from "../../ir/shape.js";
import type { DeviceValue } from "../backend.js";
import { type Chunk, unit } from "./allocator.js";
import { type Arena, guardBytes } from "./arena.js";
import { collectGarbage } from "./environment.js";

/** Bytes that go by before the collector is told of them once more; what is freed before that costs it nothing. */
const ballastStep = 1 << 22;

/** Tensors of so many bytes cost much more to compute than a weak reference. */
const largeBytes = 1 << 16;

/** So many of the smallest tensors, such as losses, share a block: telling the collector of each would cost the most. */
const places = 8;

/** A chunk the collector is told of: once nobody refers to the block, the chunk is freed. */
interface Block {
  readonly chunk: Chunk;
  /** Untouched memory of so many bytes, so that the collector, which does not see the arena, sees them. */
  readonly ballast: ArrayBuffer | null;
  /** Tensors that have, or are still to be given, a place in it. */
  users: number;
}

/**
 * Memory that one tensor owns. Passing it on from a donated tensor to its successor changes only who refers to it, so a
 * compiled training step registers nothing.
 */
export interface Holding {
  readonly block: Block;
  readonly address: number;
}

/** Makes holdings, and frees the memory of those that were dropped. */
export class Holdings {
  readonly #arena: Arena;
  /** The name of the device whose tensors these are. */
  readonly device: string;
  readonly #dropped: FinalizationRegistry<Chunk>;
  /** The blocks of large chunks, for freeing what was dropped in this turn of the event loop when all is in use. */
  readonly #large = new Map<Chunk, WeakRef<Block>>();
  #unseen = 0;
  /** The small block freed last, for the next tensor of its size: telling the collector costs as much as a small product. */
  #spare: Block | null = null;
  /** Where the next small tensors go, and how many are there. */
  #open: Block | null = null;
  #filled = 0;

  constructor(device: string, arena: Arena) {
    this.device = device;
    this.#arena = arena;
    this.#dropped = new FinalizationRegistry((chunk) => this.#release(chunk));
    arena.reclaims.push(() => this.#collect());
  }
  /** Memory of nobody's that is kept for the next tensor. */
  get spareBytes(): number {
    return this.#spare?.chunk.size ?? 0;
  }
  allocate(bytes: number): Holding {
    if (bytes > unit) {
      const block = this.#block(bytes, 1);
      return { block, address: block.chunk.address };
    }
    if (this.#open === null || this.#filled === places) {
      this.#open = this.#block(places * unit, places);
      this.#filled = 0;
    }
    return { block: this.#open, address: this.#open.chunk.address + unit * this.#filled++ };
  }
  free({ block, address }: Holding): void {
    const { chunk } = block;
    if (block === this.#open && address === chunk.address + unit * (this.#filled - 1)) {
      this.#filled--;
      return;
    }
    block.users--;
    if (block.users > 0) return;
    if (block === this.#open) this.#open = null;
    this.#unseen = Math.max(0, this.#unseen - chunk.size);
    if (chunk.size >= largeBytes || block.ballast !== null) return this.#release(chunk);
    this.#releaseSpare();
    this.#spare = block;
  }
  #releaseSpare(): void {
    if (this.#spare !== null) this.#release(this.#spare.chunk);
    this.#spare = null;
  }
  #release(chunk: Chunk): void {
    this.#dropped.unregister(chunk);
    this.#large.delete(chunk);
    this.#arena.release(chunk);
  }
  /** Frees the spare block, and what was dropped; the registry would hear of that only after this turn. */
  #collect(): void {
    this.#releaseSpare();
    collectGarbage();
    for (const [chunk, block] of this.#large) if (block.deref() === undefined) this.#release(chunk);
  }
  #block(bytes: number, users: number): Block {
    const spare = this.#spare;
    if (spare !== null && spare.chunk.size >= bytes && spare.chunk.size < bytes + unit) {
      this.#spare = null;
      this.#unseen += spare.chunk.size;
      spare.users = users;
      return spare;
    }
    const chunk = this.#arena.allocate(bytes);
    // Of what was made before this: the collector never hears of what is freed by the time of the next tensor. Memory that
    // could grow is not filled with zeros, which costs more than many kernels.
    const size = this.#unseen >= ballastStep ? this.#unseen : 0;
    const block: Block = { chunk, ballast: size > 0 ? new ArrayBuffer(size, { maxByteLength: size }) : null, users };
    this.#unseen += chunk.size - size;
    this.#dropped.register(block, chunk, chunk);
    if (bytes >= largeBytes) this.#large.set(chunk, new WeakRef(block));
    return block;
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
    return this.#holding?.address ?? guardBytes;
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

/** The value as this device made it. */
export function ownValue(value: DeviceValue, owner: Holdings): ArenaValue {
  if (value instanceof ArenaValue && value.owner === owner) return value;
  throw new DeviceError(
    `${owner.device}: tensors must be on one device, got ${show(value)} on ${value.device}. move it with x.to("${owner.device}")`,
  );
}
