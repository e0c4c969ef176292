import assert from "node:assert/strict";
import { listing } from "#src/api/listing.js";
import type { Target } from "#src/compile/loops.js";
import { type Compiled, compileWithPasses, defaultTarget, type Source } from "#src/compile/pipeline.js";
import type { Program } from "#src/compile/loop.js";
import { interpret } from "#src/ir/interpret.js";
import { isFloat, roundTo } from "#src/ir/dtype.js";
import type { NdArray, Node, SampleInput } from "#src/ir/node.js";
import { type Aval, sizeOf } from "#src/ir/shape.js";
import { runProgram } from "./interpreter.js";
import { verify } from "./verify.js";

/** Numbers from 0 to 1, always the same for one seed. */
export function generator(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function drawn(input: SampleInput, next: () => number): NdArray {
  const { dtype, shape, values } = input;
  const [low, high] =
    input.domain ?? (dtype === "bool" ? [0, 2] : isFloat(dtype) ? [-2, 2] : dtype === "uint32" ? [0, 9] : [-9, 9]);
  const data = Float64Array.from({ length: sizeOf(shape) }, (_, i) => {
    const x = values ? values[i] : low + next() * (high - low);
    return roundTo(dtype, isFloat(dtype) ? x : Math.floor(x));
  });
  return { shape, data };
}

export function assertClose(actual: NdArray, expected: NdArray, aval: Aval, tolerance: number, what: string): void {
  assert.deepEqual(actual.shape, expected.shape);
  const scale = expected.data.reduce((most, y) => (Number.isFinite(y) ? Math.max(most, Math.abs(y)) : most), 1);
  expected.data.forEach((y, i) => {
    const x = actual.data[i];
    const ok = Object.is(x, y) || x === y || (isFloat(aval.dtype) && Math.abs(x - y) <= tolerance * scale);
    assert.ok(ok, `${what}: element ${i} is ${x}, expected ${y}`);
  });
}

/** What the compiler makes of it, which follows the grammar of the loop form. */
function compiledFrom(source: Source, target: Target): Compiled {
  const compiled = compileWithPasses(source, target);
  verify(compiled.program, target.vectorBytes);
  return compiled;
}

export const compileProgram = (source: Source, target = defaultTarget): Program => compiledFrom(source, target).program;

/** Compiles, runs, compares every output with the reference rules; returns the program. */
export function check(
  inputs: readonly Node[],
  outputs: readonly Node[],
  values: readonly NdArray[],
  { donated = inputs.map(() => false), tolerance = 3e-5, what = "program", target = defaultTarget } = {},
): Program {
  const compiled = compiledFrom({ inputs, outputs, donated }, target);
  const { program } = compiled;
  const expected = interpret(inputs, outputs, values);
  let actual: NdArray[];
  try {
    actual = runProgram(program, values);
    outputs.forEach((node, i) => assertClose(actual[i], expected[i], node.aval, tolerance, `${what}, output ${i}`));
  } catch (error) {
    if (error instanceof Error) error.message += `\n${listing(compiled)}`;
    throw error;
  }
  return program;
}
