import { expect, it } from "vitest";
import { tfliteOptions } from "../../../src/formats/tflite/codec/index.ts";
import { readTflite } from "../../../src/formats/tflite/read/index.ts";
import { type Graph, valueById } from "../../../src/ir/index.ts";
import { openOrt } from "../../../src/runtimes/index.ts";
import { allocate, sizeOf, type Tensor, tensor, toFloat32 } from "../../../src/tensor/index.ts";
import { bytesAsStated, distance, type ModelSpec, sample } from "./models.ts";
import { lstmModel, rnnModel, svdfModel } from "./recurrent-models.ts";

const pairsOf = (graph: Graph): { input: string; output: string }[] =>
  JSON.parse(graph.metadata["espalier.state"] ?? "[]");

/** First output of `runs` runs on the same input, each with the state that the run before left. */
async function runsOf(graph: Graph, x: Tensor, runs: number): Promise<Tensor[]> {
  const session = await openOrt(graph, { threads: 1 });
  const names = graph.inputs.map((id) => valueById(graph, id));
  const feeds = Object.fromEntries(
    names.map(({ name, type }, i): [string, Tensor] => {
      const shape = type.shape as number[];
      return [name, i === 0 ? x : tensor(type.dtype, shape, allocate(type.dtype, sizeOf(shape)))];
    }),
  );
  const results: Tensor[] = [];
  for (let run = 0; run < runs; run++) {
    const found = await session.run(feeds);
    results.push(found[valueById(graph, graph.outputs[0]!).name]!);
    for (const { input, output } of pairsOf(graph)) feeds[input] = found[output]!;
  }
  await session.close();
  return results;
}

const variants = {
  "a plain LSTM": lstmModel({}),
  "an LSTM with peepholes": lstmModel({ peepholes: true }),
  "an LSTM with coupled gates and a clipped cell": lstmModel({ coupled: true, cellClip: 0.4 }),
  "an LSTM with a projection": lstmModel({ projection: 3 }),
  "a normalised LSTM": lstmModel({ normalized: true, peepholes: true }),
  "an RNN": rnnModel(),
  "an SVDF": svdfModel(),
};

it.each(Object.entries(variants))(
  "runs %s with its state in pairs of inputs and outputs",
  async (_, { spec, reference }) => {
    const graph = readTflite(bytesAsStated(spec));
    const x = sample("x", "float32", spec.tensors.x!.shape!, false);
    const expected = reference(toFloat32(x), 3);
    const found = await runsOf(graph, x, 3);
    for (const [run, y] of found.entries()) expect(distance(toFloat32(y), expected[run]!, true)).toBeLessThan(1e-5);
    // The state matters: another run on the same input gives another answer.
    expect(distance(expected[0]!, expected[1]!, true)).toBeGreaterThan(1e-3);
  },
);

it("keeps a plain LSTM whole and names its state in the metadata", () => {
  const graph = readTflite(bytesAsStated(lstmModel({}).spec));
  expect(graph.nodes.filter(({ op }) => op === "LSTM").length).toBe(1);
  expect(pairsOf(graph)).toEqual([
    { input: "h", output: "h.next" },
    { input: "cell", output: "cell.next" },
  ]);
  expect(graph.outputs.map((id) => valueById(graph, id).name)).toEqual(["y", "h.next", "cell.next"]);
});

const counter: ModelSpec = {
  tensors: {
    x: { shape: [2] },
    handle: { shape: [], dtype: "resource" },
    before: { shape: [2] },
    y: { shape: [2] },
  },
  inputs: ["x"],
  outputs: ["y"],
  operators: [
    {
      op: "VAR_HANDLE",
      inputs: [],
      outputs: ["handle"],
      options: tfliteOptions("VarHandleOptions", { sharedName: "total" }),
    },
    { op: "READ_VARIABLE", inputs: ["handle"], outputs: ["before"] },
    { op: "ADD", inputs: ["before", "x"], outputs: ["y"], options: tfliteOptions("AddOptions") },
    { op: "ASSIGN_VARIABLE", inputs: ["handle", "y"], outputs: [] },
  ],
};

it("makes resource variables state", async () => {
  const graph = readTflite(bytesAsStated(counter));
  expect(pairsOf(graph)).toEqual([{ input: "total", output: "total.next" }]);
  const found = await runsOf(graph, tensor("float32", [2], Float32Array.of(1, 2)), 3);
  expect(found.map((y) => [...toFloat32(y)])).toEqual([
    [1, 2],
    [2, 4],
    [3, 6],
  ]);
});

it("takes a variable that nothing changes for zeros", () => {
  const graph = readTflite(
    bytesAsStated({
      tensors: { x: { shape: [1, 2] }, v: { shape: [1, 2], rest: { isVariable: true } }, y: { shape: [1, 4] } },
      inputs: ["x"],
      operators: [
        {
          op: "CONCATENATION",
          inputs: ["x", "v"],
          outputs: ["y"],
          options: tfliteOptions("ConcatenationOptions", { axis: 1 }),
        },
      ],
    }),
  );
  expect(graph.inputs.length).toBe(1);
  expect(graph.metadata["espalier.state"]).toBeUndefined();
});
