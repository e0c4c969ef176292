/** Writes WebAssembly modules in the binary format, one instruction per call. */
import {
  type Instruction,
  type LaneMemoryOp,
  type LaneOp,
  type MemoryOp,
  type PlainOp,
  accessSize,
  opcodeOf,
} from "./opcodes.js";

const typeCodes = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;
export type WasmType = keyof typeof typeCodes;

const scratch = new DataView(new ArrayBuffer(8));

/** A growing list of bytes with the encodings of the binary format. */
export class Bytes {
  #data = new Uint8Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }
  byte(x: number): void {
    if (this.#length === this.#data.length) this.#reserve(1);
    this.#data[this.#length++] = x;
  }
  /** Unsigned LEB128. */
  unsigned(x: number): void {
    while (x >= 0x80) {
      this.byte((x % 0x80) | 0x80);
      x = Math.floor(x / 0x80);
    }
    this.byte(x);
  }
  /** Signed LEB128 of 32 bits. */
  signed(x: number): void {
    let rest = x | 0;
    while (rest < -0x40 || rest >= 0x40) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }
  /** Signed LEB128 of 64 bits. */
  signed64(x: bigint): void {
    let rest = BigInt.asIntN(64, x);
    while (rest < -0x40n || rest >= 0x40n) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.byte(Number(rest & 0x7fn));
  }
  text(x: string): void {
    const encoded = new TextEncoder().encode(x);
    this.unsigned(encoded.length);
    this.raw(encoded);
  }
  raw(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#data.length) this.#reserve(bytes.length);
    this.#data.set(bytes, this.#length);
    this.#length += bytes.length;
  }
  /** `part` with its length in front. */
  sized(part: Bytes): void {
    this.unsigned(part.length);
    this.raw(part.view());
  }
  view(): Uint8Array<ArrayBuffer> {
    return this.#data.subarray(0, this.#length);
  }
  #reserve(more: number): void {
    const larger = new Uint8Array(Math.max(2 * this.#data.length, this.#length + more));
    larger.set(this.#data);
    this.#data = larger;
  }
}

/** A run of instructions. */
export class Code {
  readonly bytes = new Bytes();

  op(name: PlainOp): this {
    return this.#instruction(name);
  }
  /** A load, store or atomic at the address on the stack (below the value stored) plus `offset` bytes. */
  memory(name: MemoryOp, offset = 0): this {
    this.#instruction(name).#unsigned(accessSize(name));
    return this.#unsigned(offset);
  }
  laneMemory(name: LaneMemoryOp, lane: number, offset = 0): this {
    this.#instruction(name).#unsigned(accessSize(name));
    this.#unsigned(offset).bytes.byte(lane);
    return this;
  }
  lane(name: LaneOp, lane: number): this {
    this.#instruction(name).bytes.byte(lane);
    return this;
  }
  /** Bytes of the two vectors on the stack, chosen by number (0 to 31). */
  shuffle(lanes: readonly number[]): this {
    this.#prefixed(0xfd, 0x0d);
    for (const x of lanes) this.bytes.byte(x);
    return this;
  }
  i32(x: number): this {
    this.#byte(0x41).bytes.signed(x);
    return this;
  }
  i64(x: bigint): this {
    this.#byte(0x42).bytes.signed64(x);
    return this;
  }
  f32(x: number): this {
    scratch.setFloat32(0, x, true);
    return this.#byte(0x43).#scratch(4);
  }
  f64(x: number): this {
    scratch.setFloat64(0, x, true);
    return this.#byte(0x44).#scratch(8);
  }
  v128(bytes: Uint8Array): this {
    this.#prefixed(0xfd, 0x0c).bytes.raw(bytes);
    return this;
  }
  get(local: number): this {
    return this.#byte(0x20).#unsigned(local);
  }
  set(local: number): this {
    return this.#byte(0x21).#unsigned(local);
  }
  tee(local: number): this {
    return this.#byte(0x22).#unsigned(local);
  }
  call(index: number): this {
    return this.#byte(0x10).#unsigned(index);
  }
  block(): this {
    return this.#byte(0x02).#byte(0x40);
  }
  loop(): this {
    return this.#byte(0x03).#byte(0x40);
  }
  /** Takes the condition from the stack; `result` is the type both arms leave there. */
  if(result?: WasmType): this {
    return this.#byte(0x04).#byte(result === undefined ? 0x40 : typeCodes[result]);
  }
  else(): this {
    return this.#byte(0x05);
  }
  end(): this {
    return this.#byte(0x0b);
  }
  /** Jumps to the end of the block (or the start of the loop) `depth` levels out. */
  br(depth: number): this {
    return this.#byte(0x0c).#unsigned(depth);
  }
  brIf(depth: number): this {
    return this.#byte(0x0d).#unsigned(depth);
  }
  /** Jumps by the number on the stack; numbers past the list take `otherwise`. */
  brTable(depths: readonly number[], otherwise: number): this {
    this.#byte(0x0e).#unsigned(depths.length);
    for (const d of depths) this.#unsigned(d);
    return this.#unsigned(otherwise);
  }
  return(): this {
    return this.#byte(0x0f);
  }
  unreachable(): this {
    return this.#byte(0x00);
  }
  append(other: Code): this {
    this.bytes.raw(other.bytes.view());
    return this;
  }

  #byte(x: number): this {
    this.bytes.byte(x);
    return this;
  }
  #unsigned(x: number): this {
    this.bytes.unsigned(x);
    return this;
  }
  #scratch(length: number): this {
    this.bytes.raw(new Uint8Array(scratch.buffer, 0, length));
    return this;
  }
  #prefixed(prefix: number, code: number): this {
    return this.#byte(prefix).#unsigned(code);
  }
  #instruction(name: Instruction): this {
    const { prefix, code } = opcodeOf(name);
    return prefix === 0 ? this.#byte(code) : this.#prefixed(prefix, code);
  }
}

