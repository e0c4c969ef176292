/** `typegrad summary` */
import { summary as summaryOf } from "../nn/index.js";
import { recipeOf } from "./recipes.js";

/** Prints the layers of a model. */
export async function summary(name: string, out: NodeJS.WriteStream): Promise<number> {
  const recipe = recipeOf(name);
  out.write(`${recipe.title}, for one example ${JSON.stringify([1, ...recipe.input])}\n\n`);
  out.write(`${summaryOf(recipe.model(), [1, ...recipe.input])}\n`);
  return 0;
}
