/** A run that is about to train: everything that was typed is checked, its folder, device and data are open. */
import { join, resolve } from "node:path";
import { useDevice } from "./device.js";
import { type DataFlags, placeOf } from "./places.js";
import { checkFit, dataOf, modelOf, recipeOf } from "./registry/index.js";
import type { Recipe } from "./registry/recipes.js";
import type { DataEntry, LoadedData, ModelEntry } from "./registry/task.js";
import {
  type DataFacts,
  type RunFile,
  type Settings,
  checkSame,
  claimFolder,
  readRun,
  settingFlags,
  writeRun,
} from "./run.js";
import { count } from "./text.js";
import { UsageError } from "./usage.js";
import { version } from "./version.js";

/** What was typed. */
export interface TrainFlags extends DataFlags {
  readonly epochs?: number;
  readonly batch?: number;
  readonly lr?: number;
  readonly seed?: number;
  readonly device?: string;
  readonly valSplit?: number;
  readonly patience?: number;
  readonly out: string;
  readonly name?: string;
  readonly resume?: boolean;
  readonly saveEvery: number;
}

/** What learns from what, and how. */
export interface Plan {
  readonly recipe: Recipe;
  readonly model: ModelEntry;
  readonly data: DataEntry;
}

export interface Session {
  readonly flags: TrainFlags;
  readonly folder: string;
  readonly plan: Plan;
  readonly run: RunFile;
  readonly data: LoadedData;
  readonly resumed: boolean;
}

/** The plan of a recipe, with its own data or others; a `UsageError` when they do not go together. */
export function planOf(recipeName: string, dataName?: string): Plan {
  const recipe = recipeOf(recipeName);
  const [model, data] = [modelOf(recipe.model), dataOf(dataName ?? recipe.data)];
  checkFit(model, data, data.facts);
  return { recipe, model, data };
}

/** Opens a new run, or one that is there when `--resume` was typed. */
export async function openSession(name: string, flags: TrainFlags, say: (line: string) => void): Promise<Session> {
  const typed = await placeOf(flags);
  const asked = planOf(name, typed.name);
  const folder = join(flags.out, flags.name ?? name);
  const before = flags.resume ? await readRun(folder) : null;
  if (before) checkSame(before.settings, { ...flags, recipe: name, data: typed.name });
  const settings = before?.settings ?? settingsOf(name, typed.name ?? asked.recipe.data, asked.recipe, flags);
  const plan = planOf(name, settings.data);
  await useDevice(settings.device);
  if (!before) await claimFolder(folder);
  const place = typed.folder ?? before?.data.folder ?? undefined;
  const data = await loadData(plan, place, say);
  const facts = factsOf(data, place);
  if (before) checkData(before.data, facts);
  const run = before ?? newRun(settings, facts);
  tellVersions(run, say);
  if (!before) await writeRun(folder, run);
  return { flags, folder, plan, run, data, resumed: before !== null };
}

/** The data of a plan, which the model must be able to learn from. */
export async function loadData(
  { model, data }: Plan,
  folder: string | undefined,
  say: (line: string) => void,
): Promise<LoadedData> {
  const loaded = await data.load(folder, ({ file, received, total }) => {
    if (received === total) say(`downloaded ${file}`);
  });
  checkFit(model, data, loaded.facts);
  return loaded;
}

function tellVersions(run: RunFile, say: (line: string) => void): void {
  for (const [what, now] of Object.entries(versions))
    if (run.versions[what] !== now)
      say(`note: begun with ${what} ${run.versions[what]}, now ${now}: numbers may differ in their last bits`);
}

function settingsOf(recipe: string, data: string, { defaults }: Recipe, flags: TrainFlags): Settings {
  const { epochs = defaults.epochs, batch = defaults.batch, lr = defaults.lr } = flags;
  const { seed = 42, device = "cpu", valSplit = 0, patience = 0 } = flags;
  if (patience > 0 && valSplit === 0)
    throw new UsageError("--patience needs --val-split, got none: the test data must not decide when to stop");
  return { recipe, data, epochs, batch, lr, seed, device, valSplit, patience };
}

const versions: Readonly<Record<string, string>> = {
  typegrad: version,
  Node: process.versions.node,
  V8: process.versions.v8,
};

const newRun = (settings: Settings, data: DataFacts): RunFile => ({
  settings,
  data,
  startedAt: new Date().toISOString(),
  versions,
});

const factsOf = ({ train, test, source, sha256, facts }: LoadedData, place: string | undefined): DataFacts => ({
  source,
  folder: place === undefined ? null : resolve(place),
  train: train.length,
  test: test.length,
  sha256,
  facts,
});

function checkData(before: DataFacts, now: DataFacts): void {
  if (before.sha256 === now.sha256) return;
  const tell = ({ source, train, test }: DataFacts): string =>
    `${source} (${count(train)} and ${count(test)} examples)`;
  throw new UsageError(
    `--resume needs the data that the run has, ${tell(before)}, got ${tell(now)} with other content. name its folder by --data-dir`,
  );
}

/** What is watched while the model learns. */
export const heldOutName = ({ valSplit }: Settings): string => (valSplit > 0 ? "validation" : "test");

/** What decides the run, for people. */
export const titleOf = ({ plan, run }: Pick<Session, "plan" | "run">): string =>
  `${plan.model.title} on ${count(run.data.train + run.data.test)} ${plan.data.about}`;

const quoted = (text: string): string => (/^[\w./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** The words that name the run and its data; the rest of its settings may follow. */
export function commandOf({ run, flags, plan }: Session): string {
  const { recipe, data } = run.settings;
  const ownFolder = flags.data !== undefined && flags.data !== data;
  const places: [string, string | undefined, string][] = [
    ["--data", ownFolder ? flags.data : data, ownFolder ? "" : plan.recipe.data],
    ["--data-dir", flags.dataDir, ""],
    ["--out", flags.out, "runs"],
    ["--name", flags.name, recipe],
  ];
  const typed = places.flatMap(([flag, value, usual]) =>
    value === undefined || value === usual ? [] : [`${flag} ${quoted(value)}`],
  );
  return ["typegrad train", recipe, ...typed].join(" ");
}

/** The command that gives the run again. */
export const wholeCommandOf = (session: Session): string =>
  `${commandOf(session)} ${settingFlags(session.run.settings)}`;
