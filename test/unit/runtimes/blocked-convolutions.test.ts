import { describe, expect, it } from "vitest";
import { newBuilder } from "../../../src/ops/index.ts";
import { writeBlocked } from "../../../src/runtimes/blocked-convolutions.ts";
import { BLOCKED_DOMAIN, blockSize } from "../../../src/runtimes/blocked-layout.ts";
import { openOrt } from "../../../src/runtimes/onnxruntime.ts";
import { float32, seededRandom, sizeOf, type Tensor } from "../../../src/tensor/index.ts";
import { addGradients } from "../../../src/train/index.ts";

const random = seededRandom(1, "blocked");
const normal = (shape: readonly number[]) =>
  float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
  );

interface Case {
  readonly input: readonly [number, number, number, number];
  readonly maps: number;
  readonly group?: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly pad?: number;
}

/** A convolution whose weight is an input; with `gradients` both of its gradients too. */
function convolution({ input, maps, group = 1, kernel = 3, stride = 1, pad = 1 }: Case, gradients: boolean) {
  const builder = newBuilder("case");
  const weightShape = [maps, input[1] / group, kernel, kernel];
  const x = builder.input("x", { dtype: "float32", shape: input });
  const w = builder.input("w", { dtype: "float32", shape: weightShape });
  const window = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] };
  const y = builder.node("Conv", [x, w], { ...window, group });
  const { shape } = builder.value(y).type;
  const feeds: Record<string, Tensor> = { x: normal(input), w: normal(weightShape) };
  if (gradients) {
    const dy = builder.input("dy", { dtype: "float32", shape });
    feeds.dy = normal(shape as number[]);
    builder.setOutputs([y, ...addGradients(builder, y, [x, w], { seed: dy }).map((id) => id!)]);
  } else builder.setOutputs([y]);
  return { graph: builder.build(), feeds };
}

async function run(bytes: Uint8Array, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await openOrt(bytes, { threads: 1, spinning: false });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

const isBlocked = (bytes: Uint8Array) => Buffer.from(bytes).includes(BLOCKED_DOMAIN);

describe("blocked convolutions", async () => {
  const block = await blockSize();
  const cases: [string, Case][] = [
    ["whole blocks", { input: [2, 32, 6, 5], maps: 16 }],
    ["channels that are padded to a block", { input: [3, 24, 5, 6], maps: 16 }],
    ["fewer channels than a block", { input: [2, 3, 9, 9], maps: 32, stride: 2 }],
    ["a stride that leaves a rest", { input: [2, 16, 8, 8], maps: 32, stride: 2 }],
    ["depthwise", { input: [2, 32, 9, 7], maps: 32, group: 32 }],
    ["depthwise, padded to a block", { input: [4, 24, 9, 7], maps: 24, group: 24 }],
    ["depthwise with a stride", { input: [3, 48, 9, 7], maps: 48, group: 48, stride: 2 }],
    ["depthwise with a kernel of 5", { input: [2, 16, 4, 4], maps: 16, group: 16, kernel: 5, pad: 2 }],
    ["depthwise on one position", { input: [2, 16, 1, 1], maps: 16, group: 16 }],
  ];
  it.skipIf(block === 1).each(cases)("give what plain ones give: %s", async (_, wanted) => {
    const { graph, feeds } = convolution(wanted, true);
    const blocked = writeBlocked(graph, block);
    expect(isBlocked(blocked)).toBe(true);
    const [ours, plain] = [await run(blocked, feeds), await run(writeBlocked(graph, 1), feeds)];
    expect(Object.keys(plain)).toHaveLength(3);
    for (const [name, { shape, data }] of Object.entries(plain)) {
      expect(ours[name]!.shape).toEqual(shape);
      const error = (data as Float32Array).map((value, i) => Math.abs(value - (ours[name]!.data[i] as number)));
      expect(Math.max(...error)).toBeLessThan(1e-4);
    }
  });

  it.each<[string, Case]>([
    ["many channels", { input: [2, 128, 4, 4], maps: 128 }],
    ["a single tap", { input: [2, 32, 4, 4], maps: 32, kernel: 1, pad: 0 }],
    ["groups", { input: [2, 32, 4, 4], maps: 32, group: 2 }],
  ])("stay plain where that is as fast: %s", (_, one) => {
    expect(isBlocked(writeBlocked(convolution(one, false).graph, 16))).toBe(false);
  });

  it("are found out about once", () => {
    expect([1, 4, 8, 16, 32]).toContain(block);
    expect(blockSize()).toBe(blockSize());
  });
});
