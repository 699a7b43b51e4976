/** Recurrent models in float32 with seeded weights, and the recurrences in plain loops. */
import { tfliteOptions } from "../../../src/formats/tflite/codec/index.ts";
import { seededRandom } from "../../../src/tensor/index.ts";
import type { ModelSpec, TensorSpec } from "./models.ts";

export const SIZES = { steps: 3, batch: 2, inputs: 4, units: 5 } as const;

export interface LstmVariant {
  readonly coupled?: boolean;
  readonly peepholes?: boolean;
  readonly projection?: number;
  readonly normalized?: boolean;
  readonly cellClip?: number;
}

function seeded(label: string, shape: readonly number[], scale = 1): TensorSpec & { data: Float32Array } {
  const random = seededRandom(9, label);
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Float32Array.from({ length: size }, () => (random.next() * 2 - 1) * scale) };
}

const GATES = ["i", "f", "c", "o"] as const;

/** UNIDIRECTIONAL_SEQUENCE_LSTM over [batch, steps, inputs] (batch-major). */
export function lstmModel(variant: LstmVariant): {
  spec: ModelSpec;
  reference: (x: Float32Array, runs: number) => Float32Array[];
} {
  const { steps, batch, inputs, units } = SIZES;
  const outputs = variant.projection ?? units;
  const constants: Record<string, TensorSpec & { data: Float32Array }> = {};
  for (const gate of GATES) {
    if (gate === "i" && variant.coupled) continue;
    constants[`w${gate}`] = seeded(`w${gate}`, [units, inputs]);
    constants[`r${gate}`] = seeded(`r${gate}`, [units, outputs]);
    constants[`b${gate}`] = seeded(`b${gate}`, [units]);
    if (variant.peepholes && gate !== "c") constants[`p${gate}`] = seeded(`p${gate}`, [units]);
    if (variant.normalized) constants[`n${gate}`] = seeded(`n${gate}`, [units]);
  }
  if (variant.projection !== undefined) constants.proj = seeded("proj", [outputs, units]);
  const has = (name: string) => (name in constants ? name : null);
  const spec: ModelSpec = {
    tensors: {
      x: { shape: [batch, steps, inputs] },
      ...constants,
      h: { shape: [batch, outputs], rest: { isVariable: true } },
      cell: { shape: [batch, units], rest: { isVariable: true } },
      y: { shape: [batch, steps, outputs] },
    },
    inputs: ["x"],
    operators: [
      {
        op: "UNIDIRECTIONAL_SEQUENCE_LSTM",
        inputs: [
          "x",
          ...GATES.map((gate) => has(`w${gate}`)),
          ...GATES.map((gate) => has(`r${gate}`)),
          ...["pi", "pf", "po"].map(has),
          ...GATES.map((gate) => has(`b${gate}`)),
          has("proj"),
          null,
          "h",
          "cell",
          ...GATES.map((gate) => has(`n${gate}`)),
        ],
        outputs: ["y"],
        options: tfliteOptions("UnidirectionalSequenceLSTMOptions", {
          fusedActivationFunction: "TANH",
          cellClip: variant.cellClip ?? 0,
        }),
      },
    ],
  };
  const value = (name: string) => constants[name]?.data;
  return { spec, reference: (x, runs) => lstmLoops(variant, value, outputs, x, runs) };
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

function lstmLoops(
  variant: LstmVariant,
  value: (name: string) => Float32Array | undefined,
  outputs: number,
  x: Float32Array,
  runs: number,
): Float32Array[] {
  const { steps, batch, inputs, units } = SIZES;
  const h = new Float64Array(batch * outputs);
  const cell = new Float64Array(batch * units);
  const clip = variant.cellClip ?? 0;
  const sums = (gate: string, n: number, t: number, from: Float64Array): number[] => {
    const list = Array.from({ length: units }, (_, u) => {
      let sum = variant.normalized ? 0 : value(`b${gate}`)![u]!;
      for (let k = 0; k < inputs; k++) sum += value(`w${gate}`)![u * inputs + k]! * x[(n * steps + t) * inputs + k]!;
      for (let k = 0; k < outputs; k++) sum += value(`r${gate}`)![u * outputs + k]! * from[n * outputs + k]!;
      return sum + (value(`p${gate}`)?.[u] ?? 0) * cell[n * units + u]!;
    });
    if (!variant.normalized) return list;
    const mean = list.reduce((a, b) => a + b, 0) / units;
    const spread = Math.sqrt(list.reduce((a, b) => a + (b - mean) ** 2, 0) / units + 1e-8);
    return list.map((sum, u) => ((sum - mean) / spread) * value(`n${gate}`)![u]! + value(`b${gate}`)![u]!);
  };
  return Array.from({ length: runs }, () => {
    const y = new Float32Array(batch * steps * outputs);
    for (let t = 0; t < steps; t++) {
      const before = Float64Array.from(h);
      for (let n = 0; n < batch; n++) {
        const forget = sums("f", n, t, before).map(sigmoid);
        const input = variant.coupled ? forget.map((f) => 1 - f) : sums("i", n, t, before).map(sigmoid);
        const update = sums("c", n, t, before).map(Math.tanh);
        for (let u = 0; u < units; u++) {
          const sum = forget[u]! * cell[n * units + u]! + input[u]! * update[u]!;
          cell[n * units + u] = clip > 0 ? Math.max(-clip, Math.min(clip, sum)) : sum;
        }
        const exit = sums("o", n, t, before).map(sigmoid);
        const hidden = exit.map((o, u) => o * Math.tanh(cell[n * units + u]!));
        for (let k = 0; k < outputs; k++) {
          const proj = value("proj");
          const result =
            proj === undefined ? hidden[k]! : hidden.reduce((sum, v, u) => sum + v * proj[k * units + u]!, 0);
          h[n * outputs + k] = result;
          y[(n * steps + t) * outputs + k] = result;
        }
      }
    }
    return y;
  });
}

/** SVDF of rank 2 over [batch, inputs] with a memory of 3. */
export function svdfModel(): { spec: ModelSpec; reference: (x: Float32Array, runs: number) => Float32Array[] } {
  const { batch, inputs, units } = SIZES;
  const [rank, memory] = [2, 3];
  const filters = rank * units;
  const features = seeded("features", [filters, inputs]);
  const time = seeded("time", [filters, memory]);
  const bias = seeded("bias", [units]);
  const spec: ModelSpec = {
    tensors: {
      x: { shape: [batch, inputs] },
      features,
      time,
      bias,
      state: { shape: [batch, filters * memory], rest: { isVariable: true } },
      y: { shape: [batch, units] },
    },
    inputs: ["x"],
    operators: [
      {
        op: "SVDF",
        inputs: ["x", "features", "time", "bias", "state"],
        outputs: ["y"],
        options: tfliteOptions("SVDFOptions", { rank, fusedActivationFunction: "RELU" }),
      },
    ],
  };
  const reference = (x: Float32Array, runs: number) => {
    const state = Array.from({ length: batch * filters }, () => new Array<number>(memory).fill(0));
    return Array.from({ length: runs }, () =>
      Float32Array.from({ length: batch * units }, (_, at) => {
        const [n, u] = [Math.floor(at / units), at % units];
        let sum = bias.data[u]!;
        for (let r = 0; r < rank; r++) {
          const f = u * rank + r;
          let product = 0;
          for (let k = 0; k < inputs; k++) product += features.data[f * inputs + k]! * x[n * inputs + k]!;
          const window = state[n * filters + f]!;
          window.shift();
          window.push(product);
          for (let m = 0; m < memory; m++) sum += window[m]! * time.data[f * memory + m]!;
        }
        return Math.max(0, sum);
      }),
    );
  };
  return { spec, reference };
}

/** UNIDIRECTIONAL_SEQUENCE_RNN, time first. */
export function rnnModel(): { spec: ModelSpec; reference: (x: Float32Array, runs: number) => Float32Array[] } {
  const { steps, batch, inputs, units } = SIZES;
  const [w, r, b] = [seeded("w", [units, inputs]), seeded("r", [units, units], 0.5), seeded("b", [units])];
  const spec: ModelSpec = {
    tensors: {
      x: { shape: [steps, batch, inputs] },
      w,
      r,
      b,
      h: { shape: [batch, units], rest: { isVariable: true } },
      y: { shape: [steps, batch, units] },
    },
    inputs: ["x"],
    operators: [
      {
        op: "UNIDIRECTIONAL_SEQUENCE_RNN",
        inputs: ["x", "w", "r", "b", "h"],
        outputs: ["y"],
        options: tfliteOptions("SequenceRNNOptions", { timeMajor: true, fusedActivationFunction: "TANH" }),
      },
    ],
  };
  const reference = (x: Float32Array, runs: number) => {
    let h = new Float64Array(batch * units);
    return Array.from({ length: runs }, () => {
      const y = new Float32Array(steps * batch * units);
      for (let t = 0; t < steps; t++) {
        h = Float64Array.from(h, (_, at) => {
          const [n, u] = [Math.floor(at / units), at % units];
          let sum = b.data[u]!;
          for (let k = 0; k < inputs; k++) sum += w.data[u * inputs + k]! * x[(t * batch + n) * inputs + k]!;
          for (let k = 0; k < units; k++) sum += r.data[u * units + k]! * h[n * units + k]!;
          return Math.tanh(sum);
        });
        y.set(h, t * batch * units);
      }
      return y;
    });
  };
  return { spec, reference };
}
