/** The order in which kernels and calls run: each after what it needs, and early where that frees memory. */
import { sizeOf } from "../ir/shape.js";
import { invariant } from "../util/errors.js";
import { remembered } from "../util/key.js";
import { bytesOf } from "./memory.js";
import type { Schedule, Unit } from "./schedule.js";
import type { Block, Wire, Wiring } from "./wires.js";

/** What runs in each block, in order. */
export function ordered(wiring: Wiring, plan: Schedule): ReadonlyMap<Block, readonly Unit[]> {
  const units = new Map<Block, Unit[]>(wiring.blocks.map((b) => [b, []]));
  const needs = new Map<Unit, Set<Unit>>();
  const all: Unit[] = [...plan.drafts.toReversed(), ...[...plan.inside.keys()].toReversed()];
  for (const unit of all) {
    units.get(unit.block)?.push(unit);
    needs.set(unit, new Set());
  }
  for (const unit of all)
    for (const needed of plan.needs(unit))
      // A dependency inside one block orders that block; it orders every block around the one that needs it likewise.
      for (let maker: Unit | undefined = needed; maker; maker = plan.callOf.get(maker.block)) {
        let user: Unit | undefined = unit;
        while (user && user.block !== maker.block) user = plan.callOf.get(user.block);
        if (user && user !== maker) needs.get(user)?.add(maker);
      }
  return new Map([...units].map(([block, list]) => [block, new Order(plan, needs, list).sorted(list)]));
}

/** Puts the units of a block in order. */
class Order {
  readonly #plan: Schedule;
  readonly #needs: ReadonlyMap<Unit, ReadonlySet<Unit>>;
  readonly #done = new Set<Unit>();
  readonly #users = new Map<Unit, Unit[]>();
  /** Who still has to read an array. */
  readonly #readers = new Map<Wire, Set<Unit>>();
  /** Arrays that exist within the block alone. */
  readonly #made = new Set<Wire>();

  constructor(plan: Schedule, needs: ReadonlyMap<Unit, ReadonlySet<Unit>>, units: readonly Unit[]) {
    this.#plan = plan;
    this.#needs = needs;
    for (const unit of units) {
      for (const needed of this.#needsOf(unit)) remembered(this.#users, needed, () => []).push(unit);
      for (const x of plan.reads(unit)) remembered(this.#readers, x, () => new Set()).add(unit);
      for (const x of plan.writes(unit)) if (x.source.kind !== "output" && x.block === unit.block) this.#made.add(x);
    }
  }

  #needsOf(unit: Unit): Unit[] {
    return [...(this.#needs.get(unit) ?? [])];
  }

  /** Each unit after what it needs; depth first, without recursion. */
  sorted(units: readonly Unit[]): readonly Unit[] {
    const open = new Set<Unit>();
    for (const root of units) {
      const stack = [root];
      for (let unit = stack.at(-1); unit; unit = stack.at(-1)) {
        if (this.#done.has(unit)) stack.pop();
        else if (open.has(unit)) this.#run(unit);
        else {
          open.add(unit);
          const missing = this.#needsOf(unit).filter((x) => !this.#done.has(x));
          invariant(!missing.some((x) => open.has(x)), "kernels need each other in a circle");
          stack.push(...missing);
        }
      }
    }
    return [...this.#done];
  }

  /** Runs a unit, and then what frees memory. */
  #run(first: Unit): void {
    const pending = [first];
    for (let unit = pending.pop(); unit; unit = pending.pop()) {
      if (this.#done.has(unit)) continue;
      this.#done.add(unit);
      const next = new Set(this.#users.get(unit));
      for (const wire of this.#plan.reads(unit)) {
        const readers = this.#readers.get(wire);
        readers?.delete(unit);
        if (readers?.size === 1) for (const last of readers) next.add(last);
      }
      pending.push(...[...next].filter((x) => this.#frees(x)));
    }
  }

  /** Whether a unit may run now and leaves less in memory; results must still find their inputs' places free. */
  #frees(unit: Unit): boolean {
    if (!this.#needsOf(unit).every((x) => this.#done.has(x))) return false;
    const [reads, writes] = [[...this.#plan.reads(unit)], [...this.#plan.writes(unit)]];
    const isLast = (x: Wire) => this.#readers.get(x)?.size === 1;
    const bytes = (xs: Wire[]) => xs.reduce((sum, x) => sum + (this.#made.has(x) ? bytesOf(x) : 0), 0);
    const fits = (x: Wire) => writes.some((y) => y.source.kind === "output" && sizeOf(x.shape) === sizeOf(y.shape));
    const isTaken = (x: Wire) => x.source.kind === "input" && !isLast(x) && fits(x);
    return bytes(reads.filter(isLast)) > bytes(writes) && !reads.some(isTaken);
  }
}
