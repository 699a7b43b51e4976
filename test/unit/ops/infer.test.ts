import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import { type Dim, typeText } from "../../../src/ir/index.ts";
import { inferTypes, newBuilder, OP_TYPES, type OpType } from "../../../src/ops/index.ts";
import { openOrt } from "../../../src/runtimes/onnxruntime.ts";
import { seededRandom, type Tensor } from "../../../src/tensor/index.ts";
import type { Problem } from "./infer-draw.ts";
import { PROBLEMS } from "./infer-problems.ts";

/** Infers the types of one node, builds the graph of it and runs it in ONNX Runtime. */
async function judge(op: OpType, problem: Problem): Promise<{ inferred: string[]; actual: string[] }> {
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
  try {
    const results = await session.run(feeds);
    const names = outputs.map((id) => b.value(id).name);
    return {
      inferred: outputs.map((id) => typeText(b.value(id).type)),
      actual: names.map((name) => typeText(results[name]!)),
    };
  } finally {
    await session.close();
  }
}

/** With the first axis of the first input symbolic: either a refusal, or types that are right for every value of it. */
function inferSymbolic(op: OpType, problem: Problem): string[] | null {
  const size = problem.inputs[0]?.shape[0];
  const fed = problem.fed ?? [0];
  // Squeeze without axes drops a batch of 1 and no other: its rank depends on the batch. The pass simplify-reshape writes the axes out.
  if (op === "Squeeze" && (problem.inputs[1]?.data.length ?? 0) === 0) return null;
  const facts = problem.inputs.map((t, i) => {
    if (t === null) return null;
    const shape: readonly Dim[] = i === 0 && size !== undefined ? ["N", ...t.shape.slice(1)] : t.shape;
    return fed.includes(i) ? { type: { dtype: t.dtype, shape } } : { type: { dtype: t.dtype, shape }, data: t };
  });
  try {
    const types = inferTypes({ op, name: "n", attrs: problem.attrs, outputCount: problem.outputs ?? 1 }, facts);
    return types
      .slice(0, problem.outputs ?? 1)
      .map((type) => typeText({ ...type, shape: type.shape.map((dim) => (dim === "N" ? size! : dim)) }));
  } catch (error) {
    expect(error).toBeInstanceOf(EspalierError);
    expect((error as EspalierError).code).not.toBe("internal");
    return null;
  }
}

describe.each(OP_TYPES.map((op) => ({ op })))("$op", ({ op }) => {
  it("infers the types that ONNX Runtime returns", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const problem = PROBLEMS[op](seededRandom(seed, op));
        const { inferred, actual } = await judge(op, problem);
        expect(inferred).toEqual(actual);
        const symbolic = inferSymbolic(op, problem);
        if (symbolic !== null) expect(symbolic).toEqual(actual);
      }),
      { seed: 1, numRuns: Number(process.env.INFER_RUNS ?? 15) },
    );
  });
});
