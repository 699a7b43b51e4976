import { describe, expect, it } from "vitest";
import { formula, newBuilder } from "../../../src/ops/index.ts";
import { runOnce } from "../../../src/runtimes/onnxruntime.ts";
import { float32, scalar, seededRandom, type Tensor } from "../../../src/tensor/index.ts";
import { addCrossEntropy, addDistillation, rateAt, shiftAndFlip, smoothedTargets } from "../../../src/train/index.ts";
import { addUpdate, correctionsAt, type Optimiser, slotCount } from "../../../src/train/optimisers.ts";

const numbers = (t: Tensor | undefined) => Array.from(t!.data as Float32Array);

/** The textbook update of one scalar weight over some steps, in double precision. */
function reference(optimiser: Optimiser, start: number, gradients: readonly number[], rate: number): number {
  let [w, a, b] = [start, 0, 0];
  gradients.forEach((gradient, i) => {
    if (optimiser.kind === "sgd") {
      const { momentum = 0.9, nesterov = true, weightDecay = 0 } = optimiser;
      const g = gradient + weightDecay * w;
      a = momentum * a + g;
      w -= rate * (nesterov ? g + momentum * a : a);
    } else {
      const decoupled = optimiser.kind === "adamw";
      const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = decoupled ? 0.01 : 0 } = optimiser;
      const g = decoupled ? gradient : gradient + weightDecay * w;
      a = beta1 * a + (1 - beta1) * g;
      b = beta2 * b + (1 - beta2) * g ** 2;
      const step = a / (1 - beta1 ** (i + 1)) / (Math.sqrt(b / (1 - beta2 ** (i + 1))) + epsilon);
      w -= rate * (decoupled ? step + weightDecay * w : step);
    }
  });
  return w;
}

async function updated(
  optimiser: Optimiser,
  shape: number[],
  start: number,
  gradients: readonly number[],
  rate: number,
) {
  let state: Tensor[] = [
    float32(shape, [start]),
    ...Array.from({ length: slotCount(optimiser) }, () => float32(shape, [0])),
  ];
  for (const [i, gradient] of gradients.entries()) {
    const builder = newBuilder("step");
    const type = { dtype: "float32", shape } as const;
    const one = { dtype: "float32", shape: [] } as const;
    const weight = builder.input("w", type);
    const g = builder.input("g", type);
    const slots = state.slice(1).map((_, k) => builder.input(`s${k}`, type));
    const scalars = {
      rate: builder.input("rate", one),
      corrections: correctionsAt(optimiser, 1).map((_, k) => builder.input(`c${k}`, one)),
    };
    const update = addUpdate(formula(builder, "u"), optimiser, weight, g, slots, {
      ...scalars,
      decays: shape.length > 1,
    });
    const ids = [update.weight, ...update.slots];
    builder.setOutputs(ids);
    const graph = builder.build();
    const feeds: Record<string, Tensor> = {
      w: state[0]!,
      g: float32(shape, [gradient]),
      rate: scalar("float32", rate),
    };
    slots.forEach((_, k) => {
      feeds[`s${k}`] = state[k + 1]!;
    });
    correctionsAt(optimiser, i + 1).forEach((value, k) => {
      feeds[`c${k}`] = scalar("float32", value);
    });
    const results = await runOnce(graph, feeds);
    state = ids.map((id) => results[graph.values.get(id)!.name]!);
  }
  return numbers(state[0])[0]!;
}

describe("optimisers", () => {
  const cases: [string, Optimiser][] = [
    ["SGD", { kind: "sgd", momentum: 0, weightDecay: 0.1 }],
    ["SGD with momentum", { kind: "sgd", nesterov: false, weightDecay: 0.1 }],
    ["SGD with Nesterov momentum", { kind: "sgd", momentum: 0.8, weightDecay: 0.1 }],
    ["AdamW", { kind: "adamw", weightDecay: 0.1 }],
    ["Adam", { kind: "adam", weightDecay: 0.1 }],
  ];
  const gradients = [0.5, -0.2, 0.9, 0.1];
  it.each(cases)("%s is the textbook's", async (_, optimiser) => {
    const expected = reference(optimiser, 2, gradients, 0.1);
    expect(await updated(optimiser, [1, 1], 2, gradients, 0.1)).toBeCloseTo(expected, 5);
  });

  it.each(cases)("%s does not decay what must not", async (_, optimiser) => {
    const expected = reference({ ...optimiser, weightDecay: 0 }, 2, gradients, 0.1);
    expect(await updated(optimiser, [1], 2, gradients, 0.1)).toBeCloseTo(expected, 5);
  });
});

