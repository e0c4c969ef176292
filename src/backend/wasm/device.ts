/** The default device: kernels compiled to WebAssembly on one arena. */
import type { TypedArray } from "../../ir/dtype.js";
import type { HostValue } from "../../ir/node.js";
import type { Program } from "../../compile/loop.js";
import { compileWithPasses, defaultTarget, explainCompiled } from "../../compile/pipeline.js";
import type { Computation, Device, DeviceValue, Executable } from "../backend.js";
import { assertPresent } from "../values.js";
import { Arena } from "./arena.js";
import { type DeviceState, WasmExecutable, WorkAreas } from "./executable.js";
import { tileRows } from "./features.js";
import { copyOut, write } from "./transfer.js";
import { Holdings, WasmValue, bytesOf, ownValue, wasmName } from "./values.js";

export class WasmDevice implements Device {
  readonly name = wasmName;
  readonly #state: DeviceState;

  /** `limit`: most bytes that tensors may take together; at most, and by default, the 4 GiB that wasm32 can address. */
  constructor(options: { readonly limit?: number } = {}) {
    const arena = new Arena(options.limit);
    const areas = new WorkAreas(arena);
    this.#state = { arena, areas, holdings: new Holdings(arena, () => areas.drop()) };
  }

  upload(value: HostValue): DeviceValue {
    const { arena, holdings } = this.#state;
    const bytes = bytesOf(value);
    const result = new WasmValue(value, bytes === 0 ? null : holdings.allocate(bytes), holdings);
    write(arena, result, result.address, value.data);
    return result;
  }

  read(value: DeviceValue): TypedArray {
    assertPresent("read", value);
    const own = ownValue(value, this.#state.holdings);
    return copyOut(this.#state.arena, own, own.address);
  }

  prepare(computation: Computation): Executable {
    const compiled = compileWithPasses(computation, { ...defaultTarget, microRows: tileRows() });
    const executable = this.load(compiled.program, computation.donated);
    return {
      run: (values) => executable.run(values),
      explain: () => `${explainCompiled(compiled)}\n${executable.explain()}`,
    };
  }

  /** A program, rendered. */
  load(program: Program, donated: readonly boolean[]): Executable {
    return new WasmExecutable(program, donated, this.#state);
  }

  memory(): { readonly used: number; readonly peak: number; readonly limit: number } {
    const { used, peak, limit } = this.#state.arena;
    return { used, peak, limit };
  }
}
