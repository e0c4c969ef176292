/** `typegrad/course`: the deep-learning course as rows that run. */
export { chapter, type Chapter, type Row, row, slowRow } from "./row.js";
export { type RowResult, runRow } from "./run.js";
export { type Check, type Figure, type Numbers, type Relation, Trial } from "./trial.js";
