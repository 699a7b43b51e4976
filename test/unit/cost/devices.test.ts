import { describe, expect, test } from "vitest";
import { isSparse24Eligible, type LayerWork, loadProfile, predictLatency } from "../../../src/cost/index.ts";
import { autoencoder, dscnn, mobilenetV1, NetworkBuilder, resnet8, resnet50, wideResnet10 } from "./networks.ts";

/** Milliseconds by batch: Paddle-TensorRT, ResNet-50 v1.5, A100 80 GB, FP16. No constant of the profile was fitted to a convolutional network. */
const A100_RESNET50_FP16 = [
  [16, 1.54],
  [32, 2.45],
  [64, 4.27],
  [128, 7.81],
  [256, 14.74],
] as const;

const a100 = await loadProfile("a100-pcie-80gb");
if (a100.class !== "gpu") throw new Error("a GPU");
const npu = await loadProfile("ethos-u65-256");
const l4r5 = await loadProfile("stm32l4r5");

describe("GPU roofline", () => {
  test.each(A100_RESNET50_FP16)("ResNet-50 at batch %i is within the stated interval of %f ms", (batch, ms) => {
    const { interval, totalSeconds } = predictLatency(resnet50(2), a100, { batch });
    expect(interval.lowSeconds * 1e3).toBeLessThan(ms);
    expect(interval.highSeconds * 1e3).toBeGreaterThan(ms);
    expect(Math.abs((totalSeconds * 1e3) / ms - 1)).toBeLessThan(0.1);
  });

  test("the wide ResNet-10 at the default batch is work, not launches", () => {
    const { workSeconds, floorSeconds } = predictLatency(wideResnet10(2), a100);
    expect(workSeconds).toBeGreaterThan(floorSeconds);
  });

  test("2:4 pays on wide layers only", () => {
    const conv = (inputs: number, outputs: number, kernel: number): LayerWork =>
      ({
        ...new NetworkBuilder(14, 14, inputs, 2).conv(outputs, [kernel, kernel]).layers[0],
        sparse24: true,
      }) as LayerWork;
    const usesSparse = (layer: LayerWork, batch: number) => predictLatency([layer], a100, { batch }).nodes[0]?.sparse24;
    expect(usesSparse(conv(512, 512, 3), 256)).toBe(true);
    expect(usesSparse(conv(32, 256, 3), 256)).toBe(true); // 32 x 9 inputs reach the gate
    expect(usesSparse(conv(128, 512, 1), 256)).toBe(false);
    expect(usesSparse(conv(512, 128, 3), 256)).toBe(false);
    expect(usesSparse(conv(512, 512, 3), 4)).toBe(false); // 784 rows
    expect(isSparse24Eligible({ ...conv(512, 512, 3), sparse24: false }, a100, 256, "float16")).toBe(true);
  });

  test("a sparse layer follows t = a + b t_dense and is never slower than dense", () => {
    const dense = new NetworkBuilder(14, 14, 512, 2).conv(512, [3, 3]).layers;
    const before = predictLatency(dense, a100, { batch: 256 });
    const after = predictLatency(
      dense.map((layer) => ({ ...layer, sparse24: true })),
      a100,
      { batch: 256 },
    );
    const floor = before.inferenceFloorSeconds;
    expect(after.totalSeconds - floor).toBeCloseTo(3.915e-6 + 0.6246 * (before.totalSeconds - floor), 12);
    const tiny = wideResnet10(2, [64, 128, 256, 512], true);
    expect(predictLatency(tiny, a100, { batch: 1 }).totalSeconds).toBeLessThanOrEqual(
      predictLatency(wideResnet10(2), a100, { batch: 1 }).totalSeconds,
    );
  });
});

describe("NPU array", () => {
  /** Milliseconds on i.MX 93, NXP eIQ model zoo 1.4. */
  test.each([
    ["DS-CNN", dscnn(1), 0.409],
    ["MobileNetV1-0.25 at 128", mobilenetV1(1, 0.25, 128, 1000), 0.37],
    ["ResNet-8", resnet8(1), 0.33],
  ] as const)("%s is within the stated interval of the published time", (_, work, ms) => {
    const { interval } = predictLatency(work, npu);
    expect(interval.lowSeconds * 1e3).toBeLessThan(ms);
    expect(interval.highSeconds * 1e3).toBeGreaterThan(ms);
  });

  test("a full 3x3 convolution reaches 256 MACs a cycle, a depthwise one 24", () => {
    const rate = (work: readonly LayerWork[]) =>
      work.reduce((sum, l) => sum + l.macs, 0) / predictLatency(work, npu).causes.compute / 1e9;
    expect(rate(new NetworkBuilder(32, 32, 64, 1).conv(64, [3, 3]).layers)).toBeCloseTo(256, 6);
    expect(rate(new NetworkBuilder(32, 32, 64, 1).depthwise([3, 3]).layers)).toBeCloseTo(24, 6);
  });

  test("an operator that is not supported runs on the host, and a run of them pays one switch", () => {
    const [conv] = new NetworkBuilder(28, 28, 8, 1).conv(8, [3, 3]).layers as [LayerWork];
    const erf = (node: string): LayerWork => ({ ...conv, node, op: "Erf", kind: "elementwise", macs: 0 });
    const result = predictLatency([conv, erf("a"), erf("b"), conv], npu);
    expect(result.nodes.map((node) => node.fallbackReason !== null)).toEqual([false, true, true, false]);
    const [, first, second] = result.nodes;
    expect((first?.seconds.fallback ?? 0) - (second?.seconds.fallback ?? 0)).toBeCloseTo(1e-4, 12);
  });
});

describe("MCU cycles", () => {
  /** Milliseconds on STM32L4R5 at 120 MHz with CMSIS-NN kernels (microTVM, ONNC), MLPerf Tiny results v1.0 and v1.1. */
  test.each([
    ["ResNet-8", resnet8(1), [389.6, 298.7]],
    ["DS-CNN", dscnn(1), [99.8, 82.0]],
    ["MobileNetV1-0.25 at 96", mobilenetV1(1, 0.25, 96, 2), [301.2]],
    ["autoencoder", autoencoder(1), [8.6, 8.07]],
  ] as const)("%s is within the stated interval of every published run", (_, work, runs) => {
    const { interval } = predictLatency(work, l4r5);
    for (const ms of runs) {
      expect(interval.lowSeconds * 1e3).toBeLessThan(ms);
      expect(interval.highSeconds * 1e3).toBeGreaterThan(ms);
    }
  });

  test("work lists count the MACs that the published tables state", () => {
    const macs = (work: readonly LayerWork[]) => work.reduce((sum, layer) => sum + layer.macs, 0);
    expect(macs(resnet8(1))).toBe(12501632);
    expect(macs(dscnn(1))).toBe(2656768);
    expect(macs(mobilenetV1(1, 0.25, 96, 2))).toBe(7489664);
    expect(macs(autoencoder(1))).toBe(264192);
    expect(macs(resnet50(2)) / 1e9).toBeCloseTo(4.09, 1);
  });
});
