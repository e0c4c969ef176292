/** Information theory of finite distributions: tables of probabilities and what they say about each other. */
export {
  type Between,
  conditionalEntropy,
  crossEntropyBetween,
  entropy,
  js,
  kl,
  mutualInformation,
  type Over,
  pointwiseMutualInformation,
  type Unit,
} from "./measures.js";
export { JointTable, type Table, type Variable, type Variables } from "./table.js";
