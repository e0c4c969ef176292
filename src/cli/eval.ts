/** `typegrad eval` */
import { type DataFlags, placeOf } from "./places.js";
import { runner } from "./results.js";
import { loadData } from "./session.js";
import { count } from "./text.js";
import { readTrained } from "./trained.js";
import { UsageError } from "./usage.js";
import { dataOf } from "./registry/index.js";

export interface EvalFlags extends DataFlags {
  readonly device: string;
}

/** `0, 1, 2 and 7 more` */
const someOf = (names: readonly string[]): string =>
  names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "");

/** Tests a trained model on the test set of its data, or of others, and prints the figures. */
export async function evaluate(folder: string, flags: EvalFlags, out: NodeJS.WriteStream): Promise<number> {
  const { run, plan, model } = await readTrained(folder, flags.device);
  const { task, title } = plan.model;
  const place = await placeOf(flags);
  const data = place.name === undefined ? plan.data : dataOf(place.name);
  const own = place.name === undefined || place.name === run.settings.data;
  const from = place.folder ?? (own ? (run.data.folder ?? undefined) : undefined);
  const loaded = await loadData({ ...plan, data }, from, (line) => out.write(`${line}\n`));
  const { facts } = run.data;
  const shape = ({ input, outputs }: typeof facts): string => `${JSON.stringify(input)} and ${outputs} answers`;
  if (shape(facts) !== shape(loaded.facts))
    throw new UsageError(
      `this ${title} is for ${shape(facts)}, got ${shape(loaded.facts)} from ${data.title}. train one for it`,
    );
  if (facts.names.join() !== loaded.facts.names.join())
    throw new UsageError(
      `this ${title} tells ${someOf(facts.names)} apart, got data of ${someOf(loaded.facts.names)} from ${data.title}. train one for it`,
    );
  const { figures } = await task.judge({ ...runner(model, task, facts), facts, test: loaded.test });
  out.write(`${title} on ${count(loaded.test.length)} test ${task.examples} (${loaded.source})\n`);
  if (own && loaded.sha256 !== run.data.sha256) out.write(`note: the run had other data, ${run.data.source}\n`);
  const width = Math.max(...figures.map(({ name }) => name.length));
  for (const { name, text } of figures) out.write(`${name.padEnd(width)}  ${text}\n`);
  return 0;
}
