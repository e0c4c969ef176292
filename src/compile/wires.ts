/**
 * The first pass: nodes become wires, one for each array value. Composites and identities dissolve, equal applications
 * become one wire, what does not change inside a loop moves out of it, and bodies become nested blocks.
 */
import type { Graph } from "../ir/graph.js";
import type { Node, NdArray } from "../ir/node.js";
import { topological } from "../ir/rewrite.js";
import { type Combine, type Expr, type Lowering, type Operand, s } from "../ir/scalar.js";
import type { Aval, Shape } from "../ir/shape.js";
import { zip } from "../util/arrays.js";
import { InternalError, invariant } from "../util/errors.js";
import { identity, keyOf, remembered } from "../util/key.js";
import { type IndexTerm, type Term, Terms } from "./terms.js";

/** Where an array's elements come from. */
export type Source =
  | { readonly kind: "input"; readonly index: number }
  /** Memory of the caller that receives an output. */
  | { readonly kind: "output"; readonly index: number }
  | { readonly kind: "map"; value(at: readonly Term[]): Term }
  | {
      readonly kind: "reduce";
      readonly combine: Combine;
      readonly over: Shape;
      value(at: readonly Term[], over: readonly Term[]): Term;
    }
  | {
      readonly kind: "prefix";
      readonly combine: Combine;
      readonly axis: number;
      readonly reverse: boolean;
      value(at: readonly Term[]): Term;
    }
  | {
      readonly kind: "scatter";
      readonly over: Shape;
      initial(at: readonly Term[]): Term;
      inside(over: readonly Term[]): Term;
      target(over: readonly Term[]): readonly Term[];
      value(over: readonly Term[]): Term;
    }
  /** The two places between which a loop's carry alternates; axis 0 chooses. */
  | { readonly kind: "slots" }
  | { readonly kind: "result"; readonly call: Call };

/** One array value of a program. */
export interface Wire extends Aval {
  readonly kind: "wire";
  readonly id: number;
  readonly name: string;
  readonly block: Block;
  readonly source: Source;
  /** The wire whose memory this one is, at another moment. */
  readonly same: Wire | null;
}

/** A step that is no kernel. Its entry comes after everything inside it and before its results. */
export interface Call {
  readonly kind: "call";
  readonly name: string;
  readonly block: Block;
  readonly work:
    | {
        readonly kind: "routine";
        readonly inputs: readonly Wire[];
        run(inputs: readonly NdArray[]): readonly NdArray[];
      }
    | {
        readonly kind: "loop";
        readonly body: Block;
        readonly reverse: boolean;
        readonly slots: readonly Wire[];
        /** What fills the slots before the first time. */
        readonly start: readonly Delivery[];
      }
    | { readonly kind: "branch"; readonly selector: Wire; readonly cases: readonly Block[] };
  readonly results: readonly Wire[];
}

/** `wire` is to be written into `target`, at the leading indices `prefix`, whenever `block` runs. */
export interface Delivery {
  readonly wire: Wire;
  readonly target: Wire;
  readonly prefix: readonly Term[];
  readonly block: Block;
}

/** The program itself, or the body of a loop or of a case of a branch. */
export interface Block {
  readonly id: number;
  readonly parent: Block | null;
  readonly depth: number;
  /** The iteration number of a loop's body. */
  readonly counter: IndexTerm | null;
  /** How often the block runs. */
  readonly times: number;
  readonly deliveries: Delivery[];
}

export interface Wiring {
  readonly terms: Terms;
  /** Wires and calls, each after what it uses. */
  readonly entries: readonly (Wire | Call)[];
  readonly wires: readonly Wire[];
  readonly blocks: readonly Block[];
  readonly root: Block;
  readonly merged: number;
}

/** The nodes of one graph that already have wires; inner graphs see the outer ones too. */
class Bindings {
  readonly #own = new Map<Node, readonly Wire[]>();
  readonly #outer: Bindings | null;
  constructor(outer: Bindings | null) {
    this.#outer = outer;
  }
  get(node: Node): readonly Wire[] | undefined {
    return this.#own.get(node) ?? this.#outer?.get(node);
  }
  set(node: Node, wires: readonly Wire[]): void {
    this.#own.set(node, wires);
  }
}

class Wirer {
  readonly terms = new Terms();
  readonly entries: (Wire | Call)[] = [];
  readonly wires: Wire[] = [];
  readonly blocks: Block[] = [];
  readonly #known = new Map<string, readonly Wire[]>();
  readonly #made = new Map<Term, Term>();
  merged = 0;

  block(parent: Block | null, length: number, counts: boolean): Block {
    const block: Block = {
      id: this.blocks.length,
      parent,
      depth: parent === null ? 0 : parent.depth + 1,
      counter: counts ? this.terms.index(length) : null,
      times: (parent?.times ?? 1) * length,
      deliveries: [],
    };
    this.blocks.push(block);
    return block;
  }

