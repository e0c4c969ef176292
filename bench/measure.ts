/** Timing that holds on a machine whose speed drifts: every candidate in turn, round after round, and medians. */

/** Runs something a number of times and gives the seconds that took. */
export type Run = (times: number) => Promise<number>;

export interface Budget {
  /** Seconds one burst of runs should take. */
  readonly burst: number;
  /** Seconds of warm-up of each candidate. */
  readonly warmUp: number;
  readonly rounds: number;
  /** Seconds that all rounds of one candidate may take before rounds are left out. */
  readonly longest: number;
}
export const full: Budget = { burst: 0.1, warmUp: 0.4, rounds: 11, longest: 8 };
export const quick: Budget = { burst: 0.02, warmUp: 0.05, rounds: 4, longest: 0.6 };

/** The q-quantile, linear between neighbours. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** How a candidate is measured: runs in a burst, and bursts. One that is very slow has been measured already. */
interface Plan {
  readonly times: number;
  readonly rounds: number;
  readonly samples: number[];
}

/** Runs until warm, and finds how many runs make a burst; one whose runs take seconds gets fewer rounds. */
async function calibrate(run: Run, budget: Budget): Promise<Plan> {
  let times = 1;
  let spent = 0;
  for (;;) {
    const seconds = await run(times);
    spent += seconds;
    if (seconds / times > budget.longest / 2) return { times: 1, rounds: 0, samples: [seconds / times] };
    if (seconds >= budget.burst / 2 && spent >= budget.warmUp) {
      const burst = Math.max(1, Math.round((times * budget.burst) / seconds));
      const rounds = Math.floor(budget.longest / ((burst * seconds) / times));
      return { times: burst, rounds: Math.max(2, Math.min(budget.rounds, rounds)), samples: [] };
    }
    if (seconds < budget.burst) times *= 2;
  }
}

/** Samples of a candidate in seconds, or why there are none. */
export type Measured = readonly number[] | { readonly cannot: string };

const failed = (error: unknown): { cannot: string } => ({
  cannot: error instanceof Error ? error.message : String(error),
});

/** Seconds of one run of each candidate, one sample a round; samples of the same round were taken side by side, after `before`. */
export async function interleaved(
  runs: readonly Run[],
  budget: Budget,
  before: () => Promise<void> = async () => {},
): Promise<Measured[]> {
  const plans: (Plan | { cannot: string })[] = [];
  for (const run of runs) plans.push(await calibrate(run, budget).catch(failed));
  for (let round = 0; round < budget.rounds; round++) {
    await before();
    const order = runs.map((_, i) => (i + round) % runs.length);
    for (const i of order) {
      const plan = plans[i];
      if ("cannot" in plan || round >= plan.rounds) continue;
      const seconds = await runs[i](plan.times).catch(failed);
      if (typeof seconds === "number") plan.samples.push(seconds / plan.times);
      else plans[i] = seconds;
    }
  }
  return plans.map((plan) => ("cannot" in plan ? plan : plan.samples));
}
