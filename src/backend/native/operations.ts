/**
 * The scalar operations in C. Each is an infix operator, or a small function that is defined the first time it is used.
 * Vectors are vector extensions of GCC and Clang; what these lack goes lane by lane in a loop that compilers turn back
 * into vector instructions.
 */
import type { Lanes, Value } from "../../compile/loop.js";
import type { ScalarOp, ScalarType } from "../../ir/scalar.js";
import { InternalError } from "../../util/errors.js";

export type OpValue = Value & { readonly kind: "op" };

// oxfmt-ignore
const tags: Readonly<Record<ScalarType, string>> = {
  float32: "f32", float64: "f64", int32: "i32", uint32: "u32", bool: "b32", int64: "i64",
};
// oxfmt-ignore
const scalars: Readonly<Record<string, string>> = {
  f32: "float", f64: "double", i32: "__INT32_TYPE__", u32: "__UINT32_TYPE__", b32: "__INT32_TYPE__", i64: "__INT64_TYPE__",
};

export const isFloat = (t: ScalarType): boolean => t === "float32" || t === "float64";
export const isWide = (t: ScalarType): boolean => t === "float64" || t === "int64";
const bytesOf = (t: ScalarType, lanes: Lanes): number => (isWide(t) ? 8 : 4) * lanes;
const isSigned = (t: ScalarType): boolean => t === "int32" || t === "int64";
const isCompare = (op: ScalarOp): boolean => op === "lt" || op === "le" || op === "eq" || op === "ne";

/** What every program begins with. Index arithmetic is done in `ix`, so that addresses never wrap. */
const start = `${Object.entries(scalars)
  .map(([name, type]) => `typedef ${type} ${name};`)
  .join("\n")}
typedef __INT64_TYPE__ ix;
#ifdef __has_builtin
#define HAS(x) __has_builtin(x)
#else
#define HAS(x) 0
#endif
static inline ix min_ix(ix a, ix b) { return a < b ? a : b; }
static inline ix max_ix(ix a, ix b) { return a > b ? a : b; }
#ifdef __FP_FAST_FMAF
#define FMA_f32(a, b, c) __builtin_fmaf(a, b, c)
#else
#define FMA_f32(a, b, c) ((a) * (b) + (c))
#endif
#ifdef __FP_FAST_FMA
#define FMA_f64(a, b, c) __builtin_fma(a, b, c)
#else
#define FMA_f64(a, b, c) ((a) * (b) + (c))
#endif`;

/** Operators that C has, for all types but those that `functions` has a row for. */
// oxfmt-ignore
const infix: Partial<Record<ScalarOp, string>> = {
  add: "+", sub: "-", mul: "*", div: "/", and: "&", or: "|", xor: "^", lt: "<", le: "<=", eq: "==", ne: "!=",
};

/** How many operands the operations have that do not have two. */
// oxfmt-ignore
const arity: Partial<Record<ScalarOp, number>> = {
  neg: 1, abs: 1, not: 1, sqrt: 1, floor: 1, ceil: 1, trunc: 1, nearest: 1, fma: 3, select: 3,
};

/** Bodies of functions of `a`, `b` and `c`; `T` stands for their C type, `U` for that of integers as wide. */
interface Row {
  readonly applies: (type: ScalarType) => boolean;
  readonly scalar: string;
  /** For vectors; without it, the scalar function is applied to each lane. */
  readonly vector?: string;
}

const always = (): boolean => true;
const isInt = (t: ScalarType): boolean => !isFloat(t);
const f = (name: string): Row => ({ applies: isFloat, scalar: `return __builtin_${name}$f(a);` });

/**
 * Minimum and maximum hand NaN on, and order -0 before 0: with the arguments in both orders, what compares and chooses gives
 * one number, or two zeros or a NaN and a number. No branch depends on which one is greater.
 */
const extreme = (op: "min" | "max", join: "|" | "&"): Row => ({
  applies: isFloat,
  scalar: `if (!__builtin_islessgreater(a, b)) return a == b ? as_$T(bits_$T(a) ${join} bits_$T(b)) : a + b; return ${op}_$T_number(a, b);`,
  vector: `T x = ${op}_$T_number(a, b), y = ${op}_$T_number(b, a); return (T)(((U)x ${join} (U)y) | (a != a) | (b != b));`,
});

