/**
 * Terms: scalar expressions in which equal ones are the same object. Int32 arithmetic is kept as sums of multiples
 * (`affine`), so that the offsets of reshaped, sliced and windowed arrays come out as plain strides.
 */
import { isFloat, limits, roundTo } from "../ir/dtype.js";
import { type Expr, type ScalarOp, type ScalarType, s } from "../ir/scalar.js";
import { InternalError } from "../util/errors.js";
import { remembered } from "../util/key.js";

interface Common {
  readonly id: number;
  readonly type: ScalarType;
  /** Bounds of the value; infinite unless it is an int32 whose range is known. */
  readonly min: number;
  readonly max: number;
}
export type ConstTerm = Common & { readonly kind: "const"; readonly value: number };
/** A counter from 0 to `extent - 1`. */
export type IndexTerm = Common & { readonly kind: "index"; readonly extent: number };
/** A value made by earlier statements of the kernel: what a reduction has accumulated. */
export type HoleTerm = Common & { readonly kind: "hole" };
/** An element of wire `source`. */
export type LoadTerm = Common & { readonly kind: "load"; readonly source: number; readonly at: readonly Term[] };
/** An element of a buffer, which holds something else for every value of `per`. */
export type FetchTerm = Common & {
  readonly kind: "fetch";
  readonly buffer: number;
  readonly offset: Term;
  readonly per: Term | null;
};
export type OpTerm = Common & { readonly kind: "op"; readonly op: ScalarOp; readonly args: readonly Term[] };
export type Part = readonly [term: Term, factor: number];
export type AffineTerm = Common & {
  readonly kind: "affine";
  readonly constant: number;
  readonly parts: readonly Part[];
};
export type Term = ConstTerm | IndexTerm | HoleTerm | LoadTerm | FetchTerm | OpTerm | AffineTerm;

const [lowest, highest] = limits.int32;
const none: ReadonlySet<number> = new Set();

type Range = readonly [min: number, max: number];
const anything = (type: ScalarType): Range => (type === "int32" ? [lowest, highest] : [-Infinity, Infinity]);
const within = (min: number, max: number): Range => (min < lowest || max > highest ? [lowest, highest] : [min, max]);

export const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));

/** Makes terms, simplified, and finds the one that is already there. */
export class Terms {
  /** All terms but indices and holes, each at the first free number from its hash on. */
  readonly #known = new Map<number, Term>();
  readonly #boxed = new Map<number, Term>();
  readonly #boxes = new Map<Term, Expr>();
  readonly #axes = new Map<string, readonly IndexTerm[]>();
  readonly #depends = new Map<Term, ReadonlySet<number>>();
  #next = 0;

