export { estimateFlash, type FlashEstimate } from "./estimate.ts";
export { FLASH_KERNELS, type FlashKernels } from "./sizes.ts";
