import { describe, it } from "vitest";
import type { Graph } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import type { CriterionName } from "../../../src/prune/index.ts";
import { float32, int64s } from "../../../src/tensor/index.ts";
import { expectClose, samples, scoresOf } from "./tiny.ts";

/** x [N, 2, 3, 3] -> 1x1 Conv a -> Relu -> pooling -> Flatten -> Gemm. */
function pooled(pooling: "GlobalAveragePool" | "MaxPool" | "ReduceMean"): Graph {
  const g = newBuilder("pooled");
  const x = g.input("x", { dtype: "float32", shape: ["N", 2, 3, 3] });
  const a = g.constant("a.w", float32([2, 2, 1, 1], [1, 0, 0, 1]));
  const active = g.node("Relu", [g.node("Conv", [x, a], {}, { name: "a" })]);
  const small =
    pooling === "GlobalAveragePool"
      ? g.node("GlobalAveragePool", [active])
      : pooling === "MaxPool"
        ? g.node("MaxPool", [active], { kernel_shape: [3, 3] })
        : g.node("ReduceMean", [active, g.constant("axes", int64s([2, 3]))], { keepdims: 1 });
  const b = g.constant("b.w", float32([2, 2], [1, 2, 3, 4]));
  g.output(g.node("Gemm", [g.node("Flatten", [small]), b], { transB: 1 }, { name: "b" }));
  return g.build();
}

// Channel 0: full rank, three of nine positive; channel 1: rank 1, all positive.
const DATA = samples([[1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3]], [0], [2, 3, 3]);

describe("maps before pooling", () => {
  it.each(["GlobalAveragePool", "MaxPool", "ReduceMean"] as const)(
    "are what apoz and hrank see behind %s",
    async (op) => {
      expectClose(await scoresOf(pooled(op), "apoz", DATA), [1 / 3, 1]);
      expectClose(await scoresOf(pooled(op), "hrank", DATA), [3, 1]);
    },
  );

  it("other criteria see what is summed over", async () => {
    const norms: readonly [CriterionName, readonly number[]][] = [
      ["activation-norm", [1 / 3, 2]],
      ["activation-mean", [1 / 3, 2]],
    ];
    for (const [name, expected] of norms)
      expectClose(await scoresOf(pooled("GlobalAveragePool"), name, DATA), expected);
  });
});