  /** The equal term that is there, or else this one, which got the next id. */
  #intern(term: Term): Term {
    for (let hash = hashOf(term); ; hash = (hash + 1) | 0) {
      const known = this.#known.get(hash);
      if (known !== undefined && isEqual(known, term)) return known;
      if (known !== undefined) continue;
      this.#known.set(hash, term);
      this.#next++;
      return term;
    }
  }

  const(type: ScalarType, value: number): Term {
    const [min, max] = type === "int32" ? [value, value] : anything(type);
    return this.#intern({ kind: "const", id: this.#next, type, value, min, max });
  }
  int(value: number): Term {
    return this.const("int32", value | 0);
  }
  index(extent: number): IndexTerm {
    return { kind: "index", id: this.#next++, type: "int32", extent, min: 0, max: Math.max(0, extent - 1) };
  }
  /** The indices of arrays of a shape: the same each time, so that what is made of them is found again. */
  axes(shape: readonly number[]): readonly IndexTerm[] {
    return remembered(this.#axes, shape.join(), () => shape.map((d) => this.index(d)));
  }
  hole(type: ScalarType): HoleTerm {
    const [min, max] = anything(type);
    return { kind: "hole", id: this.#next++, type, min, max };
  }
  load(type: ScalarType, source: number, at: readonly Term[]): Term {
    const [min, max] = anything(type);
    return this.#intern({ kind: "load", id: this.#next, type, source, at, min, max });
  }
  fetch(type: ScalarType, buffer: number, offset: Term, per: Term | null = null): Term {
    const [min, max] = anything(type);
    return this.#intern({ kind: "fetch", id: this.#next, type, buffer, offset, per, min, max });
  }

  /** The flat row-major offset of an index into an array of these lengths. */
  flatten(at: readonly Term[], shape: readonly number[]): Term {
    let stride = 1;
    const sum: Part[] = [];
    for (let i = shape.length - 1; i >= 0; i--) {
      sum.push([at[i], stride]);
      stride *= shape[i];
    }
    return this.sum(sum);
  }

  /** What indices are at a flat row-major position of their space. */
  unflatten(position: Term, indices: readonly IndexTerm[]): Map<Term, Term> {
    const images = new Map<Term, Term>();
    let stride = 1;
    for (const x of indices.toReversed()) {
      images.set(x, this.remainder(this.quotient(position, stride), x.extent));
      stride *= x.extent;
    }
    return images;
  }

  /** The sum of multiples of int32 terms. */
  sum(addends: readonly Part[], offset = 0): Term {
    const parts = new Map<Term, number>();
    let constant = offset;
    const add = (term: Term, factor: number) => {
      if (term.kind === "const") constant = (constant + Math.imul(term.value, factor)) | 0;
      else if (term.kind === "affine") {
        constant = (constant + Math.imul(term.constant, factor)) | 0;
        for (const [t, f] of term.parts) add(t, Math.imul(f, factor));
      } else parts.set(term, ((parts.get(term) ?? 0) + factor) | 0);
    };
    for (const [t, f] of addends) add(t, f);
    this.#rejoin(parts, add);
    return this.#affine(parts, constant);
  }

  plus(a: Term, b: Term, times = 1): Term {
    return this.sum([[a, 1] as const, [b, times] as const]);
  }

  /** `c·(x / c) + x % c` is `x`. */
  #rejoin(parts: Map<Term, number>, add: (term: Term, factor: number) => void): void {
    for (let changed = true; changed;) {
      changed = false;
      for (const [term, factor] of parts) {
        if (factor === 0 || term.kind !== "op" || term.op !== "rem") continue;
        const [x, by] = term.args;
        if (by.kind !== "const" || x.min < 0) continue;
        const quotient = this.quotient(x, by.value);
        const inside = quotient.kind === "affine" ? quotient.parts : ([[quotient, 1]] as const);
        const scale = Math.imul(factor, by.value);
        if (quotient.kind === "const" || !inside.every(([t, f]) => parts.get(t) === Math.imul(f, scale))) continue;
        parts.set(term, 0);
        add(quotient, -scale);
        add(x, factor);
        changed = true;
        break;
      }
    }
  }

  #affine(all: ReadonlyMap<Term, number>, constant: number): Term {
    const parts = [...all].filter(([, f]) => f !== 0).sort(([a], [b]) => a.id - b.id);
    if (parts.length === 0) return this.int(constant);
    if (parts.length === 1 && parts[0][1] === 1 && constant === 0) return parts[0][0];
    let [min, max] = [constant, constant];
    for (const [t, f] of parts) {
      min += f > 0 ? f * t.min : f * t.max;
      max += f > 0 ? f * t.max : f * t.min;
    }
    const [low, high] = within(min, max);
    return this.#intern({ kind: "affine", id: this.#next, type: "int32", constant, parts, min: low, max: high });
  }

  /** `x / c` for `x >= 0` and `c > 0`. */
  quotient(x: Term, c: number): Term {
    if (c === 1) return x;
    if (x.max < c) return this.int(0);
    const { multiple, rest } = this.#divide(x, c);
    if (rest.max < c) return multiple;
    return this.plus(multiple, this.#smallQuotient(rest, c));
  }

  /** `x % c` for `x >= 0` and `c > 0`. */
  remainder(x: Term, c: number): Term {
    if (c === 1) return this.int(0);
    if (x.max < c) return x;
    const { rest } = this.#divide(x, c);
    if (rest.max < c) return rest;
    const { whole, small, unit } = this.#commonFactor(rest, c);
    if (unit > 1) return this.plus(small, this.remainder(whole, c / unit), unit);
    if (rest.kind === "op" && rest.op === "rem" && rest.args[1].kind === "const" && rest.args[1].value % c === 0)
      return this.remainder(rest.args[0], c);
    return this.#node("int32", "rem", [rest, this.int(c)], [0, c - 1]);
  }

  /** `x = c·multiple + rest` with `rest >= 0`. */
  #divide(x: Term, c: number): { multiple: Term; rest: Term } {
    const parts: readonly Part[] = x.kind === "affine" ? x.parts : [[x, 1]];
    const constant = x.kind === "affine" ? x.constant : 0;
    const split = (f: number) => (f > 0 ? f % c : f % c === 0 ? 0 : f);
    const rest = this.sum(
      parts.map(([t, f]) => [t, split(f)] as const),
      ((constant % c) + c) % c,
    );
    const multiple = this.sum(
      parts.map(([t, f]) => [t, (f - split(f)) / c] as const),
      Math.floor(constant / c),
    );
    if (rest.min >= 0) return { multiple, rest };
    return { multiple: this.int(0), rest: x };
  }

  #smallQuotient(x: Term, c: number): Term {
    const { whole, unit } = this.#commonFactor(x, c);
    if (unit > 1) return this.quotient(whole, c / unit);
    if (x.kind === "op" && x.args[1]?.kind === "const") {
      const by = x.args[1].value;
      if (x.op === "div" && x.args[0].min >= 0) return this.quotient(x.args[0], by * c);
      if (x.op === "rem" && by % c === 0 && x.args[0].min >= 0)
        return this.remainder(this.quotient(x.args[0], c), by / c);
    }
    return this.#node("int32", "div", [x, this.int(c)], [0, Math.floor(x.max / c)]);
  }

  /** `x = unit·whole + small`, where `unit` divides `c` and `0 <= small < unit`. */
  #commonFactor(x: Term, c: number): { whole: Term; small: Term; unit: number } {
    if (x.kind === "affine")
      for (const unit of [...new Set(x.parts.map(([, f]) => gcd(f, c)))].sort((a, b) => b - a)) {
        if (unit <= 1) break;
        const inWhole = x.parts.filter(([, f]) => f % unit === 0);
        const constant = Math.floor(x.constant / unit);
        const small = this.sum(
          x.parts.filter(([, f]) => f % unit !== 0),
          x.constant - unit * constant,
        );
        const whole = this.sum(
          inWhole.map(([t, f]) => [t, f / unit] as const),
          constant,
        );
        if (small.min >= 0 && small.max < unit && whole.min >= 0) return { whole, small, unit };
      }
    return { whole: x, small: this.int(0), unit: 1 };
  }

  #node(type: ScalarType, op: ScalarOp, args: readonly Term[], [min, max]: Range = anything(type)): Term {
    return this.#intern({ kind: "op", id: this.#next, type, op, args, min, max });
  }

  /** An operation, simplified where that changes nothing of the result. */
  op(type: ScalarType, op: ScalarOp, args: readonly Term[]): Term {
    const known = type === "int32" ? this.#intOp(op, args) : null;
    if (known) return known;
    const [a, b, c] = args;
    if (op === "select") {
      if (a.kind === "const") return a.value ? b : c;
      if (b === c) return b;
    }
    if (type === "bool") return this.#boolOp(op, args);
    if (op === "mul" && type !== "int64") {
      if (isOne(b)) return a;
      if (isOne(a)) return b;
    }
    if (op === "neg" && a.kind === "op" && a.op === "neg") return a.args[0];
    if (op === "convert" && a.type === type) return a;
    if (op === "bitcast" && a.kind === "op" && a.op === "bitcast" && a.args[0].type === type) return a.args[0];
    if (op === "convert" && a.kind === "const" && type !== "int64" && a.type !== "int64")
      if (a.type === "int32" || a.type === "bool") return this.const(type, roundTo(type, a.value));
    return this.#node(type, op, args);
  }

  #intOp(op: ScalarOp, [a, b, c]: readonly Term[]): Term | null {
    switch (op) {
      case "add":
      case "sub":
        return this.plus(a, b, op === "add" ? 1 : -1);
      case "neg":
        return this.sum([[a, -1]]);
      case "mul":
        if (b.kind === "const") return this.sum([[a, b.value]]);
        if (a.kind === "const") return this.sum([[b, a.value]]);
        return null;
      case "div":
      case "rem":
        if (b.kind !== "const" || b.value <= 0) return null;
        if (a.min < 0) {
          const { multiple, rest } = this.#divide(a, b.value);
          return rest !== this.int(0) ? null : op === "div" ? multiple : rest;
        }
        return op === "div" ? this.quotient(a, b.value) : this.remainder(a, b.value);
      case "min":
      case "max": {
        if (a.max <= b.min) return op === "min" ? a : b;
        if (b.max <= a.min) return op === "min" ? b : a;
        const join = op === "min" ? Math.min : Math.max;
        return this.#node("int32", op, [a, b], [join(a.min, b.min), join(a.max, b.max)]);
      }
      case "select":
        if (a.kind === "const" || b === c) return null;
        return this.#node("int32", op, [a, b, c], [Math.min(b.min, c.min), Math.max(b.max, c.max)]);
      case "convert":
        return a.type === "bool" && a.kind !== "const" ? this.#node("int32", op, [a], [0, 1]) : null;
      default:
        return null;
    }
  }

  #boolOp(op: ScalarOp, args: readonly Term[]): Term {
    const [a, b] = args;
    const answer = (holds: boolean) => this.const("bool", holds ? 1 : 0);
    if ((op === "lt" || op === "le" || op === "eq" || op === "ne") && a.type === "int32") {
      const d = this.plus(a, b, -1);
      const overflows = a.min - b.max < lowest || a.max - b.min > highest;
      if (!overflows) {
        if (op === "lt" && (d.max < 0 || d.min >= 0)) return answer(d.max < 0);
        if (op === "le" && (d.max <= 0 || d.min > 0)) return answer(d.max <= 0);
        if (d.min > 0 || d.max < 0) return answer(op === "ne");
        if (d.min === 0 && d.max === 0) return answer(op !== "ne");
        const unit = d.kind === "affine" ? d.parts.reduce((all, [, f]) => gcd(all, f), 0) : 1;
        if (d.kind === "affine" && unit > 1 && (op === "lt" || op === "le")) {
          // Without the common factor, as offsets have it.
          const by = d.parts[0][1] < 0 ? -unit : unit;
          const sum = this.sum(d.parts.map(([t, f]) => [t, f / by] as const));
          const round = (op === "lt") === by > 0 ? Math.ceil : Math.floor;
          const bound = this.int(round(-d.constant / by));
          return this.#boolOp(op, by > 0 ? [sum, bound] : [bound, sum]);
        }
      }
    }
    if (op === "and" || op === "or") {
      const neutral = op === "and" ? 1 : 0;
      if (a === b) return a;
      if (a.kind === "const") return a.value === neutral ? b : a;
      if (b.kind === "const") return b.value === neutral ? a : b;
    }
    if (op === "not" && a.kind === "const") return answer(!a.value);
    return this.#node("bool", op, args);
  }

  /** A primitive's formula as a term; `known` are the parts that were met. */
  from(expr: Expr, known = new Map<Expr, Term>()): Term {
    return known.get(expr) ?? remembered(known, expr, () => this.#convert(expr, known));
  }
  #convert(e: Expr, known: Map<Expr, Term>): Term {
    switch (e.kind) {
      case "const":
        return this.const(e.type, e.value);
      case "index": {
        const boxed = this.#boxed.get(e.id);
        if (boxed) return boxed;
        throw new InternalError("internal: a lowering used an index it was not given");
      }
      case "load":
        return this.load(
          e.type,
          e.source,
          e.at.map((x) => this.from(x, known)),
        );
      case "op":
        return this.op(
          e.type,
          e.op,
          e.args.map((x) => this.from(x, known)),
        );
    }
  }

  /** An int32 term as an index that can be handed to a lowering. */
  box(term: Term): Expr {
    if (term.kind === "const") return s.const("int32", term.value);
    return remembered(this.#boxes, term, () => {
      const expr = s.index(term.max + 1);
      if (expr.kind === "index") this.#boxed.set(expr.id, term);
      return expr;
    });
  }

  /** Ids of the indices and holes a term depends on. */
  depends(term: Term): ReadonlySet<number> {
    if (term.kind === "const") return none;
    let set = this.#depends.get(term);
    if (set !== undefined) return set;
    if (term.kind === "index" || term.kind === "hole") set = new Set([term.id]);
    else set = childrenOf(term).reduce((all, t) => union(all, this.depends(t)), none);
    this.#depends.set(term, set);
    return set;
  }

  /** Rewrites terms from the top: `replace` gives what takes a term's place, or `null` to rebuild it from its children. */
  rewriter(replace: (term: Term, rewrite: (term: Term) => Term) => Term | null): (term: Term) => Term {
    const memo = new Map<Term, Term>();
    const rewrite = (term: Term): Term => {
      let result = memo.get(term);
      if (result === undefined) memo.set(term, (result = replace(term, rewrite) ?? this.#rebuild(term, rewrite)));
      return result;
    };
    return rewrite;
  }

  /** Puts other terms in place of indices and holes. */
  substitution(images: ReadonlyMap<Term, Term>): (term: Term) => Term {
    const ids = [...images.keys()].map((t) => t.id);
    return this.rewriter((term) => {
      const depends = this.depends(term);
      return images.get(term) ?? (ids.some((id) => depends.has(id)) ? null : term);
    });
  }

  #rebuild(term: Term, rewrite: (t: Term) => Term): Term {
    switch (term.kind) {
      case "const":
      case "index":
      case "hole":
        return term;
      case "load":
        return this.load(term.type, term.source, term.at.map(rewrite));
      case "fetch":
        return this.fetch(term.type, term.buffer, rewrite(term.offset), term.per && rewrite(term.per));
      case "op":
        return this.op(term.type, term.op, term.args.map(rewrite));
      case "affine":
        return this.sum(
          term.parts.map(([t, f]) => [rewrite(t), f] as const),
          term.constant,
        );
    }
  }
}

