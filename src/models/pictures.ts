/** What networks for pictures want of them. */
import { ArgumentError, ShapeError, type Tensor } from "../index.js";

/** Throws unless 4 divides the side of pictures, which is at least `least`. */
export function checkSide(name: string, size: number, least: number): void {
  if (!Number.isInteger(size / 4) || size < least)
    throw new ArgumentError(
      `${name}: size must be a multiple of 4 from ${least} on, got ${size}. pad or resize the pictures`,
    );
}

/** Throws unless these are pictures `[N, channels, H, W]` with sides of at least `least`. */
export function checkPictures(name: string, x: Tensor, channels: number, least = 1): void {
  const [, given, height, width] = x.shape;
  if (x.rank !== 4 || given !== channels || height < least || width < least)
    throw new ShapeError(
      `${name}: pictures must be [N, ${channels}, H, W] with sides of at least ${least}, got ${x.describe()}. reshape or resize them, or build it for other channels`,
    );
}
