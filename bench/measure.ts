/** Timing that holds on a machine whose speed drifts: every candidate in turn, round after round, and medians. */
import type { Run } from "./runner.js";

export interface Budget {
  /** Seconds one burst of runs should take. */
  readonly burst: number;
  /** Seconds of warm-up of each candidate. */
  readonly warmUp: number;
  readonly rounds: number;
  /** Seconds that all rounds of one candidate may take before rounds are left out. */
  readonly longest: number;
}
export const full: Budget = { burst: 0.15, warmUp: 1, rounds: 15, longest: 30 };
export const quick: Budget = { burst: 0.05, warmUp: 0.2, rounds: 5, longest: 5 };

/** The q-quantile, linear between neighbours. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** How a candidate is measured: runs in a burst, and bursts. */
interface Plan {
  readonly times: number;
  readonly rounds: number;
}

/** Runs until warm, and finds how many runs make a burst; one whose runs take seconds gets fewer rounds. */
async function calibrate(run: Run, budget: Budget): Promise<Plan> {
  await run(1); // compiles
  let times = 1;
  let spent = 0;
  for (;;) {
    const seconds = await run(times);
    spent += seconds;
    if (seconds >= budget.burst / 2 && spent >= budget.warmUp) {
      const burst = Math.max(1, Math.round((times * budget.burst) / seconds));
      const rounds = Math.ceil(budget.longest / ((burst * seconds) / times));
      return { times: burst, rounds: Math.max(2, Math.min(budget.rounds, rounds)) };
    }
    if (seconds < budget.burst) times *= 2;
  }
}

/** Seconds of one run of each candidate, one sample a round; samples of the same round were taken side by side. */
export async function interleaved(runs: readonly Run[], budget: Budget): Promise<number[][]> {
  const plans: Plan[] = [];
  for (const run of runs) plans.push(await calibrate(run, budget));
  const samples: number[][] = runs.map(() => []);
  for (let round = 0; round < budget.rounds; round++) {
    const order = runs.map((_, i) => (i + round) % runs.length);
    for (const i of order)
      if (round < plans[i].rounds) samples[i].push((await runs[i](plans[i].times)) / plans[i].times);
  }
  return samples;
}