/** Both sets as one, which is one of them if it can be. */
function union(a: ReadonlySet<number>, b: ReadonlySet<number>): ReadonlySet<number> {
  if (a === b) return a;
  const [more, less] = a.size < b.size ? [b, a] : [a, b];
  for (const x of less) if (!more.has(x)) return new Set([...more, ...less]);
  return more;
}

const mixed = (hash: number, x: number): number => {
  const product = Math.imul(hash ^ x, 0x9e3779b1);
  return product ^ (product >>> 15);
};

/** What a term says besides its kind, its type, the terms it is made of and how often. */
export function contentOf(term: Term): string | number {
  switch (term.kind) {
    case "const":
      return term.value;
    case "load":
      return term.source;
    case "fetch":
      return term.buffer;
    case "op":
      return term.op;
    case "affine":
      return term.constant;
    default:
      return term.id;
  }
}

/** Equal for equal terms. */
function hashOf(term: Term): number {
  const content = contentOf(term);
  const number = typeof content === "number" ? content : 128 * content.charCodeAt(0) + content.charCodeAt(1);
  let hash = mixed(4096 * number, number);
  for (const t of childrenOf(term)) hash = mixed(hash, t.id);
  if (term.kind === "affine") for (const [, factor] of term.parts) hash = mixed(hash, factor);
  return hash;
}

