import { EspalierError } from "../../diagnostics/index.ts";
import {
  encodeTflite,
  type TfliteModel,
  type TfliteOptions,
  type TfliteTensor,
  tfliteOptions,
} from "../../formats/tflite/codec/index.ts";
import { fromBytes, sameShape, toInts } from "../../tensor/index.ts";
import { createEngine } from "./engine.ts";
import { type LiteRtTensorInfo, withoutOpenShapes } from "./entry.ts";

/**
 * Asks the runtime for the shape of each output. It sizes an output's memory by the file but writes what it computes, so a
 * file that declares another shape gives a cut or padded result without a word. The model runs once on zeros, with RANK and
 * SHAPE of its outputs in place of the outputs. Throws EspalierError "input" on a difference, and "runtime" when the
 * runtime cannot prepare the model (an operator without a kernel). A failure that depends on the data, such as a division
 * by the zeros, is left to the real run.
 */
export async function checkOutputShapes(
  model: TfliteModel,
  inputs: readonly LiteRtTensorInfo[],
  outputs: readonly LiteRtTensorInfo[],
): Promise<void> {
  const engine = await createEngine(encodeTflite(shapeModel(model)), 0);
  let results: Uint8Array[];
  try {
    for (const [slot] of inputs.entries()) engine.clear(slot);
    results = engine.run();
  } catch (error) {
    if (error instanceof EspalierError && /failed to invoke/i.test(error.message)) return;
    throw error;
  }
  const ranks = results.slice(0, outputs.length);
  const shapes = results.slice(outputs.length);
  for (const [index, { name, shape }] of outputs.entries()) {
    const rank = toInts(fromBytes("float32", [], ranks[index]!))[0]!;
    const answer = shape.length === 0 ? new Uint8Array(0) : shapes.shift()!;
    // With another rank, the answer has not the size that was reserved for it.
    const found = rank === shape.length ? toInts(fromBytes("float32", [rank], answer)) : null;
    if (found === null || !sameShape(found, shape.map(Math.fround))) {
      const computed = found === null ? `${rank} dimensions` : `shape [${found.join(", ")}]`;
      throw new EspalierError("input", `The runtime computes ${computed}, the file says [${shape.join(", ")}]`, {
        where: `output ${index} ${JSON.stringify(name)}`,
      });
    }
  }
}

function shapeModel(model: TfliteModel): TfliteModel {
  const [entry, ...others] = withoutOpenShapes(model).subgraphs;
  const tensors: TfliteTensor[] = [...entry!.tensors];
  const operators = [...entry!.operators];
  const add = (dtype: "int32" | "float32", shape: readonly number[]): number =>
    tensors.push({ name: `probe ${tensors.length}`, shape, dtype, buffer: 0 }) - 1;
  // SHAPE and RANK are computed while preparing, and such a result is never copied to an output: the CAST runs and is.
  const cast = tfliteOptions("CastOptions", { inDataType: "INT32", outDataType: "FLOAT32" });
  const ask = (opcode: "SHAPE" | "RANK", options: TfliteOptions, of: number, shape: readonly number[]): number => {
    const asked = add("int32", shape);
    const answer = add("float32", shape);
    operators.push({ opcode, inputs: [of], outputs: [asked], options });
    operators.push({ opcode: "CAST", inputs: [asked], outputs: [answer], options: cast });
    return answer;
  };
  const ranks = entry!.outputs.map((output) => ask("RANK", tfliteOptions("RankOptions"), output, []));
  // The shape of a scalar has no elements, which the runtime cannot return; its rank says all.
  const shapes = entry!.outputs
    .filter((output) => tensors[output]!.shape.length > 0)
    .map((output) =>
      ask("SHAPE", tfliteOptions("ShapeOptions", { outType: "INT32" }), output, [tensors[output]!.shape.length]),
    );
  const outputs = [...ranks, ...shapes];
  return { ...model, signatures: [], subgraphs: [{ ...entry!, tensors, operators, outputs }, ...others] };
}
