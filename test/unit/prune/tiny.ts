import { expect } from "vitest";
import type { Graph } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import {
  type CriterionName,
  findGroups,
  gatherEvidence,
  type ScoreOptions,
  scoreGroups,
} from "../../../src/prune/index.ts";
import { float32, int64s } from "../../../src/tensor/index.ts";
import type { TrainingData } from "../../../src/train/index.ts";
import { groupNamed } from "./draw.ts";

/** Rows of numbers as a flat list. */
const flat = (rows: readonly (readonly number[])[]) => rows.flat();

export interface TinyWeights {
  /** [units, inputs]: what makes the units. */
  readonly make: readonly (readonly number[])[];
  /** [classes, units]: what reads them. */
  readonly read: readonly (readonly number[])[];
}

/** x [N, inputs] -> Gemm a -> Relu -> Gemm b -> logits: one group, whose units are the rows of a.w and the columns of b.w. */
export function dense({ make, read }: TinyWeights, { relu = true } = {}): Graph {
  const g = newBuilder("dense");
  const x = g.input("x", { dtype: "float32", shape: ["N", make[0]!.length] });
  const a = g.constant("a.w", float32([make.length, make[0]!.length], flat(make)));
  const b = g.constant("b.w", float32([read.length, make.length], flat(read)));
  const hidden = g.node("Gemm", [x, a], { transB: 1 }, { name: "a" });
  const active = relu ? g.node("Relu", [hidden], {}, { name: "relu" }) : hidden;
  g.output(g.node("Gemm", [active, b], { transB: 1 }, { name: "b" }));
  return g.build();
}

/** x [N, C, H, W] -> 1x1 Conv a -> Relu -> 3x3 Conv b -> mean over the map -> logits: the units are channels. */
export function convolutional({ make, read }: TinyWeights, side: number): Graph {
  const g = newBuilder("convolutional");
  const [units, inputs, classes] = [make.length, make[0]!.length, read.length];
  const x = g.input("x", { dtype: "float32", shape: ["N", inputs, side, side] });
  const a = g.constant("a.w", float32([units, inputs, 1, 1], flat(make)));
  const kernel = read.flatMap((row) => row.flatMap((w) => [0, 0, 0, 0, w, 0, 0, 0, 0]));
  const b = g.constant("b.w", float32([classes, units, 3, 3], kernel));
  const active = g.node("Relu", [g.node("Conv", [x, a], {}, { name: "a" })], {}, { name: "relu" });
  const mapped = g.node("Conv", [active, b], { pads: [1, 1, 1, 1] }, { name: "b" });
  const axes = g.constant("axes", int64s([2, 3]));
  g.output(g.node("ReduceMean", [mapped, axes], { keepdims: 0 }, { name: "pool" }));
  return g.build();
}

/** Samples given number by number. */
export function samples(
  rows: readonly (readonly number[])[],
  labels: readonly number[],
  sampleShape: readonly number[],
): TrainingData {
  return {
    name: "tiny",
    sampleShape,
    length: rows.length,
    labels: Int32Array.from(labels),
    batch: (indices) =>
      float32(
        [indices.length, ...sampleShape],
        Array.from(indices).flatMap((i) => rows[i] as number[]),
      ),
  };
}

/** Scores of the units that a.w makes, in their order. */
export async function scoresOf(
  graph: Graph,
  criterion: CriterionName,
  data: TrainingData,
  options: ScoreOptions = {},
): Promise<number[]> {
  const groups = findGroups(graph);
  const evidence = await gatherEvidence(graph, groups, criterion, data, { threads: 1 });
  const scores = scoreGroups(graph, groups, criterion, { normalisation: "none", ...evidence, ...options });
  return Array.from(scores.get(groupNamed(groups, "a.w").id)!);
}

/** Equal to that many digits, naming the unit that is not. */
export function expectClose(found: readonly number[], expected: readonly number[], digits = 5): void {
  expect(found).toHaveLength(expected.length);
  found.forEach((score, i) => {
    expect(score, `unit ${i} of ${found.join(", ")}`).toBeCloseTo(expected[i]!, digits);
  });
}
