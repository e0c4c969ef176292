/**
 * Terms become statements: every term is computed in the outermost loop that knows all it depends on, once, and as a
 * vector where it varies along the vectorised index.
 */
import type { ScalarType } from "../ir/scalar.js";
import { range } from "../util/arrays.js";
import { InternalError, invariant } from "../util/errors.js";
import { remembered } from "../util/key.js";
import type { Lanes, Local, Statement, Value } from "./loop.js";
import type { AffineTerm, FetchTerm, IndexTerm, Part, Term, Terms } from "./terms.js";
import { childrenOf, factorOf, reachable, without } from "./terms.js";
import { local, set, store, v } from "./values.js";
import { operandsOf } from "./walk.js";

interface Frame {
  readonly statements: Statement[];
  /** Scalars already computed here. */
  readonly values: Map<Term, Value>;
  /** Vectors, by the vectorised stretch they belong to. */
  readonly vectors: Map<object, Map<Term, Value>>;
  /** Scalars repeated in every lane, by the number of lanes. */
  readonly splats: Map<Lanes, Map<Term, Value>>;
  /** The first lanes of vectors, for addresses. */
  readonly firsts: Map<Term, Value>;
}

interface Binding {
  readonly depth: number;
  readonly value: Value;
}

/** Values nested deeper than this get a local, so that nobody who walks them runs out of stack. */
const deepest = 24;

export class Emitter {
  readonly terms: Terms;
  readonly #frames: Frame[] = [newFrame()];
  readonly #bound = new Map<number, Binding>();
  readonly #uses = new Map<Term, number>();
  readonly #heights = new WeakMap<Value, number>();
  #vector: { readonly index: IndexTerm | null; readonly lanes: Lanes } = { index: null, lanes: 1 };
  readonly #turns = new WeakMap<object, IndexTerm>();
  /** The depth of the loop that a value now being made is for. */
  #depth: number | null = null;
  #names = 0;

  constructor(terms: Terms, counters: ReadonlyMap<number, number>) {
    this.terms = terms;
    for (const [id, loop] of counters)
      this.#bound.set(id, { depth: 0, value: { kind: "counter", type: "int32", lanes: 1, loop } });
  }

  get statements(): readonly Statement[] {
    return this.#frames[0].statements;
  }
  get lanes(): Lanes {
    return this.#vector.lanes;
  }
  /** The vectorised index. */
  get along(): IndexTerm | null {
    return this.#vector.index;
  }

