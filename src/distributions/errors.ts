import { TypegradError } from "../index.js";

/** A distribution has no such function, or none in closed form: `new Poisson(3).rsample()`; the message says what to use. */
export class UnavailableError extends TypegradError {
  override name = "UnavailableError";
}
