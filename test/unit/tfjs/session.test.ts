import { describe, expect, it } from "vitest";
import { tfjsEngine } from "../../../src/runtimes/tfjs/engine.ts";
import { loadTfjs } from "../../../src/runtimes/tfjs.ts";
import { float32, toNumbers } from "../../../src/tensor/index.ts";
import { attr, graphModel, randomTensor } from "./tfjs-models.ts";

const addOne = graphModel({
  inputs: { x: { dtype: "float32", shape: [-1, 2] } },
  constants: { one: float32([], [1]) },
  nodes: [{ name: "y", op: "AddV2", input: ["x", "one"] }],
  outputs: ["y"],
});

describe("a TensorFlow.js session", () => {
  it("says what runs it and what it takes", async () => {
    const session = await loadTfjs(addOne.json, addOne.files);
    expect(["tfjs-node 4.22.0", "wasm", "cpu"]).toContain(session.engine);
    expect(session.inputs).toEqual([{ name: "x", dtype: "float32", shape: [null, 2] }]);
    expect(session.outputs.map((output) => output.name)).toEqual(["y"]);
    const { y } = await session.run({ x: float32([3, 2], [1, 2, 3, 4, 5, 6]) });
    expect([...toNumbers(y!)]).toEqual([2, 3, 4, 5, 6, 7]);
    session.close();
    session.close();
    await expect(session.run({ x: float32([1, 2], [1, 2]) })).rejects.toThrow("closed");
  });

  it.each([
    ["a missing input", {}, '"x" is missing'],
    ["an unknown one", { x: float32([1, 2], [1, 2]), z: float32([], [1]) }, 'no input "z"'],
    ["a wrong shape", { x: float32([1, 3], [1, 2, 3]) }, "Expected float32[?, 2], got float32[1, 3]"],
    ["a wrong type", { x: randomTensor("int32", [1, 2], "x") }, "got int32[1, 2]"],
  ])("refuses %s", async (_, feeds, message) => {
    const session = await loadTfjs(addOne.json, addOne.files);
    await expect(session.run(feeds)).rejects.toThrow(message);
    session.close();
  });

  it("keeps no tensors from run to run, and none once closed", async () => {
    const { core } = await tfjsEngine();
    const before = core.memory().numTensors;
    const session = await loadTfjs(addOne.json, addOne.files);
    await session.run({ x: float32([1, 2], [1, 2]) });
    const loaded = core.memory().numTensors;
    for (let i = 0; i < 3; i++) await session.run({ x: float32([1, 2], [1, 2]) });
    expect(core.memory().numTensors).toBe(loaded);
    session.close();
    expect(core.memory().numTensors).toBe(before);
  });

  it("keeps the weights that an Einsum reads", async () => {
    const { json, files } = graphModel({
      inputs: { x: { dtype: "float32", shape: [-1, 2, 3] } },
      constants: { w: float32([3, 2], [1, 2, 3, 4, 5, 6]) },
      nodes: [
        { name: "y", op: "Einsum", input: ["x", "w"], attr: { equation: attr.text("nij,jk->nik"), N: attr.int(2) } },
      ],
      outputs: ["y"],
    });
    const session = await loadTfjs(json, files);
    for (const batch of [1, 2, 1]) {
      const ones = float32([batch, 2, 3], new Float32Array(batch * 6).fill(1));
      const { y } = await session.run({ x: ones });
      expect([...toNumbers(y!)]).toEqual(new Array(batch * 2).fill([9, 12]).flat());
    }
    session.close();
  });

  it("runs sessions one after another, whatever the caller does", async () => {
    const sessions = await Promise.all([loadTfjs(addOne.json, addOne.files), loadTfjs(addOne.json, addOne.files)]);
    const results = await Promise.all(
      sessions.flatMap((s) => [1, 2, 3].map((v) => s.run({ x: float32([1, 2], [v, v]) }))),
    );
    expect(results.map(({ y }) => toNumbers(y!)[0])).toEqual([2, 3, 4, 2, 3, 4]);
    for (const session of sessions) session.close();
  });

  it("fails as a session, not as a crash, on an operator that TensorFlow.js has not", async () => {
    const model = graphModel({
      inputs: { x: { dtype: "float32", shape: [2] } },
      nodes: [{ name: "y", op: "NoSuchOperator", input: ["x"], attr: { T: attr.type("DT_FLOAT") } }],
      outputs: ["y"],
    });
    const attempt = async () => {
      const session = await loadTfjs(model.json, model.files);
      await session.run({ x: float32([2], [1, 2]) });
    };
    await expect(attempt()).rejects.toMatchObject({ name: "EspalierError", code: "runtime" });
  });

  it("leaves no handlers for unhandled errors behind", async () => {
    const before = process.listenerCount("unhandledRejection") + process.listenerCount("uncaughtException");
    await tfjsEngine();
    expect(process.listenerCount("unhandledRejection") + process.listenerCount("uncaughtException")).toBe(before);
  });
});