describe("losses", () => {
  const logits = [1, 2, 0.5, -1, 0, 3];
  const softmax = (row: readonly number[], temperature = 1) => {
    const powers = row.map((value) => Math.exp(value / temperature));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  };
  const rows = [logits.slice(0, 3), logits.slice(3)];

  it("smooths targets", () => {
    const targets = smoothedTargets([1, 0], 4, 0.2);
    expect(targets.shape).toEqual([2, 4]);
    [0.05, 0.85, 0.05, 0.05, 0.85, 0.05, 0.05, 0.05].forEach((value, i) => {
      expect(targets.data[i]).toBeCloseTo(value, 6);
    });
  });

  it("cross-entropy is -sum target log p, averaged", async () => {
    const builder = newBuilder("loss");
    const type = { dtype: "float32", shape: [2, 3] } as const;
    const loss = addCrossEntropy(
      formula(builder, "loss"),
      builder.input("logits", type),
      builder.input("target", type),
    );
    builder.output(loss);
    const target = smoothedTargets([1, 2], 3, 0.3);
    const results = await runOnce(builder.build(), { logits: float32([2, 3], logits), target });
    const expected = rows.map(
      (row, i) => -softmax(row).reduce((sum, p, k) => sum + target.data[i * 3 + k]! * Math.log(p), 0),
    );
    expect(numbers(Object.values(results)[0])[0]).toBeCloseTo((expected[0]! + expected[1]!) / 2, 5);
  });

  it("distillation is T^2 KL(teacher || pupil), averaged", async () => {
    const builder = newBuilder("loss");
    const type = { dtype: "float32", shape: [2, 3] } as const;
    builder.output(
      addDistillation(formula(builder, "loss"), builder.input("logits", type), builder.input("teacher", type), 3),
    );
    const teacher = [0, 1, 2, 2, 2, -1];
    const feeds = { logits: float32([2, 3], logits), teacher: float32([2, 3], teacher) };
    const results = await runOnce(builder.build(), feeds);
    const expected = rows.map((row, i) => {
      const [q, p] = [softmax(teacher.slice(3 * i, 3 * i + 3), 3), softmax(row, 3)];
      return 9 * q.reduce((sum, value, k) => sum + value * Math.log(value / p[k]!), 0);
    });
    expect(numbers(Object.values(results)[0])[0]).toBeCloseTo((expected[0]! + expected[1]!) / 2, 5);
  });
});

describe("schedules", () => {
  it("a cosine rises over its warm-up and falls to its floor", () => {
    const at = (step: number) => rateAt({ kind: "cosine", rate: 1, warmUp: 0.1, floor: 0.2 }, step, 100);
    expect([at(0), at(4), at(9), at(10)]).toEqual([0.1, 0.5, 1, 1]);
    expect(at(55)).toBeCloseTo(0.6, 10);
    expect(at(99)).toBeCloseTo(0.2, 2);
  });
  it("steps divide at their fractions", () => {
    const at = (step: number) => rateAt({ kind: "step", rate: 1, at: [0.5, 0.75], factor: 0.1 }, step, 100);
    expect([at(0), at(49), at(50), at(74)]).toEqual([1, 1, 0.1, 0.1]);
    expect(at(75)).toBeCloseTo(0.01, 12);
  });
  it("a line and an exponential end at their floors", () => {
    const line = (step: number) => rateAt({ kind: "linear", rate: 2, floor: 0.5 }, step, 100);
    expect([line(0), line(50), line(100)]).toEqual([2, 1.5, 1]);
    const decay = (step: number) => rateAt({ kind: "exponential", rate: 2, floor: 0.25 }, step, 100);
    expect(decay(0)).toBe(2);
    expect(decay(50)).toBeCloseTo(1, 12);
    expect(decay(51) / decay(50)).toBeCloseTo(decay(11) / decay(10), 12);
  });
  it("one cycle starts low, peaks at its rise and ends far below", () => {
    const at = (step: number) => rateAt({ kind: "one-cycle", rate: 1, rise: 0.3, start: 25, end: 1e4 }, step, 100);
    expect(at(0)).toBeCloseTo(1 / 25, 12);
    expect(at(29)).toBeCloseTo(1, 12);
    expect(at(14.5)).toBeCloseTo((1 + 1 / 25) / 2, 12);
    expect(at(99)).toBeCloseTo(1 / 25e4, 12);
    const rates = Array.from({ length: 100 }, (_, step) => at(step));
    expect(rates.indexOf(Math.max(...rates))).toBe(29);
    expect(rateAt({ kind: "one-cycle", rate: 1 }, 0, 1)).toBeGreaterThan(0);
  });
  it("a constant stays", () => {
    expect([0, 50, 99].map((step) => rateAt({ kind: "constant", rate: 0.3 }, step, 100))).toEqual([0.3, 0.3, 0.3]);
  });
});

describe("augmentation", () => {
  const image = () =>
    float32(
      [1, 2, 3, 4],
      Float32Array.from({ length: 24 }, (_, i) => i),
    );

  it("shifts and mirrors within the image, the same for all channels", () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const batch = image();
      shiftAndFlip({ shift: 1, flip: true })(batch, seededRandom(seed));
      const [first, second] = [batch.data.slice(0, 12), batch.data.slice(12)];
      expect(second).toEqual(first.map((value) => value + 12));
      outcomes.add(first.join());
    }
    // 3 x 3 shifts, mirrored or not.
    expect(outcomes.size).toBe(18);
    expect(outcomes).toContain("0,1,2,3,4,5,6,7,8,9,10,11");
    expect(outcomes).toContain("3,2,1,0,7,6,5,4,11,10,9,8");
  });

  it("does nothing when told so", () => {
    const batch = image();
    shiftAndFlip({ shift: 0, flip: false })(batch, seededRandom(1));
    expect(batch).toEqual(image());
  });
});
