/** `typegrad summary` and the lists of what there is. */
import { summary as summaryOf } from "../nn/index.js";
import { checkFit, dataNames, dataOf, modelNames, modelOf, recipeNames, recipeOf } from "./registry/index.js";
import { inputDType } from "./registry/task.js";

/** The data of the first recipe that trains a model. */
function usualData(model: string): string {
  const name = recipeNames().find((recipe) => recipeOf(recipe).model === model);
  return name === undefined ? dataNames()[0] : recipeOf(name).data;
}

/** Prints the layers of a model as it is for some data. */
export async function summary(name: string, flags: { data?: string }, out: NodeJS.WriteStream): Promise<number> {
  const model = modelOf(name);
  const data = dataOf(flags.data ?? usualData(name));
  checkFit(model, data, data.facts);
  const shape = [1, ...data.facts.input];
  out.write(`${model.title}, for one example ${JSON.stringify(shape)} of ${data.title}\n\n`);
  out.write(`${summaryOf(model.build(data.facts), shape, { dtype: inputDType(model.task, data.facts) })}\n`);
  return 0;
}

/** Rows of equal columns, a line each. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i]))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** Prints the models with what they are for and are usually trained on. */
export async function listModels(out: NodeJS.WriteStream): Promise<number> {
  const rows = modelNames().map((name) => {
    const { title, task } = modelOf(name);
    return [name, title, task.name, usualData(name)];
  });
  out.write(columns([["model", "title", "for", "data"], ...rows]));
  return 0;
}

/** Prints the data sets. */
export async function listData(out: NodeJS.WriteStream): Promise<number> {
  const rows = dataNames().map((name) => {
    const { title, about, task, facts } = dataOf(name);
    return [name, title, `${about}, ${JSON.stringify(facts.input)}`, task.name];
  });
  out.write(columns([["data", "title", "examples", "for"], ...rows]));
  return 0;
}
