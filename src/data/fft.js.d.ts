declare module "fft.js" {
  /** Radix-4 fast Fourier transform of a power of two at least 2; complex arrays hold real and imaginary parts in turn. */
  export default class FFT {
    constructor(size: number);
    readonly size: number;
    createComplexArray(): number[];
    /** Fills the first half of `out` (bins 0 to size / 2) with the transform of `size` real numbers. */
    realTransform(out: number[], input: ArrayLike<number>): void;
  }
}
