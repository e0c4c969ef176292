/**
 * Instructions of WebAssembly: the core, 128-bit SIMD, relaxed SIMD, bulk memory and atomics. Each row lists the names of
 * neighbouring opcodes, behind a prefix byte (0 for none). From the WebAssembly core specification 3.0, appendix A.7, and
 * the threads proposal.
 */
interface Row {
  readonly prefix: 0 | 0xfc | 0xfd | 0xfe;
  readonly first: number;
  readonly names: readonly string[];
}

// oxfmt-ignore
const plainRows = [
  { prefix: 0, first: 0x1a, names: ["drop", "select"] },
  { prefix: 0, first: 0x45, names: [
    "i32.eqz", "i32.eq", "i32.ne", "i32.lt_s", "i32.lt_u", "i32.gt_s", "i32.gt_u", "i32.le_s", "i32.le_u", "i32.ge_s", "i32.ge_u",
    "i64.eqz", "i64.eq", "i64.ne", "i64.lt_s", "i64.lt_u", "i64.gt_s", "i64.gt_u", "i64.le_s", "i64.le_u", "i64.ge_s", "i64.ge_u",
    "f32.eq", "f32.ne", "f32.lt", "f32.gt", "f32.le", "f32.ge",
    "f64.eq", "f64.ne", "f64.lt", "f64.gt", "f64.le", "f64.ge",
    "i32.clz", "i32.ctz", "i32.popcnt", "i32.add", "i32.sub", "i32.mul", "i32.div_s", "i32.div_u", "i32.rem_s", "i32.rem_u",
    "i32.and", "i32.or", "i32.xor", "i32.shl", "i32.shr_s", "i32.shr_u", "i32.rotl", "i32.rotr",
    "i64.clz", "i64.ctz", "i64.popcnt", "i64.add", "i64.sub", "i64.mul", "i64.div_s", "i64.div_u", "i64.rem_s", "i64.rem_u",
    "i64.and", "i64.or", "i64.xor", "i64.shl", "i64.shr_s", "i64.shr_u", "i64.rotl", "i64.rotr",
    "f32.abs", "f32.neg", "f32.ceil", "f32.floor", "f32.trunc", "f32.nearest", "f32.sqrt",
    "f32.add", "f32.sub", "f32.mul", "f32.div", "f32.min", "f32.max", "f32.copysign",
    "f64.abs", "f64.neg", "f64.ceil", "f64.floor", "f64.trunc", "f64.nearest", "f64.sqrt",
    "f64.add", "f64.sub", "f64.mul", "f64.div", "f64.min", "f64.max", "f64.copysign",
    "i32.wrap_i64", "i32.trunc_f32_s", "i32.trunc_f32_u", "i32.trunc_f64_s", "i32.trunc_f64_u",
    "i64.extend_i32_s", "i64.extend_i32_u", "i64.trunc_f32_s", "i64.trunc_f32_u", "i64.trunc_f64_s", "i64.trunc_f64_u",
    "f32.convert_i32_s", "f32.convert_i32_u", "f32.convert_i64_s", "f32.convert_i64_u", "f32.demote_f64",
    "f64.convert_i32_s", "f64.convert_i32_u", "f64.convert_i64_s", "f64.convert_i64_u", "f64.promote_f32",
    "i32.reinterpret_f32", "i64.reinterpret_f64", "f32.reinterpret_i32", "f64.reinterpret_i64",
    "i32.extend8_s", "i32.extend16_s", "i64.extend8_s", "i64.extend16_s", "i64.extend32_s"] },
  { prefix: 0xfc, first: 0x00, names: [
    "i32.trunc_sat_f32_s", "i32.trunc_sat_f32_u", "i32.trunc_sat_f64_s", "i32.trunc_sat_f64_u",
    "i64.trunc_sat_f32_s", "i64.trunc_sat_f32_u", "i64.trunc_sat_f64_s", "i64.trunc_sat_f64_u"] },
  { prefix: 0xfd, first: 0x0e, names: [
    "i8x16.swizzle", "i8x16.splat", "i16x8.splat", "i32x4.splat", "i64x2.splat", "f32x4.splat", "f64x2.splat"] },
  { prefix: 0xfd, first: 0x37, names: [
    "i32x4.eq", "i32x4.ne", "i32x4.lt_s", "i32x4.lt_u", "i32x4.gt_s", "i32x4.gt_u",
    "i32x4.le_s", "i32x4.le_u", "i32x4.ge_s", "i32x4.ge_u",
    "f32x4.eq", "f32x4.ne", "f32x4.lt", "f32x4.gt", "f32x4.le", "f32x4.ge",
    "f64x2.eq", "f64x2.ne", "f64x2.lt", "f64x2.gt", "f64x2.le", "f64x2.ge",
    "v128.not", "v128.and", "v128.andnot", "v128.or", "v128.xor", "v128.bitselect", "v128.any_true"] },
  { prefix: 0xfd, first: 0x5e, names: ["f32x4.demote_f64x2_zero", "f64x2.promote_low_f32x4"] },
  { prefix: 0xfd, first: 0x67, names: ["f32x4.ceil", "f32x4.floor", "f32x4.trunc", "f32x4.nearest"] },
  { prefix: 0xfd, first: 0x74, names: ["f64x2.ceil", "f64x2.floor"] },
  { prefix: 0xfd, first: 0x7a, names: ["f64x2.trunc"] },
  { prefix: 0xfd, first: 0x94, names: ["f64x2.nearest"] },
  { prefix: 0xfd, first: 0xa0, names: ["i32x4.abs", "i32x4.neg"] },
  { prefix: 0xfd, first: 0xa3, names: ["i32x4.all_true", "i32x4.bitmask"] },
  { prefix: 0xfd, first: 0xab, names: ["i32x4.shl", "i32x4.shr_s", "i32x4.shr_u", "i32x4.add"] },
  { prefix: 0xfd, first: 0xb1, names: ["i32x4.sub"] },
  { prefix: 0xfd, first: 0xb5, names: ["i32x4.mul", "i32x4.min_s", "i32x4.min_u", "i32x4.max_s", "i32x4.max_u"] },
  { prefix: 0xfd, first: 0xc0, names: ["i64x2.abs", "i64x2.neg"] },
  { prefix: 0xfd, first: 0xc3, names: ["i64x2.all_true", "i64x2.bitmask"] },
  { prefix: 0xfd, first: 0xc7, names: [
    "i64x2.extend_low_i32x4_s", "i64x2.extend_high_i32x4_s", "i64x2.extend_low_i32x4_u", "i64x2.extend_high_i32x4_u",
    "i64x2.shl", "i64x2.shr_s", "i64x2.shr_u", "i64x2.add"] },
  { prefix: 0xfd, first: 0xd1, names: ["i64x2.sub"] },
  { prefix: 0xfd, first: 0xd5, names: [
    "i64x2.mul", "i64x2.eq", "i64x2.ne", "i64x2.lt_s", "i64x2.gt_s", "i64x2.le_s", "i64x2.ge_s"] },
  { prefix: 0xfd, first: 0xe0, names: ["f32x4.abs", "f32x4.neg"] },
  { prefix: 0xfd, first: 0xe3, names: [
    "f32x4.sqrt", "f32x4.add", "f32x4.sub", "f32x4.mul", "f32x4.div", "f32x4.min", "f32x4.max", "f32x4.pmin", "f32x4.pmax",
    "f64x2.abs", "f64x2.neg"] },
  { prefix: 0xfd, first: 0xef, names: [
    "f64x2.sqrt", "f64x2.add", "f64x2.sub", "f64x2.mul", "f64x2.div", "f64x2.min", "f64x2.max", "f64x2.pmin", "f64x2.pmax",
    "i32x4.trunc_sat_f32x4_s", "i32x4.trunc_sat_f32x4_u", "f32x4.convert_i32x4_s", "f32x4.convert_i32x4_u",
    "i32x4.trunc_sat_f64x2_s_zero", "i32x4.trunc_sat_f64x2_u_zero",
    "f64x2.convert_low_i32x4_s", "f64x2.convert_low_i32x4_u"] },
  { prefix: 0xfd, first: 0x105, names: [
    "f32x4.relaxed_madd", "f32x4.relaxed_nmadd", "f64x2.relaxed_madd", "f64x2.relaxed_nmadd"] },
] as const satisfies readonly Row[];