function isEqual(a: Term, b: Term): boolean {
  if (a.kind !== b.kind || a.type !== b.type || !Object.is(contentOf(a), contentOf(b))) return false;
  const [these, others] = [childrenOf(a), childrenOf(b)];
  if (these.length !== others.length || these.some((t, i) => t !== others[i])) return false;
  return a.kind !== "affine" || b.kind !== "affine" || a.parts.every(([, f], i) => f === b.parts[i][1]);
}

const isOne = (t: Term): boolean => t.kind === "const" && t.value === 1;

export const isFloatProduct = (t: Term): t is OpTerm & { readonly type: "float32" | "float64" } =>
  t.kind === "op" && t.op === "mul" && isFloat(t.type);

/** The terms a term is made of. */
export function childrenOf(term: Term): readonly Term[] {
  switch (term.kind) {
    case "const":
    case "index":
    case "hole":
      return [];
    case "load":
      return term.at;
    case "fetch":
      return term.per ? [term.offset, term.per] : [term.offset];
    case "op":
      return term.args;
    case "affine":
      return term.parts.map(([t]) => t);
  }
}

/** Every term below the roots, children first. */
export function reachable(roots: readonly Term[]): Term[] {
  const seen = new Set<Term>();
  const visit = (term: Term) => {
    if (seen.has(term)) return;
    for (const child of childrenOf(term)) visit(child);
    seen.add(term);
  };
  roots.forEach(visit);
  return [...seen];
}

/** How often an index is added in a sum; 0 when the term is not a sum or does not add it. */
export function factorOf(term: Term, index: Term): number {
  if (term === index) return 1;
  if (term.kind !== "affine") return 0;
  return term.parts.find(([t]) => t === index)?.[1] ?? 0;
}

/** The sum without that index. */
export function without(terms: Terms, term: Term, index: Term): Term {
  return terms.plus(term, index, -factorOf(term, index));
}
