import { describe, expect, it } from "vitest";
import { newFoldingBuilder } from "../../../src/fold/index.ts";
import { printGraph, valueById } from "../../../src/ir/index.ts";
import { float32, int64s, scalar, seededRandom, tensor, toInts } from "../../../src/tensor/index.ts";

/** A builder with an input [N, 3, 8, 8] and the vector of its sizes. */
function drawn() {
  const b = newFoldingBuilder("g");
  const x = b.input("x", { dtype: "float32", shape: ["N", 3, 8, 8] });
  return { b, x, sizes: b.node("Shape", [x]) };
}

const shapeOf = (b: ReturnType<typeof drawn>["b"], id: number) => b.value(id).type.shape;

describe("a node over constants", () => {
  it("becomes its value", () => {
    const b = newFoldingBuilder("g");
    const sum = b.node("Add", [b.constant("a", int64s([1, 2])), b.constant("b", int64s([3]))]);
    expect(toInts(b.value(sum).data!)).toEqual([4, 5]);
  });

  it("keeps the name that the output was given", () => {
    const b = newFoldingBuilder("g");
    const a = b.constant("a", int64s([1]));
    expect(b.value(b.node("Neg", [a], {}, { name: "node", outputNames: ["out"] })).name).toBe("out");
  });

  it("leaves weights behind their DequantizeLinear", () => {
    const b = newFoldingBuilder("g");
    const w = b.constant("w", tensor("int8", [2], Int8Array.of(1, 2)));
    const real = b.node("DequantizeLinear", [
      w,
      b.constant("s", scalar("float32", 0.5)),
      b.constant("z", tensor("int8", [], Int8Array.of(0))),
    ]);
    expect(b.value(real).data).toBeUndefined();
  });

  it("is refused when the constants outgrow the file by far", () => {
    const b = newFoldingBuilder("g", { fileBytes: 0 });
    let t = b.constant("c", float32([16384], new Float32Array(16384)));
    const twice = () => {
      for (let i = 0; i < 14; i++) t = b.node("Concat", [t, t], { axis: 0 });
    };
    expect(twice).toThrow(/more than 64 MiB/);
  });
});

describe("sizes of a shape with the batch", () => {
  it("are numbers where they are, one by one", () => {
    const { b, sizes } = drawn();
    const channels = b.node("Gather", [sizes, b.constant("i", scalar("int64", 1))]);
    expect(toInts(b.value(channels).data!)).toEqual([3]);
    expect(b.value(b.node("Gather", [sizes, b.constant("j", scalar("int64", 0))])).data).toBeUndefined();
  });

  it("spell the batch of a Reshape as 0, also beside -1", () => {
    const { b, x, sizes } = drawn();
    const batch = b.node("Slice", [sizes, b.constant("s", int64s([0])), b.constant("e", int64s([1]))]);
    const to = b.node("Concat", [batch, b.constant("rest", int64s([-1]))], { axis: 0 });
    const y = b.node("Reshape", [x, to]);
    expect(shapeOf(b, y)).toEqual(["N", 192]);
    b.output(y);
    expect(printGraph(b.build())).toContain("int64[2] {0, -1}");
  });

  it("find the number of a -1 when the batch stands where 0 cannot", () => {
    const { b, x, sizes } = drawn();
    const batch = b.node("Gather", [sizes, b.constant("i", int64s([0]))]);
    const to = b.node("Concat", [b.constant("four", int64s([4])), batch, b.constant("free", int64s([-1]))], {
      axis: 0,
    });
    const flat = b.node("Reshape", [b.node("Transpose", [x], { perm: [1, 0, 2, 3] }), to]);
    expect(shapeOf(b, flat)).toEqual([4, "N", 48]);
  });

  it("go through Where, Equal and Mul as PyTorch writes Expand", () => {
    const { b, sizes } = drawn();
    const one = b.input("one", { dtype: "float32", shape: ["N", 1, 8, 8] });
    const minus = b.node("Mul", [
      b.node("ConstantOfShape", [b.constant("len", int64s([4]))], { value: int64s([1]) }),
      b.constant("m", int64s([-1])),
    ]);
    const open = b.node("Equal", [sizes, minus]);
    const ones = b.constant("ones", int64s([1, 1, 1, 1]));
    const y = b.node("Expand", [one, b.node("Where", [open, ones, sizes])]);
    expect(shapeOf(b, y)).toEqual(["N", 3, 8, 8]);
  });

  it("do not become numbers by arithmetic that depends on the batch", () => {
    const { b, sizes } = drawn();
    const doubled = b.node("Mul", [sizes, b.constant("two", int64s([2]))]);
    expect(b.value(doubled).data).toBeUndefined();
    expect(b.sizes(doubled)).toBeNull();
    expect(b.sizes(sizes)).toEqual(["N", 3, 8, 8]);
  });

  it("let a slice take the whole batch", () => {
    const { b, x, sizes } = drawn();
    const end = b.node(
      "Concat",
      [b.node("Gather", [sizes, b.constant("i", int64s([0]))]), b.constant("two", int64s([2]))],
      { axis: 0 },
    );
    const y = b.node("Slice", [x, b.constant("s", int64s([0, 0])), end]);
    expect(shapeOf(b, y)).toEqual(["N", 2, 8, 8]);
  });
});

it("agrees with the plain evaluation on static shapes", () => {
  const random = seededRandom(7, "fold");
  const b = newFoldingBuilder("g");
  const shape = Array.from({ length: 4 }, () => 1 + random.below(9));
  const x = b.input("x", { dtype: "float32", shape });
  const product = b.node("Size", [x]);
  b.output(b.node("Reshape", [x, b.node("Reshape", [product, b.constant("one", int64s([1]))])]));
  const graph = b.build();
  expect(valueById(graph, graph.outputs[0]!).type.shape).toEqual([shape.reduce((a, d) => a * d, 1)]);
});
