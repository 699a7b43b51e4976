/** Application binary interfaces that TFLM's struct sizes depend on: short enums (Cortex-M, arm-none-eabi), 4-byte enums (other 32-bit), 64-bit. */
export const ABIS = ["arm32", "arm32-linux", "host64"] as const;

export type Abi = (typeof ABIS)[number];

/** Which kernels are linked. `simd` selects CMSIS-NN's variant: M0+ and M3 have none, M4, M7 and M33 dsp, M55 and M85 mve. */
export interface MicroBuild {
  readonly abi: Abi;
  readonly kernels: "reference" | "cmsis-nn";
  readonly simd: "none" | "dsp" | "mve";
}

/** Sizes of TFLM's own structs in bytes. */
export interface CoreSizes {
  readonly pointer: number;
  /** Alignment of the structs below. */
  readonly align: number;
  readonly arenaAllocator: number;
  readonly planner: number;
  readonly microAllocator: number;
  readonly builtinDataAllocator: number;
  readonly subgraphAllocations: number;
  readonly evalTensor: number;
  readonly node: number;
  readonly scratchHandle: number;
  readonly scratchRequest: number;
  readonly allocationInfo: number;
  readonly tensor: number;
  readonly affine: number;
}

/** The arena, every planned buffer and every kernel allocation are aligned to this. */
export const ARENA_ALIGNMENT = 16;

/** A kernel may ask for this many scratch buffers; the request list has room for as many before each Prepare. */
export const MAX_SCRATCH_REQUESTS = 12;

/** Working memory of the greedy planner per planned buffer, on every ABI. */
export const PLANNER_BYTES_PER_BUFFER = 40;

const ARM32: CoreSizes = {
  pointer: 4,
  align: 4,
  arenaAllocator: 36,
  planner: 44,
  microAllocator: 36,
  builtinDataAllocator: 8,
  subgraphAllocations: 8,
  evalTensor: 12,
  node: 32,
  scratchHandle: 4,
  scratchRequest: 12,
  allocationInfo: 24,
  tensor: 32,
  affine: 12,
};

/** Struct sizes by ABI, read with sizeof from tflite-micro 90b983c2b built with arm-none-eabi-g++ 12.2, arm-linux-gnueabihf-g++ and x86-64 g++ 12. */
export const CORE_SIZES: Readonly<Record<Abi, CoreSizes>> = {
  arm32: ARM32,
  "arm32-linux": { ...ARM32, tensor: 40 },
  host64: {
    pointer: 8,
    align: 8,
    arenaAllocator: 72,
    planner: 72,
    microAllocator: 72,
    builtinDataAllocator: 16,
    subgraphAllocations: 16,
    evalTensor: 24,
    node: 64,
    scratchHandle: 8,
    scratchRequest: 16,
    allocationInfo: 32,
    tensor: 64,
    affine: 24,
  },
};
