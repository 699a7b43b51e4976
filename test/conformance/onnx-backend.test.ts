import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ModelProtoSchema } from "../../src/formats/onnx/codec/generated/onnx_pb.ts";
import { float32, int64s, type Tensor } from "../../src/tensor/index.ts";
import { type GraphSpec, modelBytes, node } from "../unit/onnx/model-bytes.ts";
import { checkCase } from "./onnx-backend.ts";
import { exclusionOf } from "./onnx-backend-exclusions.ts";
import type { BackendCase } from "./onnx-backend-files.ts";

/** A test as the suite has them, in memory. */
function backendCase(
  name: string,
  spec: GraphSpec & { readonly opset?: number },
  inputs: Readonly<Record<string, Tensor>>,
  outputs: Readonly<Record<string, Tensor>>,
): BackendCase {
  const bytes = modelBytes({ ...spec, domains: [] });
  return {
    name,
    bytes,
    model: fromBinary(ModelProtoSchema, bytes),
    inputs: new Map(Object.entries(inputs)),
    outputs: new Map(Object.entries(outputs)),
  };
}

const x = float32([2, 2], [1, -2, 3, -4]);
const unary = (op: string, opset = 17): GraphSpec & { opset: number } => ({
  opset,
  nodes: [node(op, ["x"], ["y"])],
  inputs: [{ name: "x", shape: [2, 2] }],
  outputs: [{ name: "y" }],
});

describe("the runner of the ONNX backend suite", () => {
  it("passes a test whose outputs come out", async () => {
    const test = backendCase("relu", unary("Relu"), { x }, { y: float32([2, 2], [1, 0, 3, 0]) });
    expect(await checkCase(test)).toEqual({ name: "relu", status: "passed", operators: ["Relu"], reason: "" });
  });

  it("binds operands that the IR wants constant, and says so", async () => {
    const spec: GraphSpec = {
      nodes: [node("Reshape", ["x", "shape"], ["y"])],
      inputs: [
        { name: "x", shape: [2, 2] },
        { name: "shape", dtype: "int64", shape: [1] },
      ],
      outputs: [{ name: "y" }],
    };
    const test = backendCase("reshape", spec, { x, shape: int64s([4]) }, { y: float32([4], [1, -2, 3, -4]) });
    expect((await checkCase(test)).status).toBe("bound");
  });

  it("lays a wrong output at the runtime's door when the original gives it too", async () => {
    const test = backendCase("relu", unary("Relu"), { x }, { y: float32([2, 2], [1, 0, 3, 1]) });
    expect(await checkCase(test)).toMatchObject({ status: "runtime", reason: 'output "y"[3] is 0, expected 1' });
  });

  it("refuses what the table does not declare, for a stated reason, and counts no other refusal as one", async () => {
    const spec: GraphSpec = { ...unary("NonZero"), outputs: [{ name: "y", dtype: "int64" }] };
    const expected = { dtype: "int64", shape: [2, 4], data: BigInt64Array.of(0n, 0n, 1n, 1n, 0n, 1n, 0n, 1n) } as const;
    const refused = await checkCase(backendCase("nonzero", spec, { x }, { y: expected }));
    expect(refused.status).toBe("refused");
    expect(exclusionOf(refused)).toBe("sizes that depend on data");
    expect(exclusionOf({ ...refused, reason: "Relu needs input 0 to be a constant, it is computed" })).toBeNull();
  });
});