/** A function being written: parameters are its first locals. */
export class FunctionBuilder {
  readonly index: number;
  readonly parameters: readonly WasmType[];
  readonly results: readonly WasmType[];
  code = new Code();
  readonly #locals: WasmType[] = [];

  constructor(index: number, parameters: readonly WasmType[], results: readonly WasmType[]) {
    this.index = index;
    this.parameters = parameters;
    this.results = results;
  }
  local(type: WasmType): number {
    this.#locals.push(type);
    return this.parameters.length + this.#locals.length - 1;
  }
  /** The function as the code section holds it. */
  encode(): Bytes {
    const groups: { type: WasmType; count: number }[] = [];
    for (const type of this.#locals) {
      const last = groups.at(-1);
      if (last?.type === type) last.count++;
      else groups.push({ type, count: 1 });
    }
    const body = new Bytes();
    body.unsigned(groups.length);
    for (const { type, count } of groups) {
      body.unsigned(count);
      body.byte(typeCodes[type]);
    }
    body.raw(this.code.bytes.view());
    body.byte(0x0b);
    return body;
  }
}

/** A module that imports one memory, and maybe functions, and defines functions. */
export class ModuleBuilder {
  readonly #types: Bytes[] = [];
  readonly #typeNumbers = new Map<string, number>();
  readonly #memory: Bytes;
  readonly #imports: Bytes[] = [];
  readonly #functions: FunctionBuilder[] = [];
  readonly #exports: { readonly name: string; readonly index: number }[] = [];

  /** The memory is imported as `env.memory`; a shared one is declared with its maximum of 65536 pages. */
  constructor(options: { readonly shared: boolean }) {
    this.#memory = new Bytes();
    this.#memory.text("env");
    this.#memory.text("memory");
    this.#memory.byte(0x02);
    this.#memory.byte(options.shared ? 0x03 : 0x01);
    this.#memory.unsigned(1);
    this.#memory.unsigned(65536);
  }
  /** The index of a function imported as `env.name`. Imports come before the first function that is defined. */
  imported(name: string, parameters: readonly WasmType[], results: readonly WasmType[]): number {
    const entry = new Bytes();
    entry.text("env");
    entry.text(name);
    entry.byte(0x00);
    entry.unsigned(this.#typeOf({ parameters, results }));
    return this.#imports.push(entry) - 1;
  }
  function(parameters: readonly WasmType[], results: readonly WasmType[], exported?: string): FunctionBuilder {
    const builder = new FunctionBuilder(this.#imports.length + this.#functions.length, parameters, results);
    this.#functions.push(builder);
    if (exported !== undefined) this.#exports.push({ name: exported, index: builder.index });
    return builder;
  }
  finish(): Uint8Array<ArrayBuffer> {
    const typeIndices = this.#functions.map((f) => this.#typeOf(f));
    const module = new Bytes();
    module.raw(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00));
    section(module, 1, this.#types, (out, type) => out.raw(type.view()));
    section(module, 2, [this.#memory, ...this.#imports], (out, entry) => out.raw(entry.view()));
    section(module, 3, typeIndices, (out, index) => out.unsigned(index));
    section(module, 7, this.#exports, (out, { name, index }) => {
      out.text(name);
      out.byte(0x00);
      out.unsigned(index);
    });
    section(module, 10, this.#functions, (out, f) => out.sized(f.encode()));
    return module.view().slice();
  }
  #typeOf({ parameters, results }: Pick<FunctionBuilder, "parameters" | "results">): number {
    const key = `${parameters.join()}:${results.join()}`;
    const known = this.#typeNumbers.get(key);
    if (known !== undefined) return known;
    const type = new Bytes();
    type.byte(0x60);
    for (const list of [parameters, results]) {
      type.unsigned(list.length);
      for (const t of list) type.byte(typeCodes[t]);
    }
    this.#typeNumbers.set(key, this.#types.length);
    return this.#types.push(type) - 1;
  }
}

function section<T>(module: Bytes, id: number, items: readonly T[], write: (out: Bytes, item: T) => void): void {
  const content = new Bytes();
  content.unsigned(items.length);
  for (const x of items) write(content, x);
  module.byte(id);
  module.sized(content);
}
