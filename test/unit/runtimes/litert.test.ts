import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import {
  decodeTflite,
  encodeTflite,
  type TfliteModel,
  type TfliteOperator,
  type TfliteTensor,
  tfliteOptions,
} from "../../../src/formats/tflite/codec/index.ts";
import { liteRtVersion, loadLiteRt } from "../../../src/runtimes/litert.ts";
import { bytesOf, float32, fromNumbers, seededRandom, sizeOf, type Tensor } from "../../../src/tensor/index.ts";
import { CORPUS_MISSING, corpusFiles, corpusFolder } from "../tflite/corpus.ts";
import {
  TINY,
  TINY_INT8,
  tinyConvolution,
  tinyDense,
  tinyFloatModel,
  tinyFloatWeights,
  tinyInt8Model,
  tinyInt8Weights,
} from "../tflite/tiny-models.ts";

const IMAGE = [1, TINY.height, TINY.width, TINY.inChannels] as const;

/** Uniform floats, 0 or 1 for booleans, integers in [-100, 100) otherwise. */
function sample(dtype: Tensor["dtype"], shape: readonly number[], label: string): Tensor {
  const random = seededRandom(3, label);
  const next = () => {
    if (dtype === "float32") return random.next() * 2 - 1;
    return dtype === "bool" ? random.below(2) : random.below(200) - 100;
  };
  return fromNumbers(dtype, shape, Array.from({ length: sizeOf(shape) }, next));
}