/** Instructions with an address operand and an offset. */
// oxfmt-ignore
const memoryRows = [
  { prefix: 0, first: 0x28, names: ["i32.load", "i64.load", "f32.load", "f64.load"] },
  { prefix: 0, first: 0x36, names: ["i32.store", "i64.store", "f32.store", "f64.store"] },
  { prefix: 0xfd, first: 0x00, names: ["v128.load"] },
  { prefix: 0xfd, first: 0x09, names: ["v128.load32_splat", "v128.load64_splat", "v128.store"] },
  { prefix: 0xfd, first: 0x5c, names: ["v128.load32_zero", "v128.load64_zero"] },
  { prefix: 0xfe, first: 0x00, names: ["memory.atomic.notify", "memory.atomic.wait32", "memory.atomic.wait64"] },
  { prefix: 0xfe, first: 0x10, names: ["i32.atomic.load", "i64.atomic.load"] },
  { prefix: 0xfe, first: 0x17, names: ["i32.atomic.store", "i64.atomic.store"] },
  { prefix: 0xfe, first: 0x1e, names: ["i32.atomic.rmw.add"] },
  { prefix: 0xfe, first: 0x33, names: ["i32.atomic.rmw.or"] },
  { prefix: 0xfe, first: 0x48, names: ["i32.atomic.rmw.cmpxchg"] },
] as const satisfies readonly Row[];

