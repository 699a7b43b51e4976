import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import { readTfjs, shardFiles } from "../../../src/formats/tfjs/index.ts";
import { fromNumbers } from "../../../src/tensor/index.ts";
import { attr, encode, type GraphNode, graphModel } from "./tfjs-models.ts";

const none = new Map<string, Uint8Array>();

/** The text of the error that reading gives, which must be ours. */
function refusal(json: Uint8Array, files: ReadonlyMap<string, Uint8Array> = none): string {
  try {
    readTfjs(json, { files });
  } catch (error) {
    expect(error).toBeInstanceOf(EspalierError);
    expect((error as EspalierError).code).not.toBe("internal");
    return (error as EspalierError).render();
  }
  throw new Error("the model was read");
}

const manifest = (path: string) =>
  encode({ modelTopology: { node: [] }, weightsManifest: [{ paths: [path], weights: [] }] });

const graph = (nodes: readonly GraphNode[], outputs: readonly string[] = ["y"]) =>
  graphModel({ inputs: { x: { dtype: "float32", shape: [2, 3] } }, nodes, outputs });

const layers = (list: readonly unknown[], extra: object = {}) =>
  encode({
    format: "layers-model",
    modelTopology: { model_config: { class_name: "Model", config: { name: "m", layers: list, ...extra } } },
    weightsManifest: [],
  });
const inputLayer = {
  class_name: "InputLayer",
  name: "x",
  config: { name: "x", batch_input_shape: [null, 4], dtype: "float32" },
  inbound_nodes: [],
};
const relu = (name: string, from: string) => ({
  class_name: "ReLU",
  name,
  config: { name },
  inbound_nodes: [[[from, 0, 0, {}]]],
});
const ends = (name: string) => ({ input_layers: [["x", 0, 0]], output_layers: [[name, 0, 0]] });

