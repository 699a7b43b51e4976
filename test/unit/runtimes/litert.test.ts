import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import {
  decodeTflite,
  encodeTflite,
  type TfliteOperator,
  tfliteOptions,
} from "../../../src/formats/tflite/codec/index.ts";
import { liteRtVersion, loadLiteRt } from "../../../src/runtimes/litert.ts";
import { bytesOf, float32 } from "../../../src/tensor/index.ts";
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
import { IMAGE, sample, smallModel } from "./litert-models.ts";

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

it("keeps its memory over 1,000 runs and 20 sessions", async () => {
  const bytes = encodeTflite(tinyInt8Model());
  const image = sample("int8", IMAGE, "leak");
  const work = async (sessions: number, runs: number) => {
    for (let s = 0; s < sessions; s++) {
      const session = await loadLiteRt(bytes);
      for (let r = 0; r < runs; r++) await session.run([image]);
      session.close();
    }
  };
  await work(3, 200);
  const before = process.memoryUsage().rss;
  await work(1, 1000);
  await work(20, 2);
  // An instance holds 17 MB and a session makes two: 40 that stay would be 680 MB.
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
});
