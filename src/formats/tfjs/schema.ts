import { z } from "zod";
import { EspalierError } from "../../diagnostics/index.ts";
import { safeSegments } from "../../io/index.ts";
import { parseBoundedJson } from "./json.ts";

const size = z
  .int()
  .min(0)
  .max(2 ** 31);

const weight = z.object({
  name: z.string(),
  shape: z.array(size).max(32),
  dtype: z.string(),
  quantization: z.object({ dtype: z.string(), scale: z.number().optional(), min: z.number().optional() }).nullish(),
});

const group = z.object({ paths: z.array(z.string()), weights: z.array(weight) });

/** A TF TensorInfo of a signature; TF.js writes sizes as strings. */
const tensorInfo = z.looseObject({
  name: z.string().optional(),
  dtype: z.union([z.string(), z.number()]).optional(),
  tensorShape: z.unknown().optional(),
});

const signature = z.object({
  inputs: z.record(z.string(), tensorInfo).nullish(),
  outputs: z.record(z.string(), tensorInfo).nullish(),
});

const model = z.object({
  format: z.string().nullish(),
  generatedBy: z.string().nullish(),
  convertedBy: z.string().nullish(),
  modelTopology: z.record(z.string(), z.unknown()),
  weightsManifest: z.array(group).nullish(),
  signature: signature.nullish(),
  userDefinedMetadata: z.record(z.string(), z.unknown()).nullish(),
});

/** One tensor of the weights manifest, as the file states it. */
export type WeightSpec = z.infer<typeof weight>;
/** Tensors stored one after another in the concatenation of some shards. */
export type WeightGroup = z.infer<typeof group>;
/** Names and types at the boundary of a GraphModel. */
export type TfSignature = z.infer<typeof signature>;
/** A model.json whose outer structure has been checked. */
export type ModelJson = z.infer<typeof model>;

/** Checks a value against a schema; the message names the place in the file and what stands there. */
export function checked<T>(schema: z.ZodType<T>, value: unknown, place: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue === undefined ? "" : issue.path.map((part) => `.${String(part)}`).join("");
  throw new EspalierError("input", `Not a TensorFlow.js model: ${issue?.message ?? "unexpected structure"}`, {
    where: `${place}${path}`,
    hint: "Give the model.json that tensorflowjs_converter or model.save() wrote.",
  });
}

/** Parses and checks the outer structure of a model.json; shard paths are relative and stay below its folder. */
export function parseModelJson(bytes: Uint8Array): ModelJson {
  const parsed = checked(model, parseBoundedJson(bytes), "model.json");
  for (const { paths } of parsed.weightsManifest ?? []) for (const path of paths) safeSegments(path);
  return parsed;
}

/**
 * The shard files that a model.json names, as written there (relative to its folder), each once, in order.
 * Throws EspalierError "input" for a path that is absolute or leaves the folder.
 */
export function shardFiles(json: Uint8Array): string[] {
  return [...new Set((parseModelJson(json).weightsManifest ?? []).flatMap(({ paths }) => paths))];
}
