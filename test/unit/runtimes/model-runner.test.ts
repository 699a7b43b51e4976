import { describe, expect, it } from "vitest";
import {
  encodeTflite,
  type TfliteModel,
  type TfliteTensor,
  tfliteOptions,
} from "../../../src/formats/tflite/codec/index.ts";
import { openOnnxRunner, openTfliteRunner } from "../../../src/runtimes/index.ts";
import { float32, type Tensor, toNumbers } from "../../../src/tensor/index.ts";
import { classifierOnnx } from "../cli/small-models.ts";
import { tinyFloatModel, tinyInt8Model } from "../tflite/tiny-models.ts";
import { failure, IMAGE, sample, smallModel } from "./litert-models.ts";

const ADD: TfliteModel = smallModel(["a", "b", "c"], [{ opcode: "ADD", inputs: [0, 1], outputs: [2] }], [2]);

function change(model: TfliteModel, index: number, fields: Partial<TfliteTensor>): TfliteModel {
  const [entry] = model.subgraphs;
  const tensors = entry!.tensors.map((tensor, i) => (i === index ? { ...tensor, ...fields } : tensor));
  return { ...model, subgraphs: [{ ...entry!, tensors }] };
}

describe("a .tflite file in its runtimes", () => {
  it.each([
    ["float32", tinyFloatModel(), 1e-6],
    ["int8", tinyInt8Model(), 1],
  ] as const)("gives the same in both, as %s", async (dtype, model, most) => {
    const bytes = encodeTflite(model);
    const results: Tensor[] = [];
    for (const only of ["litert", "second-opinion"] as const) {
      const runner = await openTfliteRunner(bytes, { only });
      expect(runner.engine).toMatch(only === "litert" ? /^LiteRT \d/ : /^TensorFlow Lite \(tfjs-tflite/);
      expect([runner.inputs[0]!.dtype, runner.inputs[0]!.shape]).toEqual([dtype, IMAGE]);
      expect(runner.inputs[0]!.quantization === undefined).toBe(dtype === "float32");
      const [result] = await runner.run([sample(dtype, IMAGE, "runner")]);
      results.push(result!);
      await runner.close();
    }
    expect(results[0]!.shape).toEqual(results[1]!.shape);
    const [a, b] = results.map(toNumbers);
    const differences = a!.map((value, i) => Math.abs(value - b![i]!));
    expect(Math.max(...differences)).toBeLessThanOrEqual(most);
  });

  it("goes to the second opinion where LiteRT refuses: sizes that only a run can tell", async () => {
    const bytes = encodeTflite(change(ADD, 2, { shapeSignature: [1, -1] }));
    expect((await failure(() => openTfliteRunner(bytes, { only: "litert" }))).code).toBe("unsupported");
    const runner = await openTfliteRunner(bytes);
    expect(runner.engine).toContain("TensorFlow Lite");
    const [sum] = await runner.run([float32([1, 2], [1, 2]), float32([1, 2], [10, 20])]);
    expect(Array.from(sum!.data as Float32Array)).toEqual([11, 22]);
  });

  it("keeps variable tensors from run to run", async () => {
    // SVDF of one unit and a memory of two: y = 1 x (the input before) + 10 x (the input now).
    const buffers = [[], [1], [1, 10]].map((values) => new Uint8Array(Float32Array.from(values).buffer));
    const tensor = (name: string, shape: number[], buffer: number): TfliteTensor => ({
      name,
      shape,
      dtype: "float32",
      buffer,
    });
    const state = { ...tensor("state", [1, 2], 0), isVariable: true };
    const options = tfliteOptions("SVDFOptions", { rank: 1 });
    const [entry] = ADD.subgraphs;
    const model: TfliteModel = {
      ...ADD,
      buffers,
      subgraphs: [
        {
          ...entry!,
          tensors: [
            tensor("x", [1, 1], 0),
            tensor("feature", [1, 1], 1),
            tensor("time", [1, 2], 2),
            state,
            tensor("y", [1, 1], 0),
          ],
          inputs: [0],
          outputs: [4],
          operators: [{ opcode: "SVDF", inputs: [0, 1, 2, -1, 3], outputs: [4], options }],
        },
      ],
    };
    const bytes = encodeTflite(model);
    expect((await failure(() => openTfliteRunner(bytes, { only: "litert" }))).message).toContain("variable");
    const runner = await openTfliteRunner(bytes);
    const results: number[] = [];
    for (const x of [3, 5, 0]) results.push(Number((await runner.run([float32([1, 1], [x])]))[0]!.data[0]));
    expect(results).toEqual([30, 53, 5]);
  });

  it("runs at other sizes where the file leaves them open, and only there", async () => {
    const open = change(change(change(ADD, 0, { shapeSignature: [-1, 2] }), 1, { shapeSignature: [-1, 2] }), 2, {
      shapeSignature: [-1, 2],
    });
    const runner = await openTfliteRunner(encodeTflite(open), {
      inputShapes: [
        [3, 2],
        [3, 2],
      ],
    });
    const [sum] = await runner.run([float32([3, 2], [1, 2, 3, 4, 5, 6]), float32([3, 2], [1, 1, 1, 1, 1, 1])]);
    expect([sum!.shape, Array.from(sum!.data as Float32Array)]).toEqual([
      [3, 2],
      [2, 3, 4, 5, 6, 7],
    ]);
    const refused = await failure(() =>
      openTfliteRunner(encodeTflite(ADD), {
        inputShapes: [
          [3, 2],
          [3, 2],
        ],
      }),
    );
    expect(refused).toMatchObject({ code: "usage", message: expect.stringContaining("[1, 2], not [3, 2]") });
  });

  it("says what LiteRT says when neither runs it", async () => {
    const custom = smallModel(
      ["a", "b", "c"],
      [{ opcode: "CUSTOM", customCode: "MyOp", inputs: [0, 1], outputs: [2] }],
      [2],
    );
    for (const only of ["litert", "second-opinion"] as const)
      expect((await failure(() => openTfliteRunner(encodeTflite(custom), { only }))).message).toContain(
        "unresolved custom op: MyOp",
      );
    expect((await failure(() => openTfliteRunner(encodeTflite(custom)))).message).toContain("LiteRT refuses");
  });

  it("refuses tensors that do not fit", async () => {
    const runner = await openTfliteRunner(encodeTflite(ADD), { only: "second-opinion" });
    const two = float32([1, 2], [1, 2]);
    expect((await failure(() => runner.run([two]))).message).toContain("2 inputs, got 1");
    expect((await failure(() => runner.run([two, float32([2, 1], [1, 2])]))).message).toContain(
      "Expected float32[1, 2], got float32[2, 1]",
    );
  });
});

describe("an ONNX file in its runtime", () => {
  it("tells its ports and runs by place", async () => {
    const runner = await openOnnxRunner(classifierOnnx());
    expect(runner.inputs).toEqual([{ name: "image", dtype: "float32", shape: [1, 3, 8, 8] }]);
    const [scores] = await runner.run([sample("float32", [1, 3, 8, 8], "onnx")]);
    expect(Array.from(scores!.data as Float32Array).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    expect((await failure(() => runner.run([]))).code).toBe("usage");
    await runner.close();
    expect((await failure(() => openOnnxRunner(new Uint8Array(9)))).code).toBe("runtime");
  });
});
