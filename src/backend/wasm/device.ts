/** Kernels compiled to WebAssembly on one arena. */
import type { Target } from "../../compile/loops.js";
import { defaultTarget } from "../../compile/pipeline.js";
import { workOf } from "../../compile/walk.js";
import { InternalError } from "../../util/errors.js";
import { range } from "../../util/arrays.js";
import type { Arena } from "../arena/arena.js";
import { ArenaDevice, type ArenaOptions } from "../arena/device.js";
import type { Code, Segment } from "../arena/executable.js";
import type { Plan } from "../arena/plan.js";
import { abandoned } from "../arena/pool.js";
import { moduleOf } from "./features.js";
import { render } from "./render.js";

export class WasmDevice extends ArenaDevice {
  constructor(options: ArenaOptions = {}, name = "wasm") {
    super(name, options);
  }
  protected target(): Target {
    return defaultTarget;
  }
  protected link(plan: Plan): Code {
    return wasmCode(plan, this.state.arena);
  }
}

/** A program as a module on an arena. */
export function wasmCode(plan: Plan, arena: Arena): Code {
  const bytes = render(plan, arena.shared);
  const work = workOf(plan.program.steps, (kernel) => kernel.cost.flops);
  const module = moduleOf(bytes, work);
  const { exports } = new WebAssembly.Instance(module, { env: { memory: arena.memory, abandoned } });
  return {
    segments: range(plan.segments.length).map((i) => segment(exports[`segment${i}`])),
    parcel: arena.shared ? { kind: "wasm", module } : null,
    summary: `wasm: module of ${bytes.length} bytes`,
  };
}

const isSegment = (f: unknown): f is Segment => typeof f === "function";

function segment(exported: unknown): Segment {
  if (isSegment(exported)) return exported;
  throw new InternalError("internal: a module lacks a segment");
}
