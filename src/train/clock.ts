/** Time: how fast a run is, and when others have their turn. */

/** Examples and the time they took. */
export class Clock {
  examples = 0;
  readonly #start = performance.now();
  add(examples: number): void {
    this.examples += examples;
  }
  seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }
  stop(): { readonly seconds: number; readonly examples: number } {
    return { seconds: this.seconds(), examples: this.examples };
  }
}

/** Lets signals, pages and the collector of dropped tensors have their turn, at most every 50 ms. */
export class Pause {
  #last = performance.now();
  async now(): Promise<void> {
    if (performance.now() - this.#last < 50) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    this.#last = performance.now();
  }
}
