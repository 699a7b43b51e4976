export { estimateFlash, type FlashEstimate, hasFlashSize } from "./estimate.ts";
export { FLASH_KERNELS, type FlashKernels } from "./sizes.ts";
