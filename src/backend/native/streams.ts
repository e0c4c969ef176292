/**
 * Stores that go past the caches: a result much larger than they are is not near when somebody reads it, and writing it
 * as usual first reads the lines it overwrites, half as much traffic again.
 */
import type { BufferInfo, Kernel, Local, Statement, Value } from "../../compile/loop.js";
import { bufferIn, visitStatements } from "../../compile/walk.js";
import { byteSize } from "../../ir/dtype.js";
import { sizeOf } from "../../ir/shape.js";

/** Bytes of results that no last level of caches holds beside what they are made of. */
const farBytes = 1 << 25;

type Store = Statement & { readonly kind: "store" };

/** Vector stores of a kernel, to aligned addresses, into large buffers that it does not read; `aliases` as in `kernel.ts`. */
export function streamedStores(
  kernel: Kernel,
  infos: readonly BufferInfo[],
  aliases: readonly number[],
): ReadonlySet<Statement> {
  const far = new Set(aliases.filter((b) => sizeOf(infos[b].shape) * byteSize(infos[b].dtype) >= farBytes));
  const owner = (number: number): number => aliases[bufferIn(kernel, number)];
  const multiples = new Multiples(kernel.body, (buffer) => far.delete(owner(buffer)));
  const streamed = new Set<Statement>();
  const find = (statements: readonly Statement[], step: number): void => {
    for (const s of statements)
      if (s.kind === "loop") find(s.body, s.step);
      else if (s.kind === "if") [s.then, s.otherwise].forEach((part) => find(part, 0));
      else if (s.kind === "store" && far.has(owner(s.buffer)) && fillsLines(s, step))
        if (multiples.holds(s.offset, s.value.lanes)) streamed.add(s);
  };
  if (far.size > 0) find(kernel.body, 0);
  return streamed;
}

/** Whether lines are filled, by one store or by those of successive turns: parts of lines would leave one by one. */
function fillsLines({ value: { type, lanes } }: Store, step: number): boolean {
  if (type === "bool" || type === "int64") return false;
  const bytes = lanes * byteSize(type);
  return bytes === 64 || (bytes >= 16 && step === lanes);
}

/** What is known of the divisors of int32 values in a kernel. */
class Multiples {
  /** What a local is ever set to; an index starts somewhere and goes on in steps. */
  readonly #sources = new Map<Local, readonly Value[]>();
  readonly #steps = new Map<Local, number>();

  constructor(body: readonly Statement[], onLoad: (buffer: number) => void) {
    const add = (local: Local, value: Value) => this.#sources.set(local, [...(this.#sources.get(local) ?? []), value]);
    visitStatements(
      body,
      (s) => {
        if (s.kind === "set" && s.value.type === "int32" && s.value.lanes === 1) add(s.local, s.value);
        if (s.kind !== "loop") return;
        add(s.index, s.from);
        this.#steps.set(s.index, s.step);
      },
      (x) => {
        if (x.kind === "load") onLoad(x.buffer);
      },
    );
  }

  /** Whether a value is certainly a multiple of `by`. */
  holds(x: Value, by: number): boolean {
    if (x.kind === "const") return x.value % by === 0;
    if (x.kind === "get") return this.#local(x.local, by);
    if (x.kind !== "op") return false;
    const each = () => x.args.every((part) => this.holds(part, by));
    if (x.op === "mul") return x.args.some((part) => this.holds(part, by));
    return ["add", "sub", "min", "max", "neg"].includes(x.op) && each();
  }

  #local(local: Local, by: number): boolean {
    const sources = this.#sources.get(local);
    // A local that depends on itself is not looked through twice.
    if (sources === undefined || (this.#steps.get(local) ?? 0) % by !== 0) return false;
    this.#sources.delete(local);
    const all = sources.every((x) => this.holds(x, by));
    this.#sources.set(local, sources);
    return all;
  }
}
