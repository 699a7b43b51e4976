import { z } from "zod";
import { count, nonNegative, positive } from "./quantity.ts";

/** How far predictions were off, on rows that the constants were not fitted to; the interval of every prediction comes from here. */
export const calibrationSchema = z.strictObject({
  basis: z
    .enum(["held-out", "in-sample", "transfer", "estimate"])
    .describe(
      "held-out: rows of models left out of the fit; transfer: constants of another device; estimate: reasoned",
    ),
  rows: z.int().nonnegative().describe("measurements behind the constants"),
  models: z.int().nonnegative().describe("distinct networks (or matrix shapes) among them"),
  fittedError: z
    .number()
    .min(0)
    .max(0.95)
    .optional()
    .describe("mean |predicted / measured - 1| on the rows fitted; absent: none were"),
  heldOutError: z.number().min(0).max(0.95).optional().describe("the same on rows left out, whole models at a time"),
  intervalError: z
    .number()
    .min(0)
    .max(0.95)
    .describe("e of the interval [t / (1 + e), t / (1 - e)]: the worst or the 90th percentile of the held-out errors"),
  ratioError: nonNegative.describe(
    "e of the interval of a ratio of two predictions on this device, [r / (1 + e), r / (1 - e)], below 1",
  ),
  method: z.string().min(3),
  source: z.string().min(3),
  command: z.string().optional().describe("what recomputes these figures; absent: nothing in this repository can"),
});

export type Calibration = z.infer<typeof calibrationSchema>;

const sparseRule = z.strictObject({
  addSeconds: nonNegative.describe("a of t_sparse = a + b t_dense, per kernel"),
  factor: positive.describe("b of t_sparse = a + b t_dense"),
  minReduction: count.describe("least input channels x kernel area for which 2:4 kernels win"),
  minOutChannels: count,
  minRows: count.describe("least batch x output positions for which 2:4 kernels win"),
});

const tensorRate = z.strictObject({
  macsPerSecond: positive.describe("sustained matrix rate, not the peak"),
  channelAlignment: count.describe("channels are padded to a multiple of this"),
  sparse24: sparseRule.optional(),
});

export const gpuLatencySchema = z.strictObject({
  model: z.literal("gpu-roofline"),
  precisions: z
    .strictObject({ float16: tensorRate.optional(), int8: tensorRate.optional(), float32: tensorRate.optional() })
    .describe("rates of the precisions that the device runs on its matrix units"),
  vectorMacsPerSecond: positive.describe(
    "rate of depthwise and small grouped convolutions, which miss the matrix units",
  ),
  memoryBytesPerSecond: positive,
  kernelFloorSeconds: nonNegative.describe("launch floor of one kernel"),
  inferenceFloorSeconds: nonNegative.describe("floor of one run, whatever the network"),
  overlap: z
    .enum(["max", "sum"])
    .describe("max: compute hides traffic (or the reverse) within a layer; sum: the calibration found them additive"),
  calibration: calibrationSchema,
});

const traversal = z.strictObject({ taps: z.int().positive(), channels: z.int().positive() });

export const npuLatencySchema = z.strictObject({
  model: z.literal("npu-array"),
  array: z.strictObject({
    macsPerSecond: positive.describe("peak of the array on a layer that fills it"),
    outputBlock: z
      .strictObject({ height: z.int().positive(), width: z.int().positive(), channels: z.int().positive() })
      .describe("outputs made together; sizes are padded to it"),
    traversals: z
      .array(traversal)
      .min(1)
      .describe("ways to cut the reduction into steps of taps x channels; the compiler takes the cheapest"),
    depthwiseTaps: count.describe("kernel taps of a depthwise convolution or a pool that one step takes"),
    weightBytesPerSecond: positive.describe("rate at which (decoded) weights reach the array"),
    outputElementsPerSecond: positive.describe("rate of the scaling and activation stage"),
    elementwiseElementsPerSecond: positive,
  }),
  channelAlignment: count.describe("multiple that channel counts should keep"),
  storageAlignment: count.describe("channels of an activation are stored padded to this multiple"),
  sramBytes: count.describe("fast memory for activations"),
  sramBytesPerSecond: positive,
  dramBytesPerSecond: positive.describe("weights, and activations that do not fit the fast memory"),
  layerFloorSeconds: nonNegative,
  inferenceFloorSeconds: nonNegative.describe("driver call and hand-over, once per run"),
  fallback: z.strictObject({
    macsPerSecond: positive.describe("host CPU"),
    bytesPerSecond: positive,
    switchSeconds: nonNegative.describe("leaving the accelerator and coming back"),
  }),
  calibration: calibrationSchema,
});

export const mcuLatencySchema = z.strictObject({
  model: z.literal("mcu-cycles"),
  clockHz: positive,
  cyclesPerMac: z.strictObject({
    convolution: positive.describe("convolutions with a window, grouped ones included"),
    separable: positive.describe("pointwise and depthwise: collinear in published networks, so priced together"),
    fullyConnected: positive,
  }),
  cyclesPerElement: z.strictObject({
    elementwise: nonNegative.describe("per output element of an Add, Mul, activation"),
    poolTap: nonNegative.describe("per input element read by a pool or a reduction"),
    softmax: nonNegative,
    movement: nonNegative.describe("per byte copied"),
  }),
  cyclesPerOperator: nonNegative.describe("interpreter overhead of one operator"),
  channelAlignment: count,
  calibration: calibrationSchema,
});

export type GpuLatency = z.infer<typeof gpuLatencySchema>;
export type NpuLatency = z.infer<typeof npuLatencySchema>;
export type McuLatency = z.infer<typeof mcuLatencySchema>;
