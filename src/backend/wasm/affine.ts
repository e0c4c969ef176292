/** Integer expressions by structure: equal ones get equal numbers, and sums of multiples are collected. */
import type { Local, Value } from "../../compile/loop.js";
import { operandsOf } from "../../compile/walk.js";
import { remembered } from "../../util/key.js";

/** A multiple of something that is not itself a sum. */
export interface Term {
  readonly atom: Value;
  readonly key: number;
  readonly factor: number;
}

/** `constant + Σ factor · atom`, terms in the order of their keys. */
export interface Affine {
  readonly constant: number;
  readonly terms: readonly Term[];
}

/** What an expression depends on. */
export interface Uses {
  readonly locals: ReadonlySet<Local>;
  readonly loads: boolean;
}

/** Numbers values within one kernel. */
export class Expressions {
  /** What locals are known to hold at this point of the kernel. */
  readonly definitions = new Map<Local, Value>();
  readonly #numbers = new Map<string, number>();
  readonly #known = new Map<Value, number>();
  readonly #locals = new Map<Local, number>();
  readonly #uses = new Map<Value, Uses>();

  /** Equal for values of equal structure. */
  key(v: Value): number {
    const known = this.#known.get(v);
    if (known !== undefined) return known;
    const number = intern(this.#numbers, this.#describe(v));
    this.#known.set(v, number);
    return number;
  }

  uses(v: Value): Uses {
    const known = this.#uses.get(v);
    if (known !== undefined) return known;
    const locals = new Set<Local>(v.kind === "get" ? [v.local] : []);
    let loads = v.kind === "load";
    for (const x of operandsOf(v)) {
      const inner = this.uses(x);
      loads ||= inner.loads;
      for (const l of inner.locals) locals.add(l);
    }
    const uses = { locals, loads };
    this.#uses.set(v, uses);
    return uses;
  }

  /** `scale` times an int32 value. */
  affine(v: Value, scale: number): Affine {
    const terms = new Map<number, Term>();
    const constant = this.#collect(v, scale, terms);
    return {
      constant,
      terms: [...terms.values()].filter((t) => t.factor !== 0).sort((a, b) => a.key - b.key),
    };
  }

  #collect(v: Value, scale: number, terms: Map<number, Term>): number {
    if (v.kind === "const") return v.value * scale;
    if (v.kind === "get") {
      const known = this.definitions.get(v.local);
      if (known !== undefined && isSum(known)) return this.#collect(known, scale, terms);
    }
    if (v.kind === "op") {
      const [a, b] = v.args;
      if (v.op === "add") return this.#collect(a, scale, terms) + this.#collect(b, scale, terms);
      if (v.op === "sub") return this.#collect(a, scale, terms) + this.#collect(b, -scale, terms);
      if (v.op === "neg") return this.#collect(a, -scale, terms);
      if (v.op === "mul" && b.kind === "const") return this.#collect(a, scale * b.value, terms);
      if (v.op === "mul" && a.kind === "const") return this.#collect(b, scale * a.value, terms);
      if (v.op === "shl" && b.kind === "const") return this.#collect(a, scale * 2 ** (b.value & 31), terms);
    }
    const key = this.key(v);
    terms.set(key, { atom: v, key, factor: (terms.get(key)?.factor ?? 0) + scale });
    return 0;
  }

  #describe(v: Value): string {
    const head = `${v.kind} ${v.type} ${v.lanes}`;
    const rest = operandsOf(v)
      .map((x) => this.key(x))
      .join();
    switch (v.kind) {
      case "const":
        return `${head} ${Object.is(v.value, -0) ? "-0" : v.value}`;
      case "get":
        return `${head} ${intern(this.#locals, v.local)}`;
      case "counter":
        return `${head} ${v.loop}`;
      case "load":
        return `${head} ${v.buffer} ${rest}`;
      case "lane":
        return `${head} ${v.lane} ${rest}`;
      case "op":
        return `${head} ${v.op} ${rest}`;
      case "splat":
      case "pack":
        return `${head} ${rest}`;
    }
  }
}

/** Whether an affine form goes further than naming the value. */
function isSum(v: Value): boolean {
  if (v.kind !== "op") return v.kind === "const" || v.kind === "get";
  const [a, b] = v.args.map((x) => x.kind === "const");
  return ["add", "sub", "neg"].includes(v.op) || (v.op === "mul" && (a || b)) || (v.op === "shl" && b);
}

const intern = <K>(numbers: Map<K, number>, key: K): number => remembered(numbers, key, () => numbers.size);
