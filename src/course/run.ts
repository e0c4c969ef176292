/** Running a row. */
import type { Row } from "./row.js";
import { type Check, type Figure, Trial } from "./trial.js";

/** What running a row gave. */
export interface RowResult {
  readonly row: Row;
  readonly pass: boolean;
  readonly checks: readonly Check[];
  /** The check that stands for the row: the first that failed, else the first. `null` when there was none. */
  readonly main: Check | null;
  readonly figures: readonly Figure[];
  readonly values: Trial["values"];
  readonly seconds: number;
  /** Why the row failed; empty when it passed. */
  readonly reason: string;
}

const signs = { close: "=", less: "<", atMost: "≤", greater: ">", atLeast: "≥" } as const;

/** `variance: 1.5 = 2 ± 0.1 does not hold`. */
function failureOf({ what, relation, measured, expected, tolerance, count }: Check): string {
  const margin = relation === "close" ? ` ± ${tolerance}` : "";
  const many = count > 1 ? `, the worst of ${count} numbers` : "";
  return `${what ? `${what}: ` : ""}${measured} ${signs[relation]} ${expected}${margin} does not hold${many}`;
}

/**
 * Runs a row's check. The row passes when the check ends without an error and every comparison in it holds. With a
 * `perturbation` the expected values are wrong by that many tolerances: a row that still passes proves nothing.
 */
export async function runRow(row: Row, options: { readonly perturbation?: number } = {}): Promise<RowResult> {
  const trial = new Trial(options);
  const start = performance.now();
  let thrown = "";
  try {
    await row.check(trial);
  } catch (error) {
    thrown = String(error);
  }
  const { checks, figures, values } = trial;
  const failed = checks.filter((check) => !check.pass);
  const proves = checks.some((check) => check.relation === "close");
  const empty = proves ? "" : "the row compares nothing with an expected value: call t.close or t.equal";
  const reason = thrown || failed.map(failureOf).join("; ") || empty;
  return {
    row,
    pass: reason === "",
    checks,
    main: failed[0] ?? checks[0] ?? null,
    figures,
    values,
    seconds: (performance.now() - start) / 1000,
    reason,
  };
}
