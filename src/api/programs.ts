/** The programs of one compiled function, by signature. */

/** Programs that are kept; the least recently used beyond them is forgotten. */
const limit = 64;
/** After so many programs something probably changes at every call. */
const warnAt = 16;

export class Programs<T> {
  readonly #programs = new Map<string, T>();
  #made = 0;
  #newest = "";

  /** How many there have ever been. */
  get made(): number {
    return this.#made;
  }
  get(signature: string): T | undefined {
    return this.#programs.get(signature);
  }
  /** Notes that a program was made, or is used again. */
  put(signature: string, program: T): void {
    const isNew = !this.#programs.delete(signature);
    this.#programs.set(signature, program);
    if (!isNew) return;
    this.#made++;
    if (this.#made === warnAt) warn(this.#made, this.#newest, signature);
    this.#newest = signature;
    const [oldest] = this.#programs.keys();
    if (this.#programs.size > limit) this.#programs.delete(oldest);
  }
}

/** Names the first thing in which two signatures, `device|arguments|state`, differ. */
function warn(count: number, before: string, after: string): void {
  const [was, is] = [before.split(/[;|]/), after.split(/[;|]/)];
  const at = is.findIndex((part, i) => part !== was[i]);
  const ofArguments = after.split("|")[1].split(";").length;
  const where = at === 0 ? "the device" : at <= ofArguments ? argumentAt(is[at]) : "the state";
  console.warn(
    `compile: traced ${count} times; ${where} changes: "${was[at]}" at one call, "${is[at]}" at the next. keep what changes at every call in a tensor`,
  );
}

/** `1.scale=number 3` is part of argument 1. */
function argumentAt(part: string): string {
  const [argument, ...rest] = part.split(/[:=]/)[0].split(".");
  if (argument === "") return "the number of arguments";
  return `argument ${argument}${rest.length > 0 ? ` at ${rest.join(".")}` : ""}`;
}
