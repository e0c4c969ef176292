/** Models, data sets and recipes by name, and what of them goes together. */
import { oneOf, UsageError } from "../usage.js";
import { dataSets } from "./data.js";
import { models } from "./models.js";
import { type Recipe, recipes } from "./recipes.js";
import type { DataEntry, Facts, ModelEntry } from "./task.js";

const namesOf = <N extends string>(table: Readonly<Record<N, unknown>>): N[] =>
  Object.keys(table).filter((name): name is N => Object.hasOwn(table, name));

export const modelNames = () => namesOf(models);
export const dataNames = () => namesOf(dataSets);
export const recipeNames = () => namesOf(recipes);

export const modelOf = (name: string): ModelEntry => models[oneOf("the model", modelNames(), name)];
export const dataOf = (name: string): DataEntry => dataSets[oneOf("--data", dataNames(), name)];
export const recipeOf = (name: string): Recipe => recipes[oneOf("the model", recipeNames(), name)];

/** Fails unless a model can learn from data of which the facts hold. */
export function checkFit(model: ModelEntry, data: DataEntry, facts: Facts): void {
  if (model.task !== data.task) {
    const fitting = dataNames().filter((name) => dataOf(name).task === model.task);
    throw new UsageError(
      `${model.title} is for ${model.task.name}, got ${data.title}, which is for ${data.task.name}. take --data ${fitting.join(" or ")}`,
    );
  }
  const wanted = model.refuses?.(facts) ?? null;
  if (wanted !== null)
    throw new UsageError(`${model.title} takes ${wanted}, got ${JSON.stringify(facts.input)} from ${data.title}`);
}