// oxfmt-ignore
const functions: Partial<Record<ScalarOp, readonly Row[]>> = {
  div: [
    { applies: isSigned, scalar: "return b == 0 ? 0 : b == -1 ? -a : a / b;" },
    { applies: isInt, scalar: "return b == 0 ? 0 : a / b;" },
  ],
  rem: [
    { applies: isSigned, scalar: "return b == 0 || b == -1 ? 0 : a % b;" },
    { applies: isInt, scalar: "return b == 0 ? 0 : a % b;" },
    { applies: isFloat, scalar: "return __builtin_fmod$f(a, b);" },
  ],
  min: [
    { applies: isInt, scalar: "return a < b ? a : b;", vector: "U m = a < b; return (T)((m & (U)a) | (~m & (U)b));" },
    extreme("min", "|"),
  ],
  max: [
    { applies: isInt, scalar: "return a < b ? b : a;", vector: "U m = a < b; return (T)((m & (U)b) | (~m & (U)a));" },
    extreme("max", "&"),
  ],
  shl: [{ applies: always, scalar: "return a << (b & $w);", vector: "return a << (b & $w);" }],
  shr: [{ applies: always, scalar: "return a >> (b & $w);", vector: "return a >> (b & $w);" }],
  neg: [{ applies: always, scalar: "return -a;", vector: "return -a;" }],
  abs: [
    { applies: isFloat, scalar: "return __builtin_fabs$f(a);" },
    { applies: isSigned, scalar: "return a < 0 ? -a : a;" },
    { applies: always, scalar: "return a;", vector: "return a;" },
  ],
  not: [
    { applies: (t) => t === "bool", scalar: "return !a;", vector: "return ~a;" },
    { applies: isInt, scalar: "return ~a;", vector: "return ~a;" },
  ],
  sqrt: [f("sqrt")],
  floor: [f("floor"), { applies: isInt, scalar: "return a;", vector: "return a;" }],
  ceil: [f("ceil"), { applies: isInt, scalar: "return a;", vector: "return a;" }],
  trunc: [f("trunc"), { applies: isInt, scalar: "return a;", vector: "return a;" }],
  nearest: [f("nearbyint"), { applies: isInt, scalar: "return a;", vector: "return a;" }],
  fma: [{ applies: isFloat, scalar: "return FMA_$T(a, b, c);" }],
  select: [{ applies: always, scalar: "return a ? b : c;", vector: "return (T)((a & (U)b) | (~a & (U)c));" }],
};

/**
 * Single instructions for whole vectors, which compilers would otherwise have to find in a loop over the lanes: GCC takes
 * long over that, Clang 14 does not find them. By vector bytes: the macro that tells of them, and the builtin, in which `$s`
 * is `s` or `d` and `$m` a mask of all lanes.
 */
const fmas: Intrinsics = {
  16: ["__FMA__", "__builtin_ia32_vfmaddp$s(a, b, c)"],
  32: ["__FMA__", "__builtin_ia32_vfmaddp$s256(a, b, c)"],
  64: ["__AVX512F__", "__builtin_ia32_vfmaddp$s512_mask(a, b, c, $m, 4)"],
};
const roots: Intrinsics = {
  16: ["__SSE2__", "__builtin_ia32_sqrtp$s(a)"],
  32: ["__AVX__", "__builtin_ia32_sqrtp$s256(a)"],
  64: ["__AVX512F__", "__builtin_ia32_sqrtp$s512_mask(a, a, $m, 4)"],
};
const rounding = (mode: number): Intrinsics => ({
  16: ["__SSE4_1__", `__builtin_ia32_roundp$s(a, ${mode})`],
  32: ["__AVX__", `__builtin_ia32_roundp$s256(a, ${mode})`],
  64: ["__AVX512F__", `__builtin_ia32_rndscalep$s_mask(a, ${mode}, a, $m, 4)`],
});
const comparing = (name: string): Intrinsics => ({
  16: ["__SSE2__", `__builtin_ia32_${name}p$s(b, a)`],
  32: ["__AVX__", `__builtin_ia32_${name}p$s256(b, a)`],
  64: ["__AVX512F__", `__builtin_ia32_${name}p$s512_mask(b, a, a, $m, 4)`],
});
const streaming: Intrinsics = {
  16: ["__SSE__", "__builtin_ia32_movntps"],
  32: ["__AVX__", "__builtin_ia32_movntps256"],
  64: ["__AVX512F__", "__builtin_ia32_movntps512"],
};
type Intrinsics = Readonly<Record<16 | 32 | 64, readonly [macro: string, builtin: string]>>;
/** Clang's own are for vectors of any length; it makes a multiply-add of a product and a sum where it is told it may. */
const elementwise = (name: string) => {
  const builtin = `__builtin_elementwise_${name}`;
  return { when: `HAS(${builtin})`, clang: `return ${builtin}(a);` };
};
const intrinsics: Partial<Record<string, { readonly x86: Intrinsics; readonly when: string; readonly clang: string }>> =
  {
    fma: { x86: fmas, when: "defined(__clang__)", clang: "#pragma clang fp contract(fast)\nreturn a * b + c;" },
    sqrt: { x86: roots, ...elementwise("sqrt") },
    nearest: { x86: rounding(8), ...elementwise("nearbyint") },
    min_number: { x86: comparing("min"), when: "0", clang: "" },
    max_number: { x86: comparing("max"), when: "0", clang: "" },
    floor: { x86: rounding(9), ...elementwise("floor") },
    ceil: { x86: rounding(10), ...elementwise("ceil") },
    trunc: { x86: rounding(11), ...elementwise("trunc") },
  };