async function failure(action: () => Promise<unknown>): Promise<EspalierError> {
  const error = await action().then(
    () => new Error("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(EspalierError);
  return error as EspalierError;
}

/** A model of float32 tensors of shape [1, 2] and the operators given. */
function smallModel(
  names: readonly string[],
  operators: readonly TfliteOperator[],
  outputs: readonly number[],
): TfliteModel {
  const make = (name: string): TfliteTensor => ({ name, shape: [1, 2], dtype: "float32", buffer: 0 });
  return {
    version: 3,
    description: "",
    buffers: [new Uint8Array(0)],
    metadata: [],
    signatures: [],
    subgraphs: [{ name: "main", tensors: names.map(make), inputs: [0, 1], outputs, operators }],
  };
}

describe("loadLiteRt", () => {
  it("computes a float32 convolution and a fully connected layer like plain loops", async () => {
    const session = await loadLiteRt(encodeTflite(tinyFloatModel()));
    expect(session.inputs).toEqual([{ name: "image", dtype: "float32", shape: IMAGE }]);
    const image = sample("float32", IMAGE, "image");
    const [scores] = await session.run([image]);
    const w = tinyFloatWeights;
    const features = tinyConvolution((i) => image.data[i] as number, w.conv, w.convBias).map((v) => Math.max(0, v));
    const expected = tinyDense(features, w.fc, w.fcBias);
    expect(scores!.shape).toEqual([1, TINY.classes]);
    // Sums of 60 products of magnitude 1 in float32: 1e-5 covers every order of addition.
    for (const [i, value] of expected.entries())
      expect(Math.abs((scores!.data[i] as number) - value)).toBeLessThan(1e-5);
    session.close();
  });

  it("computes a full int8 model exactly, with int8 tensors at the boundary", async () => {
    const session = await loadLiteRt(encodeTflite(tinyInt8Model()));
    const { input, conv, output, convScales, fcScale } = TINY_INT8;
    expect(session.inputs[0]).toMatchObject({
      dtype: "int8",
      quantization: { scales: [Math.fround(input.scale)], zeroPoints: [input.zeroPoint] },
    });
    const clamp = (v: number, low: number) => Math.min(127, Math.max(low, v));
    const w = tinyInt8Weights;
    for (const label of ["a", "b", "c", "d"]) {
      const image = sample("int8", IMAGE, label);
      const [scores] = await session.run([image]);
      const sums = tinyConvolution((i) => (image.data[i] as number) - input.zeroPoint, w.conv, w.convBias);
      const features = sums.map((sum, i) => {
        const scale = (input.scale * convScales[i % TINY.outChannels]!) / conv.scale;
        return clamp(Math.round(sum * scale) + conv.zeroPoint, conv.zeroPoint) - conv.zeroPoint;
      });
      const expected = tinyDense(features, w.fc, w.fcBias).map((sum) =>
        clamp(Math.round((sum * conv.scale * fcScale) / output.scale) + output.zeroPoint, -128),
      );
      expect(scores!.data).toBeInstanceOf(Int8Array);
      expect(Array.from(scores!.data as Int8Array)).toEqual(expected);
    }
    session.close();
  });

  it("gives the same bytes for the same input, in one session and in another", async () => {
    const bytes = encodeTflite(tinyFloatModel());
    const [first, second] = [await loadLiteRt(bytes), await loadLiteRt(bytes)];
    const image = sample("float32", IMAGE, "again");
    const results = [await first.run([image]), await first.run([image]), await second.run([image])];
    const texts = results.map(([scores]) => Buffer.from(bytesOf(scores!)).toString("hex"));
    expect(new Set(texts).size).toBe(1);
    first.close();
    expect((await second.run([image]))[0]!.data).toEqual(results[0]![0]!.data);
    second.close();
  });

  it("takes inputs in the subgraph's order, whatever the signature lists first", async () => {
    const sub = (inputs: number[], outputs: number[]): TfliteOperator => ({
      opcode: "SUB",
      inputs,
      outputs,
      options: tfliteOptions("SubOptions"),
    });
    const model = smallModel(["a", "b", "a - b", "b - a"], [sub([0, 1], [2]), sub([1, 0], [3])], [2, 3]);
    const signature = {
      key: "serving_default",
      subgraph: 0,
      inputs: [
        { name: "x", tensor: 1 },
        { name: "y", tensor: 0 },
      ],
      outputs: [
        { name: "p", tensor: 3 },
        { name: "q", tensor: 2 },
      ],
    };
    for (const signatures of [[], [signature]]) {
      const session = await loadLiteRt(encodeTflite({ ...model, signatures }));
      const outputs = await session.run([float32([1, 2], [5, 6]), float32([1, 2], [1, 1])]);
      expect(outputs.map(({ data }) => Array.from(data as Float32Array))).toEqual([
        [4, 5],
        [-4, -5],
      ]);
      session.close();
    }
  });

  it("fixes an open batch at 1", async () => {
    const model = tinyFloatModel();
    const subgraph = model.subgraphs[0]!;
    const tensors = subgraph.tensors.map((t) =>
      t.buffer === 0 ? { ...t, shapeSignature: [-1, ...t.shape.slice(1)] } : t,
    );
    const session = await loadLiteRt(encodeTflite({ ...model, subgraphs: [{ ...subgraph, tensors }] }));
    const reference = await loadLiteRt(encodeTflite(model));
    const image = sample("float32", IMAGE, "batch");
    expect(await session.run([image])).toEqual(await reference.run([image]));
  });
});

describe("what LiteRT cannot run", () => {
  it("is an error for a custom operator, although the runtime's own run() returns", async () => {
    const custom: TfliteOperator = { opcode: "CUSTOM", customCode: "MyOp", inputs: [0, 1], outputs: [2] };
    const error = await failure(async () => {
      const session = await loadLiteRt(encodeTflite(smallModel(["a", "b", "c"], [custom], [2])));
      return session.run([float32([1, 2], [0, 0]), float32([1, 2], [0, 0])]);
    });
    expect(error.code).toBe("runtime");
    expect(error.message).toContain("Encountered unresolved custom op: MyOp");
  });

  it("is an error for a builtin operator of a version that the runtime does not know", async () => {
    const add: TfliteOperator = { opcode: "ADD", version: 99, inputs: [0, 1], outputs: [2] };
    const error = await failure(async () => {
      const session = await loadLiteRt(encodeTflite(smallModel(["a", "b", "c"], [add], [2])));
      return session.run([float32([1, 2], [0, 0]), float32([1, 2], [0, 0])]);
    });
    expect(error.code).toBe("runtime");
    expect(error.message).toContain("ADD");
  });

  it("is refused beforehand for variable tensors and outputs of open size", async () => {
    const model = smallModel(["a", "b", "c"], [{ opcode: "ADD", inputs: [0, 1], outputs: [2] }], [2]);
    const change = (index: number, fields: Partial<TfliteTensor>): TfliteModel => ({
      ...model,
      subgraphs: model.subgraphs.map((s) => ({
        ...s,
        tensors: s.tensors.map((t, i) => (i === index ? { ...t, ...fields } : t)),
      })),
    });
    const variable = await failure(() => loadLiteRt(encodeTflite(change(1, { isVariable: true }))));
    expect(variable).toMatchObject({ code: "unsupported", message: 'Tensor "b" is a variable' });
    const open = await failure(() => loadLiteRt(encodeTflite(change(2, { shapeSignature: [1, -1] }))));
    expect(open).toMatchObject({ code: "unsupported", message: 'Output "c" has shape [1, -1]' });
    const text = await failure(() => loadLiteRt(encodeTflite(change(0, { dtype: "string" }))));
    expect(text.message).toBe('Tensor "a" is string, which Espalier cannot pass');
  });

  it("is a usage error for inputs that do not fit, and after close", async () => {
    const session = await loadLiteRt(encodeTflite(tinyInt8Model()));
    const wrongType = await failure(() => session.run([sample("float32", IMAGE, "x")]));
    expect(wrongType).toMatchObject({ code: "usage", where: 'input 0 "image"' });
    expect(wrongType.message).toBe("Expected int8[1, 5, 4, 2], got float32[1, 5, 4, 2]");
    expect((await failure(() => session.run([]))).message).toBe("The model has 1 inputs, got 0 tensors");
    await session.run([sample("int8", IMAGE, "x")]);
    session.close();
    session.close();
    expect((await failure(() => session.run([sample("int8", IMAGE, "x")]))).code).toBe("usage");
  });

  it("is an input error for bytes that are no model", async () => {
    expect((await failure(() => loadLiteRt(new Uint8Array(100)))).code).toBe("input");
  });
});

it("keeps its memory over 1,000 runs and 50 sessions", async () => {
  const bytes = encodeTflite(tinyInt8Model());
  const image = sample("int8", IMAGE, "leak");
  const work = async (sessions: number, runs: number) => {
    for (let s = 0; s < sessions; s++) {
      const session = await loadLiteRt(bytes);
      for (let r = 0; r < runs; r++) await session.run([image]);
      session.close();
    }
  };
  await work(5, 200);
  const before = process.memoryUsage().rss;
  await work(1, 1000);
  await work(50, 2);
  // An instance holds 17 MB: 50 that stay would be 850 MB.
  expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
});

it("lets the process end by itself", async () => {
  const script = `
    import { readFileSync } from "node:fs";
    import { loadLiteRt } from ${JSON.stringify(new URL("../../../src/runtimes/litert.ts", import.meta.url).href)};
    const session = await loadLiteRt(readFileSync(${JSON.stringify(fileURLToPath(new URL("../../fixtures/tflite/tiny-int8.tflite", import.meta.url)))}));
    const { shape } = session.inputs[0];
    const [scores] = await session.run([{ dtype: "int8", shape, data: new Int8Array(shape.reduce((a, b) => a * b)) }]);
    console.log(scores.data.length);
  `;
  const run = promisify(execFile);
  const { stdout, stderr } = await run(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script], {
    timeout: 30_000,
    cwd: fileURLToPath(new URL("../../..", import.meta.url)),
  });
  expect(stdout.trim()).toBe(String(TINY.classes));
  // The runtime's log does not reach the user's terminal.
  expect(stderr).toBe("");
});

it("knows the runtime's version", () => {
  expect(liteRtVersion()).toMatch(/^\d+\.\d+\.\d+$/);
});

describe.skipIf(corpusFolder === null)(`models by others (${CORPUS_MISSING})`, () => {
  const runnable = corpusFiles("tflite").filter(({ name }) =>
    /^(mlperf_(ad|ic|kws)|keypoint|stm|tflm_(hello|micro)|coral_mobilenet_v1|dtln|mp_face_detection_short|mp_selfie)/.test(
      name,
    ),
  );

  it.each(runnable)("$name gives the same outputs before and after encoding", async ({ name, read }) => {
    const bytes = new Uint8Array(read());
    const results: string[] = [];
    for (const file of [bytes, encodeTflite(decodeTflite(bytes))]) {
      const session = await loadLiteRt(file);
      const outputs = await session.run(session.inputs.map((info, i) => sample(info.dtype, info.shape, `${name}${i}`)));
      results.push(outputs.map((output) => Buffer.from(bytesOf(output)).toString("hex")).join());
      session.close();
    }
    expect(results[0] === results[1]).toBe(true);
  });

  it.each(corpusFiles("tflite").filter(({ name }) => name.startsWith("neg_")))("$name is refused", async ({ read }) => {
    const error = await failure(async () => {
      const session = await loadLiteRt(read());
      return session.run(session.inputs.map((info) => sample(info.dtype, info.shape, "neg")));
    });
    expect(["input", "runtime"]).toContain(error.code);
  });
});
