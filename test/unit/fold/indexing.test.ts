import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newFoldingBuilder } from "../../../src/fold/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { openOrt } from "../../../src/runtimes/onnxruntime.ts";
import { float32, fromNumbers, int64s, seededRandom, type Tensor, toNumbers } from "../../../src/tensor/index.ts";
import type { Problem } from "../ops/infer-draw.ts";
import { structureProblems } from "../ops/infer-structure.ts";

/** The value of a node over constants, or null where it stays a node. */
function folded(op: string, { inputs, attrs }: Problem): Tensor | null {
  const b = newFoldingBuilder("g");
  const ids = inputs.map((t, i) => (t === null ? null : b.constant(`c${i}`, t)));
  return b.value(b.node(op, ids, attrs)).data ?? null;
}

/** What ONNX Runtime makes of the same node. */
async function computed(op: string, { inputs, attrs, fed = [0] }: Problem): Promise<Tensor> {
  const b = newBuilder("g");
  const feeds: Record<string, Tensor> = {};
  const ids = inputs.map((t, i) => {
    if (t === null || !fed.includes(i)) return t === null ? null : b.constant(`c${i}`, t);
    feeds[`x${i}`] = t;
    return b.input(`x${i}`, { dtype: t.dtype, shape: t.shape });
  });
  const y = b.node(op, ids, attrs);
  b.output(y);
  // One thread: of several updates of one element, the last in order wins.
  const session = await openOrt(b.build(), { threads: 1, optimise: "disabled" });
  try {
    return (await session.run(feeds))[b.value(y).name]!;
  } finally {
    await session.close();
  }
}

const exact = [
  "GatherElements",
  "GatherND",
  "ScatterElements",
  "ScatterND",
  "Compress",
  "ReverseSequence",
  "DepthToSpace",
] as const;
const rounded = ["HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix"] as const;

describe("operators over constants", () => {
  it.each([...exact, ...rounded])("%s gives what ONNX Runtime computes", async (op) => {
    let known = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const problem: Problem = structureProblems[op](seededRandom(seed, op));
        const value = folded(op, problem);
        if (value === null) {
          // A scatter that reduces and a symmetric window of one sample are not folded; everything else is.
          const { reduction = "none", periodic = 1 } = problem.attrs;
          expect(reduction !== "none" || periodic === 0).toBe(true);
          return;
        }
        known += 1;
        const actual = await computed(op, problem);
        expect([value.dtype, value.shape]).toEqual([actual.dtype, actual.shape]);
        const close = (rounded as readonly string[]).includes(op) ? 1e-6 : 0;
        const expected = toNumbers(actual);
        toNumbers(value).forEach((number, i) => {
          expect(Math.abs(number - expected[i]!)).toBeLessThanOrEqual(close);
        });
      }),
      { seed: 1, numRuns: 25 },
    );
    expect(known).toBeGreaterThan(0);
  });

  it("leave an index that points nowhere to the runtime", () => {
    const x = float32([3], [1, 2, 3]);
    expect(folded("GatherElements", { inputs: [x, int64s([3])], attrs: {} })).toBeNull();
    expect(folded("GatherND", { inputs: [x, fromNumbers("int64", [1, 1], [-4])], attrs: {} })).toBeNull();
    expect(folded("ScatterElements", { inputs: [x, int64s([5]), float32([1], [0])], attrs: {} })).toBeNull();
    const lengths = int64s([4]);
    expect(folded("ReverseSequence", { inputs: [float32([3, 1], [1, 2, 3]), lengths], attrs: {} })).toBeNull();
  });

  it("move the batch's symbol like any size", () => {
    const b = newFoldingBuilder("g");
    const x = b.input("x", { dtype: "float32", shape: ["N", 3, 4] });
    const shape = b.node("Shape", [x]);
    const at = b.constant("at", fromNumbers("int64", [1, 1], [1]));
    const wanted = b.node("ScatterND", [shape, at, b.constant("size", int64s([-1]))]);
    expect(b.sizes(wanted)).toEqual(["N", -1, 4]);
    expect(b.value(b.node("Reshape", [x, wanted])).type.shape).toEqual(["N", 3, 4]);
  });
});