/** The body of a vector function, by one instruction where there is one, else by `loop`. */
function withIntrinsic(op: string, type: ScalarType, lanes: Lanes, loop: string): string {
  const known = isFloat(type) ? intrinsics[op] : undefined;
  const bytes = bytesOf(type, lanes);
  if (known === undefined) return loop;
  const cases = [[known.when, known.clang]];
  if (bytes === 16 || bytes === 32 || bytes === 64) {
    const [macro, builtin] = known.x86[bytes];
    const call = builtin.replace("$s", isWide(type) ? "d" : "s").replace("$m", String(2 ** lanes - 1));
    cases.push([`defined(${macro}) && HAS(${call.slice(0, call.indexOf("("))})`, `return ${call};`]);
  }
  const written = cases.map(([when, text], i) => `\n#${i === 0 ? "if" : "elif"} ${when}\n${text}`);
  return `${written.join("")}\n#else\n${loop}\n#endif\n`;
}

/** One minimum or maximum with a number: `x < c ? c : x` hands on a NaN in x. */
const withNumber: Partial<Record<ScalarOp, Row>> = {
  min: {
    applies: isFloat,
    scalar: "return b < a ? b : a;",
    vector: "U m = b < a; return (T)((m & (U)b) | (~m & (U)a));",
  },
  max: {
    applies: isFloat,
    scalar: "return a < b ? b : a;",
    vector: "U m = a < b; return (T)((m & (U)b) | (~m & (U)a));",
  },
};

/** The first and the last integer of a type, and the float just past it. */
const limits: Partial<Record<ScalarType, readonly [least: string, greatest: string, past: string]>> = {
  int32: ["(-0x7fffffff - 1)", "0x7fffffff", "0x1p31"],
  uint32: ["0", "0xffffffffu", "0x1p32"],
  int64: ["(-0x7fffffffffffffffll - 1)", "0x7fffffffffffffffll", "0x1p63"],
};

/** The constant a value is in every lane, if it is one. */
export function constantOf(v: Value): number | null {
  if (v.kind === "splat") return constantOf(v.value);
  return v.kind === "const" ? v.value : null;
}

const isNumber = (v: Value): boolean => !Number.isNaN(constantOf(v) ?? Number.NaN);

/** The types and functions that a program uses, in the order in which C must read them. */
export class Vocabulary {
  readonly #texts = new Map<string, string>([["", start]]);

  text(): string {
    return [...this.#texts.values()].join("\n");
  }

  /** The name of a C type. A vector of bools has the lanes 0 and -1; one bool, and one in memory, is 0 or 1. */
  type(type: ScalarType, lanes: Lanes): string {
    const tag = tags[type];
    if (lanes === 1) return tag;
    const name = `${tag}x${lanes}`;
    const bytes = bytesOf(type, lanes);
    const attribute = `vector_size(${bytes})`;
    this.#define(
      name,
      () =>
        `typedef ${tag} ${name} __attribute__((${attribute}));\n` +
        `typedef ${tag} ${name}_at __attribute__((${attribute}, aligned(${bytes / lanes}), may_alias));`,
    );
    return name;
  }

  constant(type: ScalarType, lanes: Lanes, value: number): string {
    if (lanes === 1) return literal(type, value);
    const shown = literal(type, type === "bool" ? -value : value);
    return Object.is(value, 0) ? `(${this.type(type, lanes)}){}` : this.#repeated(type, lanes, shown);
  }

