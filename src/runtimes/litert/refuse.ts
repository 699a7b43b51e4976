/**
 * What LiteRT for WebAssembly would accept and then answer with whatever lies in its memory (each case was seen), or would
 * refuse with less to go on. All of it is refused before the runtime sees the model.
 */
import { EspalierError } from "../../diagnostics/index.ts";
import type { TfliteModel } from "../../formats/tflite/codec/index.ts";
import { sizeOf } from "../../tensor/index.ts";

/** Throws EspalierError "unsupported" or "input" for a model whose outputs this runtime would not compute. */
export function refuseUnanswerable(model: TfliteModel): void {
  refuseVariables(model);
  refuseSharedBoundary(model);
  refuseUnproduced(model);
  refuseOpenOutputs(model);
}

/** This build of the runtime has no state, as recurrent cells and SVDF need. */
function refuseVariables(model: TfliteModel): void {
  for (const { tensors } of model.subgraphs) {
    const variable = tensors.find((tensor) => tensor.isVariable);
    if (variable !== undefined) {
      throw new EspalierError("unsupported", `Tensor ${JSON.stringify(variable.name)} is a variable`, {
        hint: "LiteRT for WebAssembly runs models without state only: unroll recurrent layers.",
      });
    }
  }
}

/**
 * Refuses outputs whose size only a run can tell: the runtime sizes their memory by the static shape in the file, so a
 * larger result would be written past it. An open batch (dimension 0, open in an input as well) is none of those.
 */
function refuseOpenOutputs(model: TfliteModel): void {
  const { tensors, inputs, outputs } = model.subgraphs[0]!;
  const openBatch = inputs.some((index) => tensors[index]!.shapeSignature?.[0] === -1);
  for (const { name, shapeSignature = [] } of outputs.map((index) => tensors[index]!)) {
    if (shapeSignature.some((dim, axis) => dim === -1 && !(axis === 0 && openBatch))) {
      throw new EspalierError(
        "unsupported",
        `Output ${JSON.stringify(name)} has shape [${shapeSignature.join(", ")}]`,
        {
          hint: "Export the model with static shapes: the runtime needs the size of each output beforehand.",
        },
      );
    }
  }
}

/** An output that is an input as well, or is listed twice, gets no memory of its own and is never written. */
function refuseSharedBoundary(model: TfliteModel): void {
  const { tensors, inputs, outputs } = model.subgraphs[0]!;
  const seen = new Set<number>(inputs);
  for (const index of outputs) {
    if (seen.has(index)) {
      const also = inputs.includes(index) ? "an input" : "an output before";
      throw new EspalierError("unsupported", `Output ${JSON.stringify(tensors[index]!.name)} is ${also} as well`, {
        hint: "Export the model with distinct tensors as its inputs and outputs.",
      });
    }
    seen.add(index);
  }
}

/** Reading a tensor that nothing has written yet: an operator out of order, or an output of no operator. */
function refuseUnproduced(model: TfliteModel): void {
  const { tensors, inputs, outputs, operators } = model.subgraphs[0]!;
  const known = new Set<number>([...inputs, -1]);
  const check = (index: number, reader: string): void => {
    const tensor = tensors[index];
    if (known.has(index) || tensor === undefined) return;
    if (model.buffers[tensor.buffer]!.length > 0 || sizeOf(tensor.shape) === 0) return;
    throw new EspalierError("input", `Tensor ${JSON.stringify(tensor.name)} is read before anything wrote it`, {
      where: reader,
      hint: "The operators of a .tflite file stand in the order of execution.",
    });
  };
  for (const [position, { opcode, inputs: reads, outputs: writes }] of operators.entries()) {
    for (const index of reads) check(index, `operator ${position} ${opcode}`);
    for (const index of writes) known.add(index);
  }
  for (const index of outputs) check(index, "outputs");
}
