/**
 * The graph. A node applies a primitive to other nodes; it knows shapes and dtypes, and nothing of derivatives, devices
 * or tensors.
 */
import { InternalError } from "../util/errors.js";
import type { DType, TypedArray } from "./dtype.js";
import { type Aval, type Shape, show } from "./shape.js";
import type { Lowering, Operand } from "./scalar.js";

/** A whole array in float64 arithmetic: what `reference` rules work on, whatever the dtype. */
export interface NdArray {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** An input of a sample: its values are drawn from `domain` (all within the dtype), or given, also for several copies. */
export interface SampleInput extends Aval {
  readonly domain?: readonly [number, number];
  readonly values?: readonly number[];
}

/** Inputs on which the conformance suite runs every rule of a primitive. */
export interface Sample<P> {
  readonly inputs: readonly SampleInput[];
  readonly params: P;
}

/** Wrong inputs, and the text their error must contain. */
export interface ErrorSample<P> {
  readonly inputs: readonly Aval[];
  readonly params: P;
  readonly message: string;
}

/** Everything the framework knows about one operation. There is no other place to look. */
export interface Primitive<P = unknown> {
  readonly name: string;
  /** Shapes and dtypes of the outputs, or the user's error. Runs at every application. */
  infer(inputs: readonly Aval[], params: P): readonly Aval[];
  /** Cotangent of each input from those of the outputs; `null` is a known zero. */
  vjp(node: Node<P>, cotangents: readonly (Node | null)[]): readonly (Node | null)[];
  /** Tangent of each output from those of the inputs; `null` is a known zero. */
  jvp(node: Node<P>, tangents: readonly (Node | null)[]): readonly (Node | null)[];
  /** The outputs when flagged inputs have a batch axis of length `size` in front; every result has one in front. */
  batch(inputs: readonly Node[], batched: readonly boolean[], size: number, params: P): readonly Node[];
  /** What is computed, in the closed language that every backend renders. */
  lower(inputs: readonly Operand[], params: P, outputs: readonly Aval[]): Lowering;
  /** The same in plain float64 loops, written for obviousness and independently of `lower`. */
  reference(inputs: readonly NdArray[], params: P, outputs: readonly Aval[]): readonly NdArray[];
  readonly samples: readonly Sample<P>[];
  readonly errors: readonly ErrorSample<P>[];
}

/** The rule of a primitive that has no derivative by nature: every cotangent or tangent is a known zero. */
export const notDifferentiable = (): readonly null[] => [];

/**
 * The extent of a transform: between entering and leaving `grad`, `vmap`, … Nodes remember the live scopes they depend
 * on. In an abstract scope (`vmap`, `compile`) values cannot be read.
 */
export interface Scope {
  readonly name: string;
  readonly abstract: boolean;
  live: boolean;
}

/** A computed value: on the host, or on a device that extends this with its own class. */
export interface Stored extends Aval {
  /** `"host"` or the name of the device that made it. */
  readonly device: string;
}

/** A value held by JavaScript. */
export interface HostValue extends Stored {
  readonly device: "host";
  readonly data: TypedArray;
}

const noScopes: readonly Scope[] = [];
const noInputs: readonly Node[] = [];
let nextId = 0;

/** One application of a primitive, or one output (`part`) of an application that has several. */
export class Node<P = unknown> {
  /** Grows with every node, so that inputs always have smaller ids than the nodes that use them. */
  readonly id: number = nextId++;
  readonly primitive: Primitive<P>;
  readonly params: P;
  readonly outputs: readonly Aval[];
  /** Which output of `inputs[0]` this is; `null` for an application. */
  readonly part: number | null;
  #inputs: readonly Node[];
  #scopes: readonly Scope[];
  /** Length of the longest chain of nodes without a value below this one. */
  depth: number;
  value: Stored | null = null;
  /** How many nodes that may still be computed have this one among their inputs. */
  readers = 0;
  /** The number of the last walk through a graph that met it. */
  walk = 0;
  /** Whether a run has computed it on its way to something else, and dropped its value. */
  passed = false;

  private constructor(
    primitive: Primitive<P>,
    inputs: readonly Node[],
    params: P,
    outputs: readonly Aval[],
    part: number | null,
  ) {
    this.primitive = primitive;
    this.#inputs = inputs;
    this.params = params;
    this.outputs = outputs;
    this.part = part;
    this.#scopes = mergeScopes(inputs);
    let depth = 0;
    for (const x of inputs) {
      x.readers++;
      if (x.value === null && x.depth >= depth) depth = x.depth + 1;
    }
    this.depth = depth;
  }

  /** Applies a primitive; throws the primitive's own error when the inputs do not fit. */
  static apply<P>(primitive: Primitive<P>, inputs: readonly Node[], params: P): Node<P> {
    return new Node(primitive, inputs, params, primitive.infer(avalsOf(inputs), params), null);
  }

  /** The outputs of an application as single values: the node itself, or one part for each. */
  static parts<P>(node: Node<P>): readonly Node[] {
    if (node.outputs.length === 1) return [node];
    return node.outputs.map((aval, i) => new Node(node.primitive, [node], node.params, [aval], i));
  }

  /** A leaf whose value is known; its params are what is known of the value. */
  static valued<P extends Aval>(primitive: Primitive<P>, params: P, value: Stored): Node<P> {
    const node = new Node(primitive, noInputs, params, [params], null);
    node.value = value;
    return node;
  }

  /** A leaf that stands for the start of a scope: a marked or placeholder value. */
  static scoped<P>(primitive: Primitive<P>, inputs: readonly Node[], params: P, scope: Scope): Node<P> {
    const node = Node.apply(primitive, inputs, params);
    node.#scopes = [...node.#scopes, scope];
    return node;
  }

  get inputs(): readonly Node[] {
    return this.#inputs;
  }
  /** The only output's dtype and shape. */
  get aval(): Aval {
    const { outputs } = this;
    if (outputs.length !== 1)
      throw new InternalError(`internal: ${this.primitive.name} has ${outputs.length} outputs; take a part`);
    return outputs[0];
  }
  get dtype(): DType {
    return this.aval.dtype;
  }
  get shape(): Shape {
    return this.aval.shape;
  }

  /** Whether it is a leaf whose value can only come from outside: data, or an argument. */
  get isInput(): boolean {
    return this.#inputs.length === 0 && this.primitive.lower([], this.params, this.outputs).form === "input";
  }

  /** The transforms still running that this node depends on. */
  get scopes(): readonly Scope[] {
    if (this.#scopes.length > 0 && this.#scopes.some((x) => !x.live && !x.abstract))
      this.#scopes = this.#scopes.filter((x) => x.live || x.abstract);
    return this.#scopes;
  }

  /**
   * Gives the node its computed value. Unless a running transform may still walk it, it lets go of its inputs, so that
   * what was computed on the way can be freed.
   */
  settle(value: Stored): void {
    this.value = value;
    this.depth = 0;
    if (this.scopes.length > 0) return;
    for (const x of this.#inputs) x.readers--;
    this.#inputs = [];
  }

  toString(): string {
    return `${this.primitive.name}: ${this.outputs.map(show).join(", ")}`;
  }
}

export const avalsOf = (nodes: readonly Node[]): Aval[] => nodes.map((x) => x.aval);

function mergeScopes(inputs: readonly Node[]): readonly Scope[] {
  let merged = noScopes;
  for (const x of inputs) {
    const own = x.scopes;
    if (own.length === 0 || own === merged) continue;
    merged =
      merged.length === 0 ? own : own.every((o) => merged.includes(o)) ? merged : [...new Set([...merged, ...own])];
  }
  return merged;
}