  wire(name: string, aval: Aval, block: Block, source: Source, same: Wire | null = null): Wire {
    const { dtype, shape } = aval;
    const id = this.wires.length;
    /** A formula that is made once for each place. */
    const once = (value: (at: readonly Term[]) => Term) => (at: readonly Term[]) =>
      remembered(this.#made, this.terms.load(dtype, id, at), () => value(at));
    const found = source.kind === "map" ? { ...source, value: once((at) => source.value(at)) } : source;
    const wire: Wire = { kind: "wire", id, name, dtype, shape, block, source: found, same };
    this.wires.push(wire);
    this.entries.push(wire);
    return wire;
  }

  /** Wires of `outputs`, computed inside `block` as far as they depend on it. */
  graph(outputs: readonly Node[], bindings: Bindings, block: Block): Wire[] {
    const value = (node: Node): readonly Wire[] => {
      const wires = bindings.get(node);
      invariant(wires !== undefined, `${node} is used before it is made`);
      return wires;
    };
    for (const node of topological(outputs, (n) => bindings.get(n) === undefined)) {
      if (bindings.get(node)) continue;
      const inputs = node.inputs.map(value);
      if (node.part !== null) bindings.set(node, [inputs[0][node.part]]);
      else
        bindings.set(
          node,
          this.#apply(
            node,
            inputs.map(([x]) => x),
            bindings,
            block,
          ),
        );
    }
    return outputs.map((x) => value(x)[0]);
  }

