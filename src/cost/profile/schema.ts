import { z } from "zod";
import { gpuLatencySchema, mcuLatencySchema, npuLatencySchema } from "./latency-schema.ts";
import { count } from "./quantity.ts";

export const PRECISIONS = ["float32", "float16", "int8"] as const;

/** Precision of a deployed artifact's arithmetic. */
export type Precision = (typeof PRECISIONS)[number];

const operatorsSchema = z
  .strictObject({
    supported: z.array(z.string().min(1)).min(1).describe("operators in ONNX's vocabulary"),
    maxKernelHeight: count.optional(),
    maxKernelArea: count.optional(),
    maxPoolKernelArea: count.optional(),
    maxStride: count.optional(),
    source: z.string().min(3),
  })
  .describe("what the device runs itself; absent: everything");

const budgetsSchema = z
  .strictObject({
    ramBytes: z.int().positive().describe("share of the RAM given to the model's arena"),
    flashBytes: z.int().positive().describe("share of the flash given to model and runtime"),
    reason: z.string().min(3),
  })
  .describe("default limits of a deployment; the command line overrides them");

const common = {
  $schema: z.string().optional(),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, "lower-case letters, digits and hyphens")
    .describe("equals the file name"),
  title: z.string().min(3),
  description: z.string().min(3),
  extends: z.string().optional().describe("profile whose fields this one starts from"),
  runtime: z.strictObject({ name: z.string().min(1), version: z.string().min(1), note: z.string().optional() }),
  deploy: z.strictObject({ batch: z.int().positive(), precision: z.enum(PRECISIONS) }),
  budgets: budgetsSchema.optional(),
  operators: operatorsSchema.optional(),
};

const cpuSchema = z.strictObject({
  ...common,
  class: z.literal("cpu"),
  latency: z.strictObject({ model: z.literal("measured") }),
});
const gpuSchema = z.strictObject({ ...common, class: z.literal("gpu"), memoryBytes: count, latency: gpuLatencySchema });
const npuSchema = z.strictObject({ ...common, class: z.literal("npu"), latency: npuLatencySchema });
const mcuSchema = z.strictObject({
  ...common,
  class: z.literal("mcu"),
  core: z.string().min(3),
  sramBytes: count,
  flashBytes: count,
  tflm: z
    .strictObject({
      abi: z.enum(["arm32", "arm32-linux", "host64"]),
      kernels: z.enum(["reference", "cmsis-nn"]),
      simd: z.enum(["none", "dsp", "mve"]),
      flashKernels: z.enum(["reference", "cmsis-nn", "cmsis-nn-int8"]).describe("operator registration that is linked"),
    })
    .describe("the build of TensorFlow Lite Micro that the arena and flash figures are for"),
  latency: mcuLatencySchema,
});

/** Contract of a file in hardware-profiles/ after `extends` is resolved. Strict: an unknown key is an error. */
export const profileSchema = z
  .discriminatedUnion("class", [cpuSchema, gpuSchema, npuSchema, mcuSchema])
  .describe("Device profile of Espalier");

export type CpuProfile = z.infer<typeof cpuSchema>;
export type GpuProfile = z.infer<typeof gpuSchema>;
export type NpuProfile = z.infer<typeof npuSchema>;
export type McuProfile = z.infer<typeof mcuSchema>;
/** A device with its runtime, by class; every number that is a fact carries its source. */
export type DeviceProfile = CpuProfile | GpuProfile | NpuProfile | McuProfile;
