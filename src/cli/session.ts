/** A run that is about to train: everything that was typed is checked, its folder, device and data are open. */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { useDevice } from "./device.js";
import { type LoadedData, type Recipe, recipeOf } from "./recipes.js";
import { type DataFacts, type RunFile, type Settings, checkSame, claimFolder, readRun, writeRun } from "./run.js";
import { count } from "./text.js";
import { UsageError } from "./usage.js";
import { version } from "./version.js";

/** What was typed. */
export interface TrainFlags {
  readonly epochs?: number;
  readonly batch?: number;
  readonly lr?: number;
  readonly seed?: number;
  readonly device?: string;
  readonly data?: string;
  readonly out: string;
  readonly name?: string;
  readonly resume?: boolean;
  readonly saveEvery: number;
}

export interface Session {
  readonly flags: TrainFlags;
  readonly folder: string;
  readonly recipe: Recipe;
  readonly run: RunFile;
  readonly data: LoadedData;
  readonly resumed: boolean;
}

/** Opens a new run, or one that is there when `--resume` was typed. */
export async function openSession(name: string, flags: TrainFlags, say: (line: string) => void): Promise<Session> {
  const recipe = recipeOf(name);
  const folder = join(flags.out, flags.name ?? name);
  const before = flags.resume ? await readRun(folder) : null;
  if (before) checkSame(before.settings, { ...flags, recipe: name });
  const settings = before?.settings ?? settingsOf(name, recipe, flags);
  await useDevice(settings.device);
  if (!before) await claimFolder(folder);
  const place = flags.data ?? before?.data.folder ?? undefined;
  const data = await recipe.data.load(place, ({ file, received, total }) => {
    if (received === total) say(`downloaded ${file}`);
  });
  const facts = factsOf(data, place);
  if (before) checkData(before.data, facts);
  const run = before ?? newRun(settings, facts);
  const others = Object.entries(versions).filter(([what, now]) => run.versions[what] !== now);
  for (const [what, now] of others)
    say(`note: begun with ${what} ${run.versions[what]}, now ${now}: numbers may differ in their last bits`);
  if (!before) await writeRun(folder, run);
  return { flags, folder, recipe, run, data, resumed: before !== null };
}

function settingsOf(name: string, { defaults }: Recipe, flags: TrainFlags): Settings {
  const { epochs = defaults.epochs, batch = defaults.batch, lr = defaults.lr, seed = 42, device = "cpu" } = flags;
  return { recipe: name, epochs, batch, lr, seed, device };
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

function factsOf({ train, test, source }: LoadedData, place: string | undefined): DataFacts {
  const hash = createHash("sha256");
  for (const { images, labels } of [train.arrays, test.arrays])
    for (const { data } of [images, labels]) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const folder = place === undefined ? null : resolve(place);
  return { source, folder, train: train.length, test: test.length, sha256: hash.digest("hex") };
}

function checkData(before: DataFacts, now: DataFacts): void {
  if (before.sha256 === now.sha256) return;
  const tell = ({ source, train, test }: DataFacts): string =>
    `${source} (${count(train)} and ${count(test)} pictures)`;
  throw new UsageError(
    `--resume needs the data that the run has, ${tell(before)}, got ${tell(now)} with other content. name its folder by --data`,
  );
}

/** What decides the run, for people. */
export const titleOf = ({ recipe, run }: Session): string =>
  `${recipe.title} on ${count(run.data.train + run.data.test)} ${recipe.data.about}`;

const quoted = (text: string): string => (/^[\w./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** The words that name the run and its data; the rest of its settings may follow. */
export function commandOf({ run, flags }: Session): string {
  const { recipe } = run.settings;
  const places: [string, string | undefined, string][] = [
    ["--data", flags.data, ""],
    ["--out", flags.out, "runs"],
    ["--name", flags.name, recipe],
  ];
  const typed = places.flatMap(([flag, value, usual]) =>
    value === undefined || value === usual ? [] : [`${flag} ${quoted(value)}`],
  );
  return ["typegrad train", recipe, ...typed].join(" ");
}

/** The flags that give the run again. */
export const settingFlags = ({ epochs, batch, lr, seed, device }: Settings): string =>
  Object.entries({ epochs, batch, lr, seed, device })
    .map(([name, value]) => `--${name} ${value}`)
    .join(" ");
