import type { Graph } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { float32, fromNumbers, seededRandom } from "../../../src/tensor/index.ts";

function weights(shape: readonly number[]) {
  const random = seededRandom(5, shape.join());
  return float32(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
  );
}

/** 2 channels -> convolution to 6 with bias, ReLU, a convolution 6 -> 6 added to it, mean, 6 -> 3. */
export function residual(): Graph {
  const b = newBuilder("residual");
  const x = b.input("x", { dtype: "float32", shape: ["N", 2, 4, 4] });
  const first = b.node(
    "Conv",
    [x, b.constant("first.weight", weights([6, 2, 1, 1])), b.constant("first.bias", weights([6]))],
    {},
    { name: "first" },
  );
  const relu = b.node("Relu", [first], {}, { name: "relu" });
  const second = b.node("Conv", [relu, b.constant("second.weight", weights([6, 6, 1, 1]))], {}, { name: "second" });
  const sum = b.node("Add", [second, relu], {}, { name: "add", outputNames: ["sum"] });
  const mean = b.node("GlobalAveragePool", [sum], {}, { name: "mean" });
  const flat = b.node("Flatten", [mean], {}, { name: "flat" });
  b.output(b.node("Gemm", [flat, b.constant("dense.weight", weights([6, 3]))], {}, { name: "dense" }));
  return b.build();
}

/** A convolution to 6 channels of which the first 2 are an output and the others go on; a weight whose name ends in brackets. */
export function slicedOut(): Graph {
  const b = newBuilder("sliced");
  const x = b.input("x", { dtype: "float32", shape: ["N", 2, 4, 4] });
  const a = b.node("Conv", [x, b.constant("a.weight", weights([6, 2, 1, 1]))], {}, { name: "a" });
  const sizes = b.constant("sizes", fromNumbers("int64", [2], [2, 4]));
  const [out, rest] = b.nodes("Split", [a, sizes], { axis: 1 }, { name: "split", outputs: 2 });
  b.output(out!);
  b.output(b.node("Conv", [rest!, b.constant("odd[0]", weights([3, 4, 1, 1]))], {}, { name: "b" }));
  return b.build();
}

/** Two convolutions 2 -> 4 -> 3 whose weights are stored as integers. */
export function quantised(): Graph {
  const b = newBuilder("quantised");
  const stored = (name: string, shape: readonly number[]) => {
    const count = shape.reduce((x, y) => x * y, 1);
    const integers = fromNumbers(
      "int8",
      shape,
      Array.from({ length: count }, (_, i) => (i % 7) - 3),
    );
    return b.node("DequantizeLinear", [b.constant(name, integers), b.constant(`${name}.scale`, float32([], [0.1]))]);
  };
  const x = b.input("x", { dtype: "float32", shape: ["N", 2, 4, 4] });
  const inner = b.node("Conv", [x, stored("a", [4, 2, 1, 1])], {}, { name: "a.conv" });
  b.output(b.node("Conv", [b.node("Relu", [inner]), stored("b", [3, 4, 1, 1])], {}, { name: "b.conv" }));
  return b.build();
}

/** A convolution to 6 channels that are added to themselves in turned order, so that all of them go together. */
export function oneUnit(): Graph {
  const b = newBuilder("one unit");
  const x = b.input("x", { dtype: "float32", shape: ["N", 2, 4, 4] });
  const a = b.node("Conv", [x, b.constant("a.weight", weights([6, 2, 1, 1]))], {}, { name: "a" });
  const turned = b.node("Gather", [a, b.constant("order", fromNumbers("int64", [6], [1, 2, 3, 4, 5, 0]))], { axis: 1 });
  const sum = b.node("Add", [a, turned]);
  b.output(b.node("Conv", [sum, b.constant("b.weight", weights([3, 6, 1, 1]))], {}, { name: "b" }));
  return b.build();
}
