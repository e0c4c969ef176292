/** Pictures that are halved twice. */
import { ArgumentError } from "../index.js";

/** Throws unless 4 divides the side of pictures, which is at least `least`. */
export function checkSide(name: string, size: number, least: number): void {
  if (!Number.isInteger(size / 4) || size < least)
    throw new ArgumentError(
      `${name}: size must be a multiple of 4 from ${least} on, got ${size}. pad or resize the pictures`,
    );
}
