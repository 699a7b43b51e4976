import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import { readOnnx } from "../../../src/formats/onnx/index.ts";
import { float32, fromNumbers, int64s, scalar } from "../../../src/tensor/index.ts";
import { expectSame, operators } from "./against-original.ts";
import { type GraphSpec, graph, modelBytes, modelFunction, node, reference } from "./model-bytes.ts";

const x = { name: "x", shape: ["N", 4] };
const y = { name: "y" };
const yes = scalar("bool", 1);

function refusal(bytes: Uint8Array): EspalierError {
  try {
    readOnnx(bytes);
  } catch (error) {
    if (error instanceof EspalierError) return error;
    throw error;
  }
  throw new Error("was read");
}

describe("If", () => {
  const thenGraph = graph({ nodes: [node("Relu", ["x"], ["t"])], outputs: [{ name: "t" }] });
  const elseGraph = graph({
    nodes: [node("Mul", ["x", "k"], ["e"])],
    outputs: [{ name: "e" }],
    weights: { k: scalar("float32", 2) },
  });
  const branches = { then_branch: thenGraph, else_branch: elseGraph };

  it("with a constant condition leaves one branch, which sees the names around it", async () => {
    const nodes = [node("If", ["c"], ["y"], branches)];
    const graphRead = await expectSame(
      modelBytes({ nodes, inputs: [x], outputs: [y], weights: { c: scalar("bool", 0) } }),
    );
    expect(operators(graphRead).filter((op) => op !== "Identity")).toEqual(["Mul"]);
  });

  it("with a computed condition becomes both branches and a Where", async () => {
    const inputs = [x, { name: "c", dtype: "bool" as const, shape: [1] }];
    const graphRead = await expectSame(
      modelBytes({ nodes: [node("If", ["c"], ["y"], branches)], inputs, outputs: [y] }),
    );
    expect(operators(graphRead)).toContain("Where");
  });

  it("is refused where the branches differ in type, with the input that decides; bound, it is read", async () => {
    const wide = graph({ nodes: [node("Concat", ["x", "x"], ["e"], { axis: 1 })], outputs: [{ name: "e" }] });
    const nodes = [
      node("Equal", ["rate", "r"], ["c"]),
      node("If", ["c"], ["y"], { then_branch: thenGraph, else_branch: wide }),
    ];
    const inputs = [x, { name: "rate", dtype: "int64" as const, shape: [] }];
    const bytes = modelBytes({ nodes, inputs, outputs: [y], weights: { r: scalar("int64", 16000) } });
    const error = refusal(bytes);
    expect(error.message).toBe(
      "The branches of this If give float32[1, 4] and float32[1, 8], and its condition is computed",
    );
    expect(error.hint).toContain("--input rate=VALUE");
    const bound = { rate: scalar("int64", 16000) };
    const graphRead = await expectSame(bytes, { inputValues: { rate: 16000 }, bound });
    expect(graphRead.inputs.length).toBe(1);
  });
});

/** A loop that adds x to what it carries, and gives each sum. */
function loop(
  trips: Partial<GraphSpec> & { readonly names: readonly string[] },
  nodes = [node("Identity", ["go"], ["goes"])],
) {
  const body = graph({
    nodes: [node("Add", ["sum", "x"], ["next"]), node("Mul", ["next", "w"], ["each"]), ...nodes],
    inputs: [
      { name: "i", dtype: "int64", shape: [] },
      { name: "go", dtype: "bool", shape: [] },
      { name: "sum", shape: ["N", 4] },
    ],
    outputs: [{ name: "goes", dtype: "bool" }, { name: "next" }, { name: "each" }],
    weights: { w: float32([4], [1, 2, 3, 4]) },
  });
  return modelBytes({
    nodes: [node("Loop", [...trips.names, "x"], ["y", "z"], { body })],
    inputs: [x, ...(trips.inputs ?? [])],
    outputs: [y, { name: "z" }],
    weights: { m: scalar("int64", 3), t: yes, ...trips.weights },
  });
}

describe("Loop", () => {
  it("with a constant trip count is unrolled, and its scans are stacked; weights of the body are read once", async () => {
    const graphRead = await expectSame(loop({ names: ["m", "t"] }));
    expect(operators(graphRead).filter((op) => op === "Add")).toHaveLength(3);
    expect(
      [...graphRead.values.values()].filter(({ data }) => data?.data.length === 4 && data.dtype === "float32"),
    ).toHaveLength(1);
  });

  it("stops when its condition, known turn by turn, says so", async () => {
    const nodes = [
      node("Constant", [], ["last"], { value: scalar("int64", 1) }),
      node("Less", ["i", "last"], ["goes"]),
    ];
    const graphRead = await expectSame(loop({ names: ["m", "t"] }, nodes));
    expect(operators(graphRead).filter((op) => op === "Add")).toHaveLength(2);
  });

  it("with a computed trip count is refused with the input that decides", () => {
    const error = refusal(loop({ names: ["n", "t"], inputs: [{ name: "n", dtype: "int64", shape: [] }] }));
    expect(error.message).toBe("The trip count of this loop is computed, so the loop cannot be unrolled");
    expect(error.hint).toContain("--input n=VALUE");
  });

  it("of more than 1024 turns is refused", () => {
    expect(refusal(loop({ names: ["m", "t"], weights: { m: scalar("int64", 1025) } })).message).toBe(
      "This loop runs more than 1024 times",
    );
  });

  it("in loops is bounded by the nodes that it adds", () => {
    let body = graph({ nodes: [], outputs: [] });
    for (let depth = 0; depth < 4; depth++)
      body = graph({
        nodes: [node("Loop", ["m", "t", "v"], ["w"], { body: depth === 0 ? inner() : body })],
        inputs: [{ name: "i" }, { name: "go" }, { name: "v" }],
        outputs: [{ name: "go" }, { name: "w" }],
      });
    const bytes = modelBytes({
      nodes: [node("Loop", ["m", "t", "x"], ["y"], { body })],
      inputs: [{ name: "x", shape: [4] }],
      outputs: [y],
      weights: { m: scalar("int64", 1000), t: yes },
    });
    expect(refusal(bytes).message).toBe("Loops and functions add more than 65536 nodes to this model");
  });

  function inner() {
    return graph({
      nodes: [node("Relu", ["v"], ["w"])],
      inputs: [{ name: "i" }, { name: "go" }, { name: "v" }],
      outputs: [{ name: "go" }, { name: "w" }],
    });
  }
});

