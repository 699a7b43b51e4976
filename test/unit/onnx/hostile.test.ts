import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import { ModelProtoSchema } from "../../../src/formats/onnx/codec/generated/onnx_pb.ts";
import { externalFiles, readOnnx, writeOnnx } from "../../../src/formats/onnx/index.ts";
import { validateGraph } from "../../../src/ops/index.ts";
import { type Random, seededRandom } from "../../../src/tensor/index.ts";
import { mutateTree } from "../../fuzz/mutate-tree.ts";
import { ONNX_SPECIMENS, type OnnxSpecimen } from "./specimens.ts";

function mutant({ bytes }: OnnxSpecimen, random: Random): Uint8Array {
  if (random.below(2) === 0) {
    try {
      const model = fromBinary(ModelProtoSchema, bytes);
      mutateTree(model, random);
      return toBinary(ModelProtoSchema, model);
    } catch {
      // The codec itself refuses to write this one: change bytes instead.
    }
  }
  const copy = bytes.slice();
  for (let k = 0; k < 1 + random.below(4); k++) copy[random.below(copy.length)] = random.below(256);
  return copy;
}

describe.each(ONNX_SPECIMENS)("$name", (specimen) => {
  it("is read into a graph that is valid", () => {
    validateGraph(readOnnx(specimen.bytes, { files: specimen.files }));
  });

  it("changed at random, is read into a valid graph or refused with the reader's own error", () => {
    const random = seededRandom(7, specimen.name);
    let read = 0;
    for (let round = 0; round < 150; round++) {
      const bytes = mutant(specimen, random);
      try {
        externalFiles(bytes);
        const graph = readOnnx(bytes, { files: specimen.files });
        validateGraph(graph);
        writeOnnx(graph);
        read++;
      } catch (error) {
        if (!(error instanceof EspalierError) || error.code === "internal") throw error;
      }
    }
    // Many changes do no harm: a test in which none is read would test the decoder only.
    expect(read).toBeGreaterThan(5);
    expect(read).toBeLessThan(150);
  });
});
