import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FOLDABLE, ROUNDED_ONCE } from "../../../src/fold/index.ts";
import { valueById } from "../../../src/ir/index.ts";
import { newBuilder, type OpType } from "../../../src/ops/index.ts";
import { foldConstants, runPasses } from "../../../src/passes/index.ts";
import { openOrt } from "../../../src/runtimes/onnxruntime.ts";
import { DTYPES, seededRandom, type Tensor, toNumbers } from "../../../src/tensor/index.ts";
import type { Problem } from "../ops/infer-draw.ts";
import { PROBLEMS } from "../ops/infer-problems.ts";

/** The node with all inputs constant, folded; null where folding leaves it to the runtime. */
function folded(op: OpType, problem: Problem): Tensor[] | null {
  const b = newBuilder(op);
  const inputs = problem.inputs.map((t, i) => (t === null ? null : b.constant(`c${i}`, t)));
  for (const id of b.nodes(op, inputs, problem.attrs, { outputs: problem.outputs ?? 1 })) b.output(id);
  const graph = runPasses(b.build(), [foldConstants]);
  return graph.nodes.length > 0 ? null : graph.outputs.map((id) => valueById(graph, id).data!);
}

async function computed(op: OpType, problem: Problem): Promise<Tensor[]> {
  const b = newBuilder(op);
  const fed = problem.fed ?? [0];
  const feeds: Record<string, Tensor> = {};
  const inputs = problem.inputs.map((t, i) => {
    if (t === null) return null;
    if (!fed.includes(i)) return b.constant(`c${i}`, t);
    feeds[`x${i}`] = t;
    return b.input(`x${i}`, { dtype: t.dtype, shape: t.shape });
  });
  const outputs = b.nodes(op, inputs, problem.attrs, { outputs: problem.outputs ?? 1 });
  for (const id of outputs) b.output(id);
  const session = await openOrt(b.build(), { threads: 1, optimise: "disabled" });
  const results = await session.run(feeds);
  await session.close();
  return outputs.map((id) => results[b.value(id).name]!);
}

/** Numbers of size 1 within a few float32 roundings of each other: the runtime rounds the function in float32, or each partial sum. */
function expectClose(own: Tensor, expected: Tensor) {
  const reference = toNumbers(expected);
  for (const [i, value] of toNumbers(own).entries()) {
    if (Object.is(value, reference[i])) continue;
    expect(Math.abs(value - reference[i]!)).toBeLessThanOrEqual(2 ** -21 * Math.max(1, Math.abs(reference[i]!)));
  }
}

describe.each(FOLDABLE as OpType[])("%s of constants", (op) => {
  const inexact = ROUNDED_ONCE.includes(op);
  it(`is what ONNX Runtime computes, ${inexact ? "but for the last bits" : "to the bit"}`, async () => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const problem = PROBLEMS[op](seededRandom(seed, op));
        const own = folded(op, problem);
        if (own === null) return;
        count++;
        const expected = await computed(op, problem);
        own.forEach((t, i) => {
          expect([t.dtype, ...t.shape]).toEqual([expected[i]!.dtype, ...expected[i]!.shape]);
          if (inexact && DTYPES[t.dtype].float) {
            expectClose(t, expected[i]!);
            return;
          }
          // As numbers: a NaN may have any bits, and 0 either sign.
          expect([...toNumbers(t)].map((v) => v + 0)).toEqual([...toNumbers(expected[i]!)].map((v) => v + 0));
        });
      }),
      { seed: 5, numRuns: Number(process.env.FOLD_RUNS ?? 12) },
    );
    expect(count).toBeGreaterThan(3);
  });
});