/** Instructions on one lane of a vector. */
// oxfmt-ignore
const laneRows = [
  { prefix: 0xfd, first: 0x1b, names: [
    "i32x4.extract_lane", "i32x4.replace_lane", "i64x2.extract_lane", "i64x2.replace_lane",
    "f32x4.extract_lane", "f32x4.replace_lane", "f64x2.extract_lane", "f64x2.replace_lane"] },
] as const satisfies readonly Row[];

/** Instructions that move one lane between a vector and memory. */
const laneMemoryRows = [
  { prefix: 0xfd, first: 0x56, names: ["v128.load32_lane", "v128.load64_lane"] },
  { prefix: 0xfd, first: 0x5a, names: ["v128.store32_lane", "v128.store64_lane"] },
] as const satisfies readonly Row[];

export type PlainOp = (typeof plainRows)[number]["names"][number];
export type MemoryOp = (typeof memoryRows)[number]["names"][number];
export type LaneOp = (typeof laneRows)[number]["names"][number];
export type LaneMemoryOp = (typeof laneMemoryRows)[number]["names"][number];
export type Instruction = PlainOp | MemoryOp | LaneOp | LaneMemoryOp;

/** Prefix byte (or 0) and number behind it. */
export interface Opcode {
  readonly prefix: number;
  readonly code: number;
}

const table = new Map<string, Opcode>(
  [...plainRows, ...memoryRows, ...laneRows, ...laneMemoryRows].flatMap(({ prefix, first, names }) =>
    names.map((name, i): [string, Opcode] => [name, { prefix, code: first + i }]),
  ),
);

/** Log2 of the bytes an instruction moves, for the alignment that atomics must state exactly. */
export function accessSize(op: MemoryOp | LaneMemoryOp): number {
  if (op === "v128.load" || op === "v128.store") return 4;
  return op.startsWith("i64.") || op.startsWith("f64.") || op.includes("64") ? 3 : 2;
}

export function opcodeOf(op: Instruction): Opcode {
  const found = table.get(op);
  if (found === undefined) throw new RangeError(`internal: unknown instruction ${op}`);
  return found;
}