  local(prefix: string, type: ScalarType, lanes: Lanes = 1): Local {
    return local(`${prefix}${this.#names++}`, type, lanes);
  }
  add(statement: Statement): void {
    this.#frame().statements.push(statement);
  }
  /** The value, in a local. */
  keep(prefix: string, value: Value): Value {
    const name = this.local(prefix, value.type, value.lanes);
    this.add(set(name, value));
    return v.get(name);
  }
  #frame(): Frame {
    return this.#frames[this.#frames.length - 1];
  }

  /** Tells which terms are going to be asked for, so that those used once need no local. */
  expect(roots: readonly Term[]): void {
    const use = (t: Term) => this.#uses.set(t, (this.#uses.get(t) ?? 0) + 1);
    roots.forEach(use);
    for (const t of reachable(roots)) childrenOf(t).forEach(use);
  }

  /** What an index or hole stands for from here to the end of the current loop body. */
  bind(term: Term, value: Value): void {
    this.#bound.set(term.id, { depth: this.#frames.length - 1, value });
  }

  #nested(body: () => void): Statement[] {
    const frame = newFrame();
    this.#frames.push(frame);
    body();
    this.#frames.pop();
    const depth = this.#frames.length;
    for (const [id, b] of this.#bound) if (b.depth >= depth) this.#bound.delete(id);
    return frame.statements;
  }

  /** A loop whose counter is `index`. */
  loop(index: IndexTerm, from: Value, to: Value, step: number, body: () => void): void {
    if (from.kind === "const" && to.kind === "const" && to.value - from.value <= step) {
      if (to.value <= from.value) return;
      const once = () => {
        this.bind(index, from);
        body();
      };
      this.#nested(once).forEach((s) => this.add(s));
      return;
    }
    const counter = this.local("i", "int32");
    const statements = this.#nested(() => {
      this.bind(index, v.get(counter));
      body();
    });
    if (statements.length > 0) this.add({ kind: "loop", index: counter, from, to, step, body: statements });
  }

  /** Inside, terms that depend on `index` are vectors of its `lanes` successive values. */
  vectorized(index: IndexTerm | null, lanes: Lanes, body: () => void): void {
    const outer = this.#vector;
    this.#vector = { index, lanes };
    body();
    this.#vector = outer;
  }

  when(condition: Value, then: () => void, otherwise: () => void = () => {}): void {
    this.add({ kind: "if", condition, then: this.#nested(then), otherwise: this.#nested(otherwise) });
  }

  /** The term with the vectorised index (or another) moved on by `by`. */
  shifted(term: Term, index: IndexTerm, by: number): Term {
    return by === 0 ? term : this.terms.substitution(new Map([[index, this.terms.sum([[index, 1]], by)]]))(term);
  }

  varies(term: Term): boolean {
    if (this.#vector.lanes === 1) return false;
    for (const id of this.terms.depends(term))
      if (id === this.#vector.index?.id || (this.#bound.get(id)?.value.lanes ?? 1) > 1) return true;
    return false;
  }

  /** The value of a term here: a vector if it varies along the vectorised index, otherwise a scalar. */
  value(term: Term): Value {
    return this.#made("values", term, () => (this.varies(term) ? this.#varying(term) : this.#scalar(term)));
  }

  /** A value with as many lanes as the loop has. */
  vector(term: Term): Value {
    if (this.lanes === 1 || this.varies(term)) return this.value(term);
    if (term.kind === "const") return v.const(term.type, term.value, this.lanes);
    // A load goes straight into all lanes.
    const scalar = () => (term.kind === "fetch" ? this.#scalar(term) : this.value(term));
    return this.#made("splats", term, () => v.splat(scalar(), this.lanes));
  }

  /** The value at the first lane. */
  first(term: Term): Value {
    if (!this.varies(term)) return this.value(term);
    return this.#made("firsts", term, () => this.#scalar(term));
  }

  #homeOf(term: Term): number {
    let depth = 0;
    for (const id of this.terms.depends(term)) {
      const bound = this.#bound.get(id);
      invariant(bound !== undefined, "a term depends on an index of no loop around it");
      if (bound.depth > depth) depth = bound.depth;
    }
    return depth;
  }

  #made(form: "values" | "splats" | "firsts", term: Term, make: () => Value): Value {
    const outer = this.#depth;
    const asked = outer ?? this.#frames.length - 1;
    const home = this.#homeOf(term);
    const frame = this.#frames[home];
    const memo = this.#memo(frame, form, term);
    const known = memo.get(term);
    if (known) return known;
    this.#depth = home;
    let value = make();
    this.#depth = outer;
    const height = 1 + Math.max(0, ...operandsOf(value).map((x) => this.#heights.get(x) ?? 0));
    const once = form === "values" && this.#uses.get(term) === 1 && home === asked && height < deepest;
    if (!once && !isTrivial(value)) {
      const name = this.local("t", value.type, value.lanes);
      frame.statements.push(set(name, value));
      value = v.get(name);
    } else this.#heights.set(value, height);
    memo.set(term, value);
    return value;
  }

  #memo(frame: Frame, form: "values" | "splats" | "firsts", term: Term): Map<Term, Value> {
    if (form === "firsts") return frame.firsts;
    if (form === "splats") return remembered(frame.splats, this.lanes, () => new Map());
    return this.varies(term) ? remembered(frame.vectors, this.#vector, () => new Map()) : frame.values;
  }

  /** One lane of a term: `first` where it varies. */
  #scalar(term: Term): Value {
    switch (term.kind) {
      case "const":
        return v.const(term.type, term.value);
      case "index":
      case "hole":
        return v.lane(this.#binding(term), 0);
      case "fetch":
        return v.load(term.type, 1, term.buffer, this.first(term.offset));
      case "op":
        return v.op(term.type, term.op, ...term.args.map((t) => this.first(t)));
      case "affine":
        return this.#scalarSum(term);
      case "load":
        throw new InternalError("internal: a load was not resolved");
    }
  }

  #binding(term: Term): Value {
    const bound = this.#bound.get(term.id);
    invariant(bound !== undefined, "an index of no loop");
    return bound.value;
  }

  /** Addends known in outer loops are added there, the constant last, where it can become part of an address. */
  #scalarSum(term: AffineTerm): Value {
    if (term.constant !== 0) return v.add(this.first(this.terms.sum(term.parts)), v.int(term.constant));
    const depths = term.parts.map(([t]) => this.#homeOf(t));
    const inner = Math.max(...depths);
    const outside = term.parts.filter((_, i) => depths[i] < inner);
    const start = outside.length > 0 ? this.first(this.terms.sum(outside)) : null;
    const inside = term.parts.filter((_, i) => depths[i] === inner);
    return addUp(start, inside, (t) => this.first(t), 1);
  }

  #varying(term: Term): Value {
    const { index, lanes } = this.#vector;
    switch (term.kind) {
      case "index":
        return this.#steps(term, 1);
      case "hole":
        return this.#binding(term);
      case "fetch":
        return this.#fetch(term);
      case "op":
        return v.op(term.type, term.op, ...term.args.map((t) => this.vector(t)));
      case "affine": {
        if (index && !this.varies(without(this.terms, term, index))) return this.#steps(term, factorOf(term, index));
        const sum = addUp(null, term.parts, (t) => this.vector(t), lanes);
        return term.constant === 0 ? sum : v.op("int32", "add", sum, v.const("int32", term.constant, lanes));
      }
      case "const":
      case "load":
        throw new InternalError("internal: a constant does not vary, and loads are resolved");
    }
  }

  /** The first lane's value, and from lane to lane `by` more. */
  #steps(term: Term, by: number): Value {
    const { lanes } = this;
    const offsets = v.pack(range(lanes).map((lane) => v.int(lane * by)));
    return v.op("int32", "add", v.splat(this.first(term), lanes), offsets);
  }

  /** Whether neighbouring lanes are neighbours in memory. */
  contiguous(offset: Term): boolean {
    const { index } = this.#vector;
    return index !== null && factorOf(offset, index) === 1 && !this.varies(without(this.terms, offset, index));
  }

  #fetch(term: FetchTerm): Value {
    const { lanes } = this;
    const { type, buffer, offset } = term;
    if (this.contiguous(offset)) return v.load(type, lanes, buffer, this.first(offset));
    const offsets = this.#lanesOf(offset);
    return v.pack(offsets.map((at) => v.load(type, 1, buffer, at)));
  }

  /** The scalars that a varying int32 term has in its lanes. */
  #lanesOf(term: Term): Value[] {
    const { index, lanes } = this.#vector;
    const onlyIndex = [...this.terms.depends(term)].every(
      (id) => id === index?.id || (this.#bound.get(id)?.value.lanes ?? 1) === 1,
    );
    if (index && onlyIndex) {
      const isPlain = !this.varies(without(this.terms, term, index));
      const turn = isPlain ? null : this.#turnOf(index);
      return range(lanes).map((lane) => {
        const image = turn ? this.terms.sum([[turn, lanes]], lane) : this.terms.sum([[index, 1]], lane);
        return this.first(this.terms.substitution(new Map([[index, image]]))(term));
      });
    }
    const vector = this.vector(term);
    return range(lanes).map((lane) => v.lane(vector, lane));
  }

  /** The number of the vectorised loop's turn: its index is a multiple of the lanes, which divisions of it can use. */
  #turnOf(index: IndexTerm): IndexTerm {
    const { lanes } = this;
    const known = this.#turns.get(this.#vector);
    if (known && this.#bound.has(known.id)) return known;
    const turn = this.terms.index(Math.ceil(index.extent / lanes));
    const { depth, value } = this.#bound.get(index.id) ?? { depth: 0, value: v.int(0) };
    const name = this.local("turn", "int32");
    this.#frames[depth].statements.push(set(name, v.op("int32", "div", value, v.int(lanes))));
    this.#bound.set(turn.id, { depth, value: v.get(name) });
    this.#turns.set(this.#vector, turn);
    return turn;
  }

  /** Stores at the current element; all values are computed before the first is written. */
  stores(list: readonly { readonly buffer: number; readonly offset: Term; readonly value: Term }[]): void {
    const ready = list.map(({ buffer, offset, value }) => {
      const result = this.vector(value);
      const atOnce = list.length === 1 && (this.lanes === 1 || this.contiguous(offset));
      return { buffer, offset, result: atOnce || isTrivial(result) ? result : this.keep("r", result) };
    });
    for (const { buffer, offset, result } of ready) this.#store(buffer, offset, result);
  }

  #store(buffer: number, offset: Term, value: Value): void {
    if (this.lanes === 1 || this.contiguous(offset)) return this.add(store(buffer, this.first(offset), value));
    this.#lanesOf(offset).forEach((at, lane) => this.add(store(buffer, at, v.lane(value, lane))));
  }
}

const newFrame = (): Frame => ({
  statements: [],
  values: new Map(),
  vectors: new Map(),
  splats: new Map(),
  firsts: new Map(),
});

const isTrivial = (x: Value): boolean => x.kind === "const" || x.kind === "get" || x.kind === "counter";

function addUp(start: Value | null, parts: readonly Part[], valueOf: (t: Term) => Value, lanes: Lanes): Value {
  let sum = start;
  for (const [t, f] of parts.toSorted(([, f], [, g]) => Number(f < 0) - Number(g < 0))) {
    const x = valueOf(t);
    if (sum !== null && f === -1) sum = v.op("int32", "sub", sum, x);
    else {
      const scaled = f === 1 ? x : v.mul(x, v.const("int32", f, lanes));
      sum = sum === null ? scaled : v.add(sum, scaled);
    }
  }
  invariant(sum !== null, "a sum of nothing");
  return sum;
}