  /** The outermost block that sees all inputs, as far as loops lead there; a case of a branch keeps what is its own. */
  #home(inputs: readonly Wire[], block: Block): Block {
    const deepest = Math.max(0, ...inputs.map((x) => x.block.depth));
    let home = block;
    while (home.parent !== null && home.counter !== null && home.depth > deepest) home = home.parent;
    return home;
  }

  #apply(node: Node, inputs: readonly Wire[], bindings: Bindings, block: Block): readonly Wire[] {
    if (node.value !== null) throw new InternalError(`internal: ${node} has a value but is no input of the program`);
    const home = this.#home(inputs, block);
    const key = `${identity(node.primitive)}|${keyOf(node.params)}|${inputs.map((x) => x.id)}|${home.id}`;
    const known = this.#known.get(key);
    if (known) {
      this.merged++;
      return known;
    }
    const operands = inputs.map((x): Operand => ({
      dtype: x.dtype,
      shape: x.shape,
      at: (index) => s.load(x.dtype, x.id, index),
    }));
    const lowering = node.primitive.lower(operands, node.params, node.outputs);
    const wires = this.#lowered(node, lowering, inputs, bindings, home, block);
    this.#known.set(key, wires);
    return wires;
  }

  #lowered(
    node: Node,
    lowering: Lowering,
    inputs: readonly Wire[],
    bindings: Bindings,
    home: Block,
    block: Block,
  ): readonly Wire[] {
    const { name } = node.primitive;
    switch (lowering.form) {
      case "inline":
        return this.#bodyOf(lowering.body, inputs, bindings, block);
      case "map":
      case "reduce":
      case "prefix":
      case "scatter":
        return [this.wire(name, node.aval, home, this.#source(lowering))];
      case "routine":
        return this.#results({ kind: "routine", inputs, run: lowering.run }, node, home);
      case "loop":
        return this.#loop(node, lowering, inputs, bindings, home);
      case "branch":
        return this.#branch(node, lowering.bodies, inputs, bindings, home);
      case "input":
        throw new InternalError(`internal: ${node} is not among the inputs of the program`);
    }
  }

  #source(lowering: Lowering & { form: "map" | "reduce" | "prefix" | "scatter" }): Source {
    const { terms } = this;
    const boxed = (at: readonly Term[]) => at.map((t) => terms.box(t));
    /** A formula over expressions as one over terms. */
    const over = (formula: (at: readonly Expr[]) => Expr) => (at: readonly Term[]) => terms.from(formula(boxed(at)));
    switch (lowering.form) {
      case "map":
        return { kind: "map", value: over((at) => lowering.value(at)) };
      case "prefix":
        return { ...lowering, kind: "prefix", value: over((at) => lowering.value(at)) };
      case "reduce":
        return { ...lowering, kind: "reduce", value: (at, k) => terms.from(lowering.value(boxed(at), boxed(k))) };
      case "scatter":
        return {
          kind: "scatter",
          over: lowering.over,
          initial: over((at) => lowering.initial(at)),
          inside: over((at) => lowering.inside(at)),
          target: (at) => lowering.target(boxed(at)).map((e) => terms.from(e)),
          value: over((at) => lowering.value(at)),
        };
    }
  }

  #bodyOf(body: Graph, args: readonly Wire[], outer: Bindings, block: Block): Wire[] {
    const bindings = new Bindings(outer);
    for (const [input, arg] of zip(body.inputs, args)) bindings.set(input, [arg]);
    return this.graph(body.outputs, bindings, block);
  }

  #results(work: Call["work"], node: Node, block: Block): Wire[] {
    const results: Wire[] = [];
    const call: Call = { kind: "call", name: node.primitive.name, block, work, results };
    this.entries.push(call);
    for (const aval of node.outputs) results.push(this.wire(call.name, aval, block, { kind: "result", call }));
    return results;
  }

  #branch(node: Node, bodies: readonly Graph[], inputs: readonly Wire[], outer: Bindings, block: Block): Wire[] {
    const cases = bodies.map(() => this.block(block, 1, false));
    const outputs = zip(bodies, cases).map(([body, inside]) => this.#bodyOf(body, inputs.slice(1), outer, inside));
    const results = this.#results({ kind: "branch", selector: inputs[0], cases }, node, block);
    for (const [inside, wires] of zip(cases, outputs))
      for (const [wire, target] of zip(wires, results)) deliver(wire, target, [], inside);
    return results;
  }

  #loop(
    node: Node,
    loop: Lowering & { form: "loop" },
    inputs: readonly Wire[],
    outer: Bindings,
    block: Block,
  ): readonly Wire[] {
    const { terms } = this;
    const { name } = node.primitive;
    const { length, reverse } = loop;
    const [carriesFrom, slicesFrom] = [loop.constants, loop.constants + loop.carries];
    const initial = inputs.slice(carriesFrom, slicesFrom);
    const slots = initial.map((x) =>
      this.wire(name, { dtype: x.dtype, shape: [2, ...x.shape] }, block, { kind: "slots" }),
    );
    const start = zip(initial, slots).map(([wire, target]) => ({ wire, target, prefix: [terms.int(0)], block }));

    const body = this.block(block, length, true);
    const counter: Term = body.counter ?? terms.int(0);
    const turn = reverse ? terms.sum([[counter, -1]], length - 1) : counter;
    const parity = length === 0 ? terms.int(0) : terms.remainder(turn, 2);
    const view = (of: Wire, first: Term, shape: Shape, where: Block) =>
      this.wire(name, { dtype: of.dtype, shape }, where, {
        kind: "map",
        value: (at) => terms.load(of.dtype, of.id, [first, ...at]),
      });
    const carries = zip(slots, initial).map(([slot, x]) => view(slot, parity, x.shape, body));
    const slices = inputs.slice(slicesFrom).map((x) => view(x, counter, x.shape.slice(1), body));
    const outputs = this.#bodyOf(loop.body, [...inputs.slice(0, carriesFrom), ...carries, ...slices], outer, body);

    const results: Wire[] = [];
    const call: Call = { kind: "call", name, block, work: { kind: "loop", body, reverse, slots, start }, results };
    this.entries.push(call);
    for (const [wire, target] of zip(outputs.slice(0, loop.carries), slots))
      deliver(wire, target, [terms.sum([[parity, -1]], 1)], body);
    const settled = slots.map((slot) => {
      const wire = this.wire(name, slot, block, { kind: "result", call }, slot);
      results.push(wire);
      return wire;
    });
    const stacked = outputs.slice(loop.carries).map((y, i) => {
      const wire = this.wire(name, node.outputs[loop.carries + i], block, { kind: "result", call });
      results.push(wire);
      deliver(y, wire, [counter], body);
      return wire;
    });
    const finals = zip(settled, initial).map(([slot, x]) => view(slot, terms.int(length % 2), x.shape, block));
    return [...finals, ...stacked];
  }
}

function deliver(wire: Wire, target: Wire, prefix: readonly Term[], block: Block): void {
  block.deliveries.push({ wire, target, prefix, block });
}

/** The wires of a computation; its outputs are deliveries of the root block. */
export function wireUp(inputs: readonly Node[], outputs: readonly Node[]): Wiring {
  const wirer = new Wirer();
  const root = wirer.block(null, 1, false);
  const bindings = new Bindings(null);
  inputs.forEach((node, index) => {
    if (bindings.get(node)) throw new InternalError(`internal: ${node} is given twice as an input`);
    bindings.set(node, [wirer.wire(node.primitive.name, node.aval, root, { kind: "input", index })]);
  });
  const wires = wirer.graph(outputs, bindings, root);
  wires.forEach((wire, index) => deliver(wire, wirer.wire("output", wire, root, { kind: "output", index }), [], root));
  const { terms, entries, blocks, merged } = wirer;
  return { terms, entries, wires: wirer.wires, blocks, root, merged };
}
