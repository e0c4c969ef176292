/** Random numbers from explicit keys, and from a default generator for everyday use. */
export {
  bernoulli,
  bits,
  categorical,
  foldIn,
  gumbel,
  key,
  type Key,
  normal,
  permutation,
  randint,
  split,
  truncatedNormal,
  uniform,
} from "./keys.js";
export { Generator, defaultGenerator, manualSeed, rand, randn, randperm } from "./generator.js";
