import { EspalierError, suggestion, withContext } from "../../../diagnostics/index.ts";
import { newFoldingBuilder } from "../../../fold/index.ts";
import type { Dim, Graph } from "../../../ir/index.ts";
import type { Tensor } from "../../../tensor/index.ts";
import { decodeTflite, type TfliteModel, type TfliteTensor } from "../codec/index.ts";
import { addInputs, addOutputs, named } from "./interface.ts";
import { metadataOf } from "./metadata.ts";
import { StateVariables } from "./state.ts";
import { StoredConstants } from "./stored.ts";
import { SubgraphReader } from "./subgraph.ts";

/** How a .tflite file is read. */
export interface ReadTfliteOptions {
  /** Name of the graph; default: that of the file's main subgraph. */
  readonly name?: string;
  /** Shapes for inputs, by name: numbers, or "N" for the batch. */
  readonly inputShapes?: Readonly<Record<string, readonly Dim[]>>;
  /** Inputs that are bound to a value, by name; they are no longer inputs then. */
  readonly inputValues?: Readonly<Record<string, Tensor>>;
}

/**
 * Reads the main subgraph of a .tflite file into the IR. Names, order, types and layout of inputs and outputs are the file's; quantised
 * tensors become int8, uint8 or int16 values between QuantizeLinear and DequantizeLinear with the file's own scales; state that is kept
 * between runs becomes a pair of input and output, listed in the metadata as `espalier.state`. A batch that the file leaves open becomes
 * "N", or 1 where the model computes with it. The file is not trusted. Throws EspalierError: "input" when it is malformed, "unsupported"
 * when an operator or a property has no form in the IR, "usage" when an option does not fit.
 */
export function readTflite(bytes: Uint8Array, options: ReadTfliteOptions = {}): Graph {
  try {
    const model = decodeTflite(bytes);
    checkNames(model, options);
    const open = openBatch(model, options);
    if (!open) return readModel(model, bytes, options, 1);
    try {
      return readModel(model, bytes, options, "N");
    } catch (error) {
      if (!(error instanceof EspalierError) || error.code === "usage") throw error;
      return readModel(model, bytes, options, 1);
    }
  } catch (error) {
    if (error instanceof EspalierError) throw error;
    // What a hostile file may still provoke in the engine, such as an allocation that fails.
    if (error instanceof RangeError)
      throw new EspalierError("input", `The file asks for more than can be held: ${error.message}`, { cause: error });
    throw withContext(error, "TFLite reader");
  }
}

function inputTensors(model: TfliteModel): readonly TfliteTensor[] {
  const main = model.subgraphs[0]!;
  return main.inputs.map((index) => main.tensors[index]!);
}

function checkNames(model: TfliteModel, options: ReadTfliteOptions): void {
  const names = inputTensors(model).map((tensor) => tensor.name);
  for (const name of [...Object.keys(options.inputShapes ?? {}), ...Object.keys(options.inputValues ?? {})]) {
    if (!names.includes(name))
      throw new EspalierError("usage", `The model has no input "${name}"`, { hint: suggestion(name, names) });
  }
}

function openBatch(model: TfliteModel, options: ReadTfliteOptions): boolean {
  return inputTensors(model).some(
    ({ name, shape, shapeSignature }) =>
      !Object.hasOwn(options.inputShapes ?? {}, name) &&
      !Object.hasOwn(options.inputValues ?? {}, name) &&
      (shapeSignature ?? shape)[0] === -1,
  );
}

function readModel(model: TfliteModel, bytes: Uint8Array, options: ReadTfliteOptions, batch: Dim): Graph {
  const main = model.subgraphs[0]!;
  const builder = newFoldingBuilder(options.name ?? (main.name || "main"), { fileBytes: bytes.length });
  const state = new StateVariables(builder);
  const reader = new SubgraphReader(model, builder, state, new StoredConstants(model, bytes.length));
  const values = reader.valuesOf(main);
  addInputs(builder, values, main, { batch, ...options });
  reader.read(main, values);
  const outputs = addOutputs(builder, values, main, state);
  builder.setMetadata(metadataOf(model, bytes, outputs.state));
  return named(builder.build(), outputs.names);
}
