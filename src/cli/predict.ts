/** `typegrad predict` */
import { readFile } from "../io/index.js";
import { random, tensor } from "../index.js";
import { loadStateDict, softmax } from "../nn/index.js";
import { decodeGrey } from "../plot/index.js";
import { readModel } from "./checkpoint.js";
import { useDevice } from "./device.js";
import { blockBar } from "./progress.js";
import { recipeOf } from "./recipes.js";
import { readRun } from "./run.js";
import { percent } from "./text.js";

/** Prints the classes of a picture with their probabilities, the likeliest first. */
export async function predict(
  folder: string,
  image: string,
  flags: { device: string },
  out: NodeJS.WriteStream,
): Promise<number> {
  const { settings } = await readRun(folder);
  const recipe = recipeOf(settings.recipe);
  const picture = decodeGrey(await readFile(image));
  await useDevice(flags.device);
  random.manualSeed(0);
  const model = recipe.model().eval();
  loadStateDict(model, await readModel(folder));
  const x = tensor(recipe.data.fromPicture(picture), { shape: [1, ...recipe.input] });
  const probabilities = await softmax(model.forward(recipe.prepare(x, false)), 1).data();
  const rows = recipe.data.classes
    .map((name, i) => ({ name, share: probabilities[i] }))
    .sort((a, b) => b.share - a.share);
  const width = Math.max(...rows.map((row) => row.name.length));
  for (const { name, share } of rows)
    out.write(`${name.padStart(width)} ${blockBar(share, 30)} ${percent(share).padStart(8)}\n`);
  return 0;
}