  /** A scalar in every lane. */
  splat(type: ScalarType, lanes: Lanes, x: string): string {
    return this.#repeated(type, lanes, type === "bool" ? `-${x}` : x);
  }
  /** C repeats a scalar beside a vector; taking 0 away changes no number, not even -0. */
  #repeated(type: ScalarType, lanes: Lanes, x: string): string {
    return `(${x} - (${this.type(type, lanes)}){})`;
  }

  /** An operation on rendered arguments; `mask` renders a vector of bools with lanes as wide as those of `like`. */
  operation(v: OpValue, args: readonly string[], mask: (condition: Value, like: ScalarType) => string): string {
    const { op, lanes } = v;
    const [first] = v.args;
    const { type } = first;
    if (op === "convert") return this.#convert(type, v.type, lanes, args[0]);
    if (op === "bitcast") return this.#bitcast(type, v.type, lanes, args[0]);
    if (op === "select" && lanes > 1)
      return `${this.#row(op, v.type, lanes, functions.select?.[0])}(${mask(first, v.type)}, ${args[1]}, ${args[2]})`;
    if (isCompare(op) && lanes > 1) {
      const [a, b] = args;
      const test = `(${a} ${infix[op]} ${b})`;
      return isWide(type) ? `__builtin_convertvector(${test}, ${this.type("bool", lanes)})` : test;
    }
    const special = withNumber[op];
    if (special?.applies(type) && v.args.some(isNumber)) {
      const ordered = isNumber(v.args[1]) ? args : args.toReversed();
      return `${this.#row(op, type, lanes, special, "_number")}(${ordered.join(", ")})`;
    }
    const divisor = (op === "div" || op === "rem") && isInt(type) ? constantOf(v.args[1]) : null;
    if (divisor !== null && divisor > 0 && lanes === 1) return `(${args[0]} ${op === "div" ? "/" : "%"} ${args[1]})`;
    const row = functions[op]?.find((r) => r.applies(op === "select" ? v.type : type));
    if (row !== undefined) return `${this.#row(op, v.type, lanes, row)}(${args.join(", ")})`;
    const sign = infix[op];
    if (sign === undefined) throw new InternalError(`internal: no C for ${op} on ${type}`);
    return `(${args.join(` ${sign} `)})`;
  }

  /** The name of a function that stores an aligned vector past the caches. */
  stream(type: ScalarType, lanes: Lanes): string {
    const t = this.type(type, lanes);
    const bytes = bytesOf(type, lanes);
    const known = bytes === 16 || bytes === 32 || bytes === 64 ? streaming[bytes] : null;
    const floats = this.type("float32", bytes === 64 ? 16 : bytes === 32 ? 8 : 4);
    const x86 = known === null ? "" : `#elif defined(${known[0]})\n${known[1]}((float *)at, (${floats})x);\n`;
    const clang = `#if HAS(__builtin_nontemporal_store)\n__builtin_nontemporal_store(x, (${t} *)at);\n`;
    const body = `\n${clang}${x86}#else\n*(${t}_at *)at = x;\n#endif\n`;
    return this.#function(`stream_${t}`, "void", `${this.type(type, 1)} *at, ${t} x`, () => body);
  }
  /** A statement after which other threads see what was stored past the caches. */
  streamed(): string {
    this.#define(
      "streamed",
      () =>
        "#ifdef __x86_64__\n#define STREAMED() __builtin_ia32_sfence()\n#else\n#define STREAMED() ((void)0)\n#endif",
    );
    return "STREAMED();";
  }

  #define(key: string, text: () => string): void {
    if (this.#texts.has(key)) return;
    const made = text();
    this.#texts.set(key, made);
  }
  #function(name: string, result: string, parameters: string, body: () => string): string {
    this.#define(name, () => `static inline ${result} ${name}(${parameters}) { ${body()} }`);
    return name;
  }

  #row(op: ScalarOp, type: ScalarType, lanes: Lanes, row: Row | undefined, suffix = ""): string {
    if (row === undefined) throw new InternalError(`internal: no C for ${op} on ${type}`);
    const t = this.type(type, lanes);
    const integer = this.type(isWide(type) ? "int64" : "int32", lanes);
    const names = ["a", "b", "c"].slice(0, arity[op] ?? 2);
    const condition = lanes === 1 ? tags.bool : integer;
    const parameters = names.map((x) => `${op === "select" && x === "a" ? condition : t} ${x}`);
    return this.#function(`${op}_${t}${suffix}`, t, parameters.join(", "), () => {
      if (lanes > 1 && row.vector === undefined) {
        const one = this.#row(op, type, 1, row, suffix);
        return withIntrinsic(op, type, lanes, eachLane(t, lanes, `${one}(${names.map((x) => `${x}[i]`).join(", ")})`));
      }
      const text = lanes > 1 ? withIntrinsic(`${op}${suffix}`, type, lanes, row.vector ?? "") : row.scalar;
      if (text.includes("bits_$T")) this.#bits(type);
      if (text.includes("_number(")) this.#row(op, type, lanes, withNumber[op], "_number");
      return text
        .replaceAll("$T", t)
        .replaceAll("$f", type === "float32" ? "f" : "")
        .replaceAll("$w", isWide(type) ? "63" : "31")
        .replaceAll(/\bT\b/g, t)
        .replaceAll(/\bU\b/g, integer);
    });
  }

  /** The bits of a float as an integer, and back. */
  #bits(type: ScalarType): void {
    const t = tags[type];
    const integer = isWide(type) ? "int64" : "int32";
    this.#reinterpret(`bits_${t}`, t, tags[integer]);
    this.#reinterpret(`as_${t}`, tags[integer], t);
  }
  #reinterpret(name: string, from: string, to: string): string {
    return this.#function(name, to, `${from} a`, () => `${to} x; __builtin_memcpy(&x, &a, sizeof x); return x;`);
  }

  #bitcast(from: ScalarType, to: ScalarType, lanes: Lanes, x: string): string {
    if (from === to) return x;
    if (lanes > 1) return `((${this.type(to, lanes)})${from === "bool" ? `(-${x})` : x})`;
    return `${this.#reinterpret(`bitcast_${tags[from]}_${tags[to]}`, tags[from], tags[to])}(${x})`;
  }

  #convert(from: ScalarType, to: ScalarType, lanes: Lanes, x: string): string {
    if (from === to) return x;
    const [source, result] = [this.type(from, lanes), this.type(to, lanes)];
    const name = `convert_${source}_${tags[to]}`;
    this.#function(name, result, `${source} a`, () =>
      lanes === 1 ? scalarConversion(from, to) : this.#vectorConversion(from, to, lanes),
    );
    return `${name}(${x})`;
  }
  #vectorConversion(from: ScalarType, to: ScalarType, lanes: Lanes): string {
    const result = this.type(to, lanes);
    const converted = (x: string) => `return __builtin_convertvector(${x}, ${result});`;
    if (to === "bool") return isWide(from) ? converted("(a != 0)") : "return a != 0;";
    if (from === "bool") return converted("-a");
    if (isFloat(from) && isInt(to)) return this.#saturated(from, to, lanes);
    return converted("a");
  }
  #saturated(from: ScalarType, to: ScalarType, lanes: Lanes): string {
    const one = `convert_${tags[from]}_${tags[to]}`;
    this.#function(one, tags[to], `${tags[from]} a`, () => scalarConversion(from, to));
    const loop = eachLane(this.type(to, lanes), lanes, `${one}(a[i])`);
    if (from !== "float32" || to !== "int32") return loop;
    // Out of range the instruction gives the least integer; no float lies between the greatest and 2³¹.
    const [source, result] = [this.type(from, lanes), this.type(to, lanes)];
    return (
      `${result} inside = (a >= -0x1p31f) & (a < 0x1p31f), high = a >= 0x1p31f, low = a < -0x1p31f; ` +
      `${result} x = __builtin_convertvector((${source})(inside & (${result})a), ${result}); ` +
      `return x | (high & 0x7fffffff) | (low & (-0x7fffffff - 1));`
    );
  }
}

