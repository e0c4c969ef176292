/** Calls in a row of which the fastest counts: the first may have to wake workers. */
const attempts = 3;
/** The share of the time, at most, that goes into trying the slower way again. */
const trying = 1 / 32;
/** How much slower a way is taken to be, at most, when it is decided when to try it again. */
const mostSlower = 32;
/** How many times sooner the slower way is tried again at first, when little is known. */
const atFirst = 16;

/**
 * Whether several threads do a segment faster than one, found by trying both, and again now and then: it depends on the
 * machine, on what else it does just now, and on whether workers are awake. Results are the same either way.
 */
export class Choice {
  together = true;
  /** Of late, in milliseconds: alone and together. A slow call weighs little, many do. */
  readonly #times = [Infinity, Infinity];
  #deciding = false;
  #left = attempts;
  #haste = atFirst;

  /** Milliseconds that the faster way takes. */
  readonly least = (): number => Math.min(...this.#times);

  /** Tells how long a call took, done the way that `together` said. */
  took(milliseconds: number): void {
    const way = Number(this.together);
    const other = 1 - way;
    this.#times[way] = Math.min(milliseconds, 1.1 * this.#times[way]);
    const overtaken = !this.#deciding && this.#times[way] > this.#times[other];
    if (--this.#left > 0 && !overtaken) return;
    const stays = this.#deciding && this.#times[way] <= this.#times[other];
    if (!stays) this.together = !this.together;
    if (this.#deciding) this.#haste = stays ? atFirst : Math.max(1, this.#haste / 2);
    const slower = Math.max(...this.#times) / this.least();
    this.#left = this.#deciding ? (attempts * Math.min(slower, mostSlower)) / trying / this.#haste : attempts;
    this.#deciding = !this.#deciding;
  }
}