describe("what is hostile or damaged", () => {
  it.each(["../x", "a/../../x", "/etc/passwd", "C:\\x", "", "a\u0000b", "\\\\host\\x"])(
    "refuses the shard path %j",
    (path) => {
      expect(() => shardFiles(manifest(path))).toThrow("is not allowed");
      expect(refusal(manifest(path))).toContain("is not allowed");
    },
  );

  it("lists shards as written", () => {
    expect(shardFiles(manifest("group1/shard1of1.bin"))).toEqual(["group1/shard1of1.bin"]);
  });

  it.each([
    ["no JSON", new TextEncoder().encode("TFL3 not json"), "not JSON"],
    ["a truncated file", encode({ modelTopology: {} }).slice(0, 12), "not JSON"],
    ["bytes that are no text", Uint8Array.of(0xff, 0xfe, 0x22), "not JSON"],
    ["nesting without end", new TextEncoder().encode("[".repeat(100_000)), "nested deeper"],
    ["too many items", new TextEncoder().encode(`[${"0,".repeat(4_000_001)}0]`), "more than 4000000 items"],
    ["another JSON", encode({ a: 1 }), "model.json.modelTopology"],
    ["an empty topology", encode({ modelTopology: {} }), "model.json.modelTopology.class_name"],
    ["a graph-model without nodes", encode({ format: "graph-model", modelTopology: { node: {} } }), "list of nodes"],
    [
      "a wrong node",
      encode({ modelTopology: { node: [{ name: 3, op: "Relu" }] } }),
      "model.json.modelTopology.node.0.name",
    ],
    [
      "a weight of negative size",
      encode({
        modelTopology: { node: [] },
        weightsManifest: [{ paths: [], weights: [{ name: "a", shape: [-1], dtype: "float32" }] }],
      }),
      "weightsManifest.0.weights.0.shape.0",
    ],
  ])("refuses %s", (_, json, message) => {
    expect(refusal(json)).toContain(message);
  });

  it.each<[string, GraphNode[], string]>([
    [
      "a cycle",
      [
        { name: "y", op: "AddV2", input: ["x", "z"] },
        { name: "z", op: "Relu", input: ["y"] },
      ],
      "depends on its own result",
    ],
    ["an input that nothing computes", [{ name: "y", op: "Relu", input: ["nowhere"] }], 'Reads "nowhere"'],
    ["an output that a node has not", [{ name: "y", op: "Relu", input: ["x:3"] }], 'output 3 of "x"'],
    ["too few inputs", [{ name: "y", op: "AddV2", input: ["x"] }], "at least 2 inputs"],
    ["no inputs at all", [{ name: "y", op: "ConcatV2", input: [] }], "at least"],
    ["a constant without data", [{ name: "y", op: "Const" }], "no tensor of this name"],
    [
      "two nodes of one name",
      [
        { name: "y", op: "Relu", input: ["x"] },
        { name: "y", op: "Relu", input: ["x"] },
      ],
      "Two nodes",
    ],
    ["a name from Object", [{ name: "y", op: "constructor", input: ["x"] }], "not supported: constructor"],
    ["a loop", [{ name: "y", op: "StatelessWhile", input: ["x"] }], "StatelessWhile (control flow)"],
    ["text", [{ name: "y", op: "StringSplit", input: ["x"] }], "StringSplit (strings and tables)"],
    ["a shape that depends on data", [{ name: "y", op: "Where", input: ["x"] }], "Where (shapes that depend on data)"],
    [
      "a reshape to a computed shape",
      [
        { name: "c", op: "Cast", input: ["x"], attr: { DstT: attr.type("DT_INT32") } },
        { name: "y", op: "Reshape", input: ["x", "c"] },
      ],
      "constant",
    ],
  ])("refuses %s", (_, nodes, message) => {
    const { json, files } = graph(nodes);
    expect(refusal(json, files)).toContain(message);
  });

  it("reads a chain of 100,000 nodes without recursion", () => {
    const nodes = Array.from({ length: 100_000 }, (_, i) => ({
      name: `n${i}`,
      op: "Identity",
      input: [i === 0 ? "x" : `n${i - 1}`],
    }));
    const { json, files } = graph([...nodes, { name: "y", op: "Relu", input: ["n99999"] }]);
    expect(readTfjs(json, { files }).nodes.map((node) => node.op)).toEqual(["Relu"]);
  });

  it.each([
    ["Fill", [100_000, 100_000]],
    ["LinSpace", [0, 1, 2 ** 30]],
    ["OneHot", [2 ** 30]],
    ["Tile", [2 ** 30, 2 ** 30]],
  ])("does not make %s of giant size", (op, numbers) => {
    const scalars = op === "LinSpace";
    const constants = scalars
      ? {
          a: fromNumbers("float32", [], [numbers[0]!]),
          b: fromNumbers("float32", [], [numbers[1]!]),
          c: fromNumbers("int32", [], [numbers[2]!]),
        }
      : {
          a: fromNumbers("int32", op === "OneHot" ? [] : [numbers.length], numbers),
          v: fromNumbers("float32", [], [1]),
          w: fromNumbers("float32", [1, 1], [1]),
          i: fromNumbers("int32", [1], [0]),
        };
    const input = { Fill: ["a", "v"], LinSpace: ["a", "b", "c"], OneHot: ["i", "a", "v", "v"], Tile: ["w", "a"] }[op]!;
    const { json, files } = graphModel({
      inputs: { x: { dtype: "float32", shape: [2] } },
      constants,
      nodes: [{ name: "y", op, input }],
      outputs: ["y"],
    });
    const before = process.memoryUsage().rss;
    try {
      readTfjs(json, { files }); // may stay a node that nobody computes here
    } catch (error) {
      expect(error).toBeInstanceOf(EspalierError);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28);
  });

  it.each<[string, Uint8Array, string]>([
    ["a circle of layers", layers([inputLayer, relu("a", "b"), relu("b", "a")], ends("b")), "circle"],
    ["a layer that does not exist", layers([inputLayer, relu("a", "zzz")], ends("a")), '"zzz"'],
    [
      "a Lambda",
      layers([inputLayer, { ...relu("a", "x"), class_name: "Lambda" }], ends("a")),
      "Lambda, whose computation is Python code",
    ],
    [
      "layers of one's own, all named",
      layers(
        [inputLayer, { ...relu("a", "x"), class_name: "MyLayer" }, { ...relu("b", "a"), class_name: "Other" }],
        ends("b"),
      ),
      "MyLayer, Other",
    ],
    ["missing weights", layers([inputLayer, { ...relu("a", "x"), class_name: "Dense" }], ends("a")), '"a/kernel"'],
    [
      "a wrong config",
      layers([inputLayer, { ...relu("a", "x"), config: { name: "a", max_value: "six" } }], ends("a")),
      '"max_value" must be a number',
    ],
    ["outputs that are missing", layers([inputLayer]), "list of tensors is missing"],
    ["two layers of one name", layers([inputLayer, relu("x", "x")], ends("x")), "Two layers"],
    [
      "an unknown activation",
      layers(
        [inputLayer, { ...relu("a", "x"), class_name: "Activation", config: { name: "a", activation: "toString" } }],
        ends("a"),
      ),
      'activation "to_string" is not supported',
    ],
  ])("refuses %s", (_, json, message) => {
    expect(refusal(json)).toContain(message);
  });

  it("refuses a mask that a recurrent layer reads, and only then", () => {
    const embedding = { ...relu("e", "x"), class_name: "Embedding", config: { name: "e", mask_zero: true } };
    const lstm = { ...relu("l", "e"), class_name: "LSTM", config: { name: "l", units: 2 } };
    expect(refusal(layers([inputLayer, embedding, lstm], ends("l")))).toContain('makes "l" skip zeros');
    expect(refusal(layers([inputLayer, embedding], ends("e")))).toContain('"e/embeddings"');
  });

  it("bounds how often nested models multiply", () => {
    let inner: unknown = {
      class_name: "Model",
      config: { name: "m0", layers: [inputLayer, relu("a", "x")], ...ends("a") },
    };
    for (let depth = 1; depth <= 7; depth++) {
      const { config } = inner as { config: object };
      const calls = Array.from({ length: 10 }, (_, i) => [[i === 0 ? "x" : "n", i === 0 ? 0 : i - 1, 0, {}]]);
      inner = {
        class_name: "Model",
        config: {
          name: `m${depth}`,
          layers: [inputLayer, { class_name: "Model", name: "n", config, inbound_nodes: calls }],
          input_layers: [["x", 0, 0]],
          output_layers: [["n", 9, 0]],
        },
      };
    }
    expect(refusal(encode({ modelTopology: { model_config: inner } }))).toContain("more than 100000 times");
  });

  it("names an open size, and takes it from the options", () => {
    const open = layers(
      [{ ...inputLayer, config: { ...inputLayer.config, batch_input_shape: [null, null, 3] } }, relu("a", "x")],
      ends("a"),
    );
    expect(refusal(open)).toContain("--input x:1,224,3");
    const shape = readTfjs(open, { files: none, inputShapes: { x: ["N", 7, 3] } });
    expect(shape.values.get(shape.outputs[0]!)!.type.shape).toEqual(["N", 7, 3]);
    expect(() => readTfjs(open, { files: none, inputShapes: { x: [1, 7, 4] } })).toThrow("does not fit");
  });
});
