import { EspalierError } from "../../../diagnostics/index.ts";
import type { FoldingBuilder } from "../../../fold/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import type { DType } from "../../../tensor/index.ts";
import { type ShapeRule, settledShape } from "../options.ts";
import type { Boundary, NamedOutput } from "../outputs.ts";
import type { ModelJson } from "../schema.ts";
import type { Weights } from "../weights.ts";
import { applyModel, newReading } from "./model.ts";
import { LAYER_READERS } from "./readers.ts";
import { RECURRENT } from "./recurrent.ts";
import { type LayerDef, MODEL_CLASSES, type ModelDef, parseLayer, parseModel } from "./topology.ts";
import { layerWeights } from "./weights.ts";

/** Element types of input layers, as TF.js computes with them. */
const inputTypes: Readonly<Record<string, DType>> = {
  float32: "float32",
  float16: "float32",
  float64: "float32",
  int32: "int32",
  int64: "int32",
  uint8: "int32",
  int8: "int32",
  bool: "bool",
};

/** Reads a LayersModel (Keras topology) into the builder. */
export function readLayersModel(json: ModelJson, weights: Weights, rule: ShapeRule, builder: FoldingBuilder): Boundary {
  const topology = json.modelTopology;
  const model = parseModel(topology.model_config ?? topology, "model.json.modelTopology");
  const all = allLayers(model);
  refuseUnread(all);
  refuseMasks(all);
  const inputs = openInputs(model, rule, builder);
  const outputs = applyModel(newReading(builder, layerWeights(weights)), model, inputs);
  return { inputs, outputs: named(model, outputs) };
}

/** Every layer of a model and of the models and wrapped layers within it. */
function allLayers(model: ModelDef): LayerDef[] {
  return model.layers.flatMap((layer) => {
    if (MODEL_CLASSES.includes(layer.className))
      return allLayers(parseModel({ class_name: layer.className, config: layer.config }, `layer "${layer.name}"`));
    const inner = layer.config.layer;
    return inner === undefined || inner === null || !Object.hasOwn(LAYER_READERS, layer.className)
      ? [layer]
      : [layer, parseLayer(inner, `layer "${layer.name}".layer`)];
  });
}

/** Refuses masks that something reads: recurrent layers skip masked steps, others compute the same with and without. */
function refuseMasks(all: readonly LayerDef[]): void {
  const masking = all.find((layer) => layer.className === "Embedding" && layer.config.mask_zero === true);
  const reader = all.find((layer) => Object.hasOwn(RECURRENT, layer.className));
  if (masking === undefined || reader === undefined) return;
  throw new EspalierError("unsupported", `The mask that makes "${reader.name}" skip zeros is not supported`, {
    where: `layer "${masking.name}" (${masking.className})`,
    hint: "Build the model again with maskZero: false.",
  });
}

/** Refuses a model that has layers nobody reads: one error that names them all. */
function refuseUnread(all: readonly LayerDef[]): void {
  const unread = all.filter(
    (layer) => !Object.hasOwn(LAYER_READERS, layer.className) && !MODEL_CLASSES.includes(layer.className),
  );
  const first = unread[0];
  if (first === undefined) return;
  const names = [...new Set(unread.map((layer) => layer.className))].sort().join(", ");
  const code = unread.some((layer) => layer.className === "Lambda") ? ", whose computation is Python code" : "";
  throw new EspalierError("unsupported", `The model has layers that are not supported: ${names}${code}`, {
    where: `layer "${first.name}" (${first.className})`,
    hint: "Export the model as a GraphModel (tensorflowjs_converter --output_format=tfjs_graph_model), which has operators instead.",
  });
}

function namesOfInputs(model: ModelDef): { name: string; layer: LayerDef }[] {
  if (!model.sequential)
    return model.inputs.map((ref) => {
      const layer = model.layers.find((candidate) => candidate.name === ref.layer);
      if (layer === undefined)
        throw new EspalierError("input", `The input "${ref.layer}" is no layer of the model`, {
          where: "input_layers",
        });
      return { name: layer.name, layer };
    });
  const first = model.layers[0]!;
  if (first.className === "InputLayer") return [{ name: first.name, layer: first }];
  if (MODEL_CLASSES.includes(first.className))
    return namesOfInputs(parseModel({ class_name: first.className, config: first.config }, `layer "${first.name}"`));
  return [{ name: `${first.name}_input`, layer: first }];
}

function openInputs(model: ModelDef, rule: ShapeRule, builder: FoldingBuilder): ValueId[] {
  return namesOfInputs(model).map(({ name, layer }) => {
    const sizes = layer.config.batch_input_shape ?? layer.config.batch_shape;
    if (sizes !== undefined && sizes !== null && !isShape(sizes))
      throw new EspalierError("input", `${JSON.stringify(sizes).slice(0, 80)} is not a shape`, {
        where: `input "${name}"`,
      });
    const stated =
      typeof layer.config.dtype === "string" && layer.className === "InputLayer" ? layer.config.dtype : "float32";
    const dtype = Object.hasOwn(inputTypes, stated) ? inputTypes[stated] : undefined;
    if (dtype === undefined)
      throw new EspalierError("unsupported", `Inputs of type ${stated} are not supported`, {
        where: `input "${name}"`,
      });
    const known = isShape(sizes) ? sizes.map((size) => size ?? -1) : null;
    return builder.input(name, { dtype, shape: settledShape(rule, [name, layer.name], known) });
  });
}

function isShape(value: unknown): value is (number | null)[] {
  return (
    Array.isArray(value) &&
    value.length <= 32 &&
    value.every(
      (size) => size === null || (Number.isInteger(size) && (size as number) >= -1 && (size as number) <= 2 ** 31),
    )
  );
}

/** Outputs are named after their layers, as in TF.js; a layer with several outputs numbers them. */
function named(model: ModelDef, ids: readonly ValueId[]): NamedOutput[] {
  const last = model.layers[model.layers.length - 1]!;
  return ids.map((id, i) => ({ id, name: model.sequential ? last.name : (model.outputs[i]?.layer ?? last.name) }));
}
