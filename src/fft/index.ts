/** Fourier transforms of any length along any axes, real and complex, with derivatives. */
export type { Complex } from "../tensor/index.js";
export { fftConvolve, type FftConvolveOptions, fftfreq, fftshift, ifftshift, rfftfreq } from "./helpers.js";
export {
  conjugate,
  fft,
  fft2,
  fftn,
  type FftnOptions,
  type FftOptions,
  hfft,
  ifft,
  ifft2,
  ifftn,
  ihfft,
  irfft,
  irfft2,
  irfftn,
  multiply,
  type Norm,
  rfft,
  rfft2,
  rfftn,
} from "./transforms.js";