describe("Scan", () => {
  it("is unrolled over its input, backwards on request", async () => {
    const body = graph({
      nodes: [node("Add", ["state", "row"], ["next"]), node("Relu", ["next"], ["each"])],
      inputs: [
        { name: "state", shape: [4] },
        { name: "row", shape: [4] },
      ],
      outputs: [
        { name: "next", shape: [4] },
        { name: "each", shape: [4] },
      ],
    });
    const attrs = { body, num_scan_inputs: 1, scan_input_directions: [1], scan_output_axes: [1] };
    const nodes = [node("Scan", ["s", "x"], ["y", "z"], attrs)];
    const inputs = [
      { name: "s", shape: [4] },
      { name: "x", shape: [6, 4] },
    ];
    await expectSame(modelBytes({ nodes, inputs, outputs: [y, { name: "z" }] }));
  });
});

describe("functions", () => {
  const leak = modelFunction({
    domain: "my.functions",
    name: "Leak",
    input: ["a", "b"],
    output: ["c"],
    attribute: ["slope"],
    node: [node("LeakyRelu", ["a"], ["l"]), node("Add", ["l", "l"], ["c"])],
  });
  leak.node[0]!.attribute.push(reference("alpha", "slope", 1));

  it("are inlined, with the attributes of the call and inputs left out", async () => {
    const nodes = [
      node("Leak", ["x"], ["h"], { slope: { float: 0.3 } }, "my.functions"),
      node("Leak", ["h"], ["y"], {}, "my.functions"),
    ];
    const graphRead = await expectSame(
      modelBytes({ nodes, inputs: [x], outputs: [y], functions: [leak], domains: ["my.functions"] }),
    );
    expect(graphRead.nodes.filter(({ op }) => op === "LeakyRelu").map(({ attrs }) => attrs.alpha ?? "default")).toEqual(
      [expect.closeTo(0.3, 6), "default"],
    );
  });

  it("that call themselves are refused", () => {
    const endless = modelFunction({
      domain: "f",
      name: "F",
      input: ["a"],
      output: ["b"],
      node: [node("F", ["a"], ["b"], {}, "f")],
    });
    const nodes = [node("F", ["x"], ["y"], {}, "f")];
    const error = refusal(modelBytes({ nodes, inputs: [x], outputs: [y], functions: [endless], domains: ["f"] }));
    expect(error.message).toBe("Sub-graphs and functions are more than 32 deep");
  });

  it("that double with every level are refused by number", () => {
    const functions = Array.from({ length: 24 }, (_, i) =>
      modelFunction({
        domain: "f",
        name: `F${i}`,
        input: ["a"],
        output: ["b"],
        node:
          i === 0
            ? [node("Relu", ["a"], ["b"])]
            : [node(`F${i - 1}`, ["a"], ["m"], {}, "f"), node(`F${i - 1}`, ["m"], ["b"], {}, "f")],
      }),
    );
    const nodes = [node("F23", ["x"], ["y"], {}, "f")];
    const error = refusal(modelBytes({ nodes, inputs: [x], outputs: [y], functions, domains: ["f"] }));
    expect(error.message).toBe("Loops and functions add more than 65536 nodes to this model");
  });
});

describe("recurrent operators", () => {
  it("keep the batch open when their state starts at zeros in its shape", async () => {
    const nodes = [
      node("Shape", ["x"], ["shape"]),
      node("Gather", ["shape", "one"], ["batch"]),
      node("Concat", ["two", "batch", "four"], ["state"], { axis: 0 }),
      node("ConstantOfShape", ["state"], ["zeros"]),
      node("Slice", ["zeros", "zero", "one"], ["h"]),
      node("GRU", ["x", "w", "r", "", "", "h"], ["", "y"], { hidden_size: 4 }),
    ];
    const random = (shape: number[]) =>
      fromNumbers(
        "float32",
        shape,
        Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i)),
      );
    const weights = {
      one: int64s([1]),
      two: int64s([2]),
      four: int64s([4]),
      zero: int64s([0]),
      w: random([1, 12, 3]),
      r: random([1, 12, 4]),
    };
    // ONNX wants the sequence first; the second axis is the batch, which a caller names.
    const bytes = modelBytes({ nodes, inputs: [{ name: "x", shape: [5, "b", 3] }], outputs: [y], weights });
    const graphRead = await expectSame(bytes, { inputShapes: { x: [5, "N", 3] } });
    expect(operators(graphRead)).toEqual(["GRU"]);
  });
});