const eachLane = (type: string, lanes: Lanes, value: string): string =>
  `${type} r; for (int i = 0; i < ${lanes}; i++) r[i] = ${value}; return r;`;

function scalarConversion(from: ScalarType, to: ScalarType): string {
  if (to === "bool") return "return a != 0;";
  const limit = isFloat(from) ? limits[to] : undefined;
  if (limit === undefined) return `return (${tags[to]})a;`;
  const [least, greatest, past] = limit;
  const below = to === "uint32" ? "a <= 0" : `a < -${past}`;
  return `return a != a ? 0 : a >= ${past} ? ${greatest} : ${below} ? ${least} : (${tags[to]})a;`;
}

/** A number in C, exactly. */
function literal(type: ScalarType, value: number): string {
  if (isFloat(type)) {
    const suffix = type === "float32" ? "f" : "";
    if (Number.isNaN(value)) return `__builtin_nan${suffix}("")`;
    if (!Number.isFinite(value)) return `${value < 0 ? "-" : ""}__builtin_inf${suffix}()`;
    const text = Object.is(value, -0) ? "-0" : String(value);
    const shown = `${/[.e]/.test(text) ? text : `${text}.0`}${suffix}`;
    return text.startsWith("-") ? `(${shown})` : shown;
  }
  if (type === "uint32") return `${value}u`;
  if (type === "int64") return value <= -(2 ** 63) ? "(-0x7fffffffffffffffll - 1)" : `((i64)${BigInt(value)}ll)`;
  if (value === -(2 ** 31)) return "(-0x7fffffff - 1)";
  return value < 0 ? `(${value})` : String(value);
}
