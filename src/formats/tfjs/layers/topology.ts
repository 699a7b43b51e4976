import { z } from "zod";
import { EspalierError } from "../../../diagnostics/index.ts";
import { checked } from "../schema.ts";

/** A tensor of the model: output `tensor` of call `call` of a layer. */
export interface TensorRef {
  readonly layer: string;
  readonly call: number;
  readonly tensor: number;
}

/** A Keras layer; `calls` has the operands of each time it is applied. */
export interface LayerDef {
  readonly className: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly calls: readonly (readonly TensorRef[])[];
}

/** A Keras model: layers in file order; a Sequential has no inputs and outputs of its own. */
export interface ModelDef {
  readonly name: string;
  readonly layers: readonly LayerDef[];
  readonly sequential: boolean;
  readonly inputs: readonly TensorRef[];
  readonly outputs: readonly TensorRef[];
}

const record = z.record(z.string(), z.unknown());
const object = z.object({ class_name: z.string(), config: z.union([record, z.array(z.unknown())]) });
const layer = z.object({
  class_name: z.string(),
  name: z.string().nullish(),
  config: record,
  inbound_nodes: z.array(z.unknown()).nullish(),
});
const functional = z.object({
  name: z.string().nullish(),
  layers: z.array(layer).max(20_000),
  input_layers: z.unknown().optional(),
  output_layers: z.unknown().optional(),
});

/** Class names of models, which may also stand where a layer stands. */
export const MODEL_CLASSES: readonly string[] = ["Sequential", "Functional", "Model"];

const refused = (message: string, place: string): never => {
  throw new EspalierError("input", message, {
    where: place,
    hint: "Save the model again with model.save() or tensorflowjs_converter.",
  });
};

function refOf(value: unknown, place: string): TensorRef {
  const [layerName, call, tensor] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof layerName !== "string" || !isIndex(call) || !isIndex(tensor))
    return refused(`${JSON.stringify(value).slice(0, 80)} does not name a tensor as [layer, call, output]`, place);
  return { layer: layerName, call, tensor };
}

function isIndex(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 20;
}

/** One [layer, call, output], or a list of them. */
function refsOf(value: unknown, place: string): TensorRef[] {
  if (!Array.isArray(value)) return refused("A list of tensors is missing", place);
  if (typeof value[0] === "string") return [refOf(value, place)];
  return value.map((item, i) => refOf(item, `${place}[${i}]`));
}

/** Keras 3 wraps tensors as {class_name: "__keras_tensor__", config: {keras_history: [layer, call, output]}}. */
function kerasTensors(value: unknown, into: unknown[]): void {
  if (Array.isArray(value)) for (const item of value) kerasTensors(item, into);
  else if (typeof value === "object" && value !== null) {
    const { class_name, config } = value as Record<string, unknown>;
    if (class_name === "__keras_tensor__") into.push((config as Record<string, unknown> | undefined)?.keras_history);
  }
}

function callOf(value: unknown, place: string): TensorRef[] {
  if (Array.isArray(value)) {
    const items = value as unknown[];
    const list = typeof items[0] === "string" ? [items] : items;
    for (const item of list) {
      const extra = Array.isArray(item) ? (item as unknown[])[3] : undefined;
      const named = Object.entries((extra ?? {}) as Record<string, unknown>).find(
        ([key, v]) => Array.isArray(v) && key !== "shape",
      );
      if (named !== undefined)
        throw new EspalierError(
          "unsupported",
          `The layer is called with tensors by name (${named[0]}), which is not supported`,
          { where: place },
        );
    }
    return list.map((item) => refOf(item, place));
  }
  const history: unknown[] = [];
  kerasTensors((value as Record<string, unknown> | null)?.args, history);
  return history.map((item) => refOf(item, place));
}

/** The layer's name may stand beside its config or in it. */
function layerOf(value: z.infer<typeof layer>, place: string): LayerDef {
  const name = value.name ?? value.config.name;
  if (typeof name !== "string") return refused("The layer has no name", place);
  const where = `layer "${name}"`;
  return {
    className: value.class_name,
    name,
    config: value.config,
    calls: (value.inbound_nodes ?? []).map((call) => callOf(call, where)),
  };
}

function distinct(layers: readonly LayerDef[]): readonly LayerDef[] {
  const names = new Set<string>();
  for (const { name } of layers) {
    if (names.has(name)) refused("Two layers have this name", `layer "${name}"`);
    names.add(name);
  }
  return layers;
}

/** Parses a Keras model: {class_name, config} with a Sequential, Functional or Model. */
export function parseModel(value: unknown, place: string): ModelDef {
  const model = checked(object, value, place);
  if (!MODEL_CLASSES.includes(model.class_name))
    throw new EspalierError("unsupported", `The model class "${model.class_name}" is not supported`, {
      where: place,
      hint: `Supported: ${MODEL_CLASSES.join(", ")}.`,
    });
  const config = Array.isArray(model.config) ? { layers: model.config } : model.config;
  const parsed = checked(functional, config, `${place}.config`);
  const layers = distinct(parsed.layers.map((item, i) => layerOf(item, `${place}.config.layers[${i}]`)));
  if (layers.length === 0) refused("The model has no layers", place);
  const sequential = model.class_name === "Sequential";
  const refs = (list: unknown, key: string) => (sequential ? [] : refsOf(list, `${place}.config.${key}`));
  return {
    name: parsed.name ?? "model",
    layers,
    sequential,
    inputs: refs(parsed.input_layers, "input_layers"),
    outputs: refs(parsed.output_layers, "output_layers"),
  };
}

/** A layer that is described inside the config of another (wrappers). */
export function parseLayer(value: unknown, place: string): LayerDef {
  return layerOf(checked(layer, value, place), place);
}
