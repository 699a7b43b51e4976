import { expect } from "vitest";
import type { Attributes, ValueId } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { openOrt } from "../../../src/runtimes/onnxruntime.ts";
import { float32, type Random, seededRandom, sizeOf, type Tensor } from "../../../src/tensor/index.ts";
import { addGradients } from "../../../src/train/index.ts";

/** One operator application whose gradients are checked. */
export interface GradientCase {
  readonly name: string;
  readonly op: string;
  /** Shapes of differentiable inputs, or constants (and null for an omitted input) that get no gradient. */
  readonly inputs: readonly (readonly number[] | Tensor | null)[];
  readonly attrs?: Attributes;
  readonly outputs?: number;
  /** Values of the inputs; default: of size 0.3 to 1.3 with random sign, away from the kinks at 0. */
  readonly draw?: (random: Random) => number;
  /** Accepted difference, relative to the larger of 1 and the derivative; default 2e-3. */
  readonly tolerance?: number;
}

const EPSILON = 1e-2;

function isShape(input: readonly number[] | Tensor | null): input is readonly number[] {
  return Array.isArray(input);
}

/** A Float32Array of draws for a shape. */
export function drawn(shape: readonly number[], random: Random, draw?: (random: Random) => number): Float32Array {
  const value = draw ?? ((r: Random) => (0.3 + r.next()) * (r.next() < 0.5 ? -1 : 1));
  return Float32Array.from({ length: sizeOf(shape) }, () => value(random));
}

interface Built {
  readonly feeds: Record<string, Tensor<"float32">>;
  run(feeds: Readonly<Record<string, Tensor>>): Promise<{ outputs: Tensor[]; gradients: Tensor[] }>;
  readonly seeds: readonly Tensor<"float32">[];
  close(): Promise<void>;
}

/** Builds y = op(inputs) and the gradients of sum(y * seed), with random inputs and seeds. */
export async function buildCase(test: GradientCase): Promise<Built> {
  const random = seededRandom(7, test.name);
  const builder = newBuilder("gradient");
  const feeds: Record<string, Tensor<"float32">> = {};
  const wrt: ValueId[] = [];
  const ids = test.inputs.map((input, i) => {
    if (input === null) return null;
    if (!isShape(input)) return builder.constant(`c${i}`, input);
    const id = builder.input(`x${i}`, { dtype: "float32", shape: input });
    feeds[`x${i}`] = float32(input, drawn(input, random, test.draw));
    wrt.push(id);
    return id;
  });
  // Positions (of TopK) are integers, which have no gradient.
  const outputs = builder
    .nodes(test.op, ids, test.attrs ?? {}, { outputs: test.outputs ?? 1 })
    .filter((id) => builder.value(id).type.dtype === "float32");
  const seeds = outputs.map((id) => {
    const shape = builder.value(id).type.shape as readonly number[];
    return float32(shape, drawn(shape, random));
  });
  // The loss is the sum over all outputs of <y, seed>.
  const parts = outputs.map((id, i) => {
    const weighted = builder.node("Mul", [id, builder.constant(`seed${i}`, seeds[i]!)]);
    return builder.node("ReduceSum", [weighted], { keepdims: 0 });
  });
  const loss = builder.node("Sum", parts);
  const gradients = addGradients(builder, loss, wrt).map((id, i) => {
    if (id === null) throw new Error(`${test.name}: no gradient for input ${i}`);
    return id;
  });
  // An output that is also an input needs a node of its own.
  const named = (id: ValueId) => builder.value(builder.node("Identity", [id])).name;
  const outputNames = outputs.map(named);
  const gradientNames = gradients.map(named);
  const all = new Map(builder.currentNodes.flatMap((node) => node.outputs.map((id) => [builder.value(id).name, id])));
  builder.setOutputs([...outputNames, ...gradientNames].map((name) => all.get(name)!));
  const session = await openOrt(builder.build(), { threads: 1 });
  return {
    feeds,
    seeds,
    run: async (given) => {
      const results = await session.run(given);
      return { outputs: outputNames.map((n) => results[n]!), gradients: gradientNames.map((n) => results[n]!) };
    },
    close: () => session.close(),
  };
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Compares the gradient along a random direction with the central difference of the loss, one input at a time. */
export async function checkGradient(test: GradientCase): Promise<void> {
  const built = await buildCase(test);
  try {
    const { gradients } = await built.run(built.feeds);
    const names = Object.keys(built.feeds);
    for (const [k, name] of names.entries()) {
      const x = built.feeds[name]!;
      expect(gradients[k]!.shape, `${test.name}: shape of the gradient of ${name}`).toEqual(x.shape);
      const direction = drawn(x.shape, seededRandom(11, `${test.name}/${name}`), (r) => (r.next() < 0.5 ? -1 : 1));
      const lossAt = async (step: number) => {
        const moved = float32(
          x.shape,
          x.data.map((value, i) => value + step * direction[i]!),
        );
        const { outputs } = await built.run({ ...built.feeds, [name]: moved });
        return outputs.reduce((sum, y, i) => sum + dot(y.data as Float32Array, built.seeds[i]!.data), 0);
      };
      // Float32 rounds x + step: divide by the step that was taken on average.
      const numeric = ((await lossAt(EPSILON)) - (await lossAt(-EPSILON))) / (2 * EPSILON);
      const analytic = dot(gradients[k]!.data as Float32Array, direction);
      const scale = Math.max(1, Math.abs(numeric));
      expect(
        Math.abs(analytic - numeric) / scale,
        `${test.name}, input ${name}: gradient ${analytic}, difference quotient ${numeric}`,
      ).toBeLessThan(test.tolerance ?? 2e-3);
    }
  } finally {
    await built.close();
  }
}
