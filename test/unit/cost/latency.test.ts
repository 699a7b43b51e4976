import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CAUSES,
  channelAlignment,
  compareLatency,
  type DeviceProfile,
  type LayerWork,
  listProfiles,
  loadProfile,
  predictLatency,
  unsupported,
} from "../../../src/cost/index.ts";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import { dscnn, mobilenetV1, NetworkBuilder, resnet8, resnet50, wideResnet10 } from "./networks.ts";

const predicting = (await Promise.all((await listProfiles()).map((name) => loadProfile(name)))).filter(
  (profile) => profile.class !== "cpu",
);
const networks = (profile: DeviceProfile): Record<string, LayerWork[]> => {
  const bytes = profile.class === "gpu" ? 2 : 1;
  return {
    resnet8: resnet8(bytes),
    dscnn: dscnn(bytes),
    mobilenet: mobilenetV1(bytes, 0.25, 96, 2),
    wide: wideResnet10(bytes),
  };
};

describe.each(predicting.map((profile) => [profile.name, profile] as const))("%s", (_, profile) => {
  test("nodes, causes and floors add up to the total, and the interval holds it", () => {
    for (const work of Object.values(networks(profile))) {
      const result = predictLatency(work, profile, { batch: 4 });
      expect(result.nodes.map((node) => node.node)).toEqual(work.map((layer) => layer.node));
      for (const cause of CAUSES) {
        const sum = result.nodes.reduce((total, node) => total + node.seconds[cause], 0);
        expect(result.causes[cause]).toBeCloseTo(sum, 12);
      }
      const byCause = CAUSES.reduce((sum, cause) => sum + result.causes[cause], 0);
      expect(result.totalSeconds).toBeCloseTo(byCause + result.inferenceFloorSeconds, 12);
      expect(result.workSeconds + result.floorSeconds).toBeCloseTo(result.totalSeconds, 12);
      expect(result.floorSeconds).toBeCloseTo(result.causes.dispatch + result.inferenceFloorSeconds, 12);
      expect(result.workSeconds).toBeGreaterThan(0);
      expect(result.interval.lowSeconds).toBeLessThan(result.totalSeconds);
      expect(result.interval.highSeconds).toBeGreaterThan(result.totalSeconds);
    }
  });

  test("a larger batch never takes less time, and never more per sample", () => {
    const work = networks(profile).wide ?? [];
    const times = [1, 2, 8, 64].map((batch) => predictLatency(work, profile, { batch }).totalSeconds);
    times.reduce((previous, time) => {
      expect(time).toBeGreaterThanOrEqual(previous);
      return time;
    });
    expect((times[3] ?? 0) / 64).toBeLessThanOrEqual((times[0] ?? 0) * (1 + 1e-12));
  });

  test("cost never rises when channels fall by the alignment quantum", () => {
    const q = channelAlignment(profile);
    const bytes = profile.class === "gpu" ? 2 : 1;
    const layer = (kind: number, size: number, channels: readonly [number, number], kernel: number): LayerWork => {
      const net = new NetworkBuilder(size, size, channels[0], bytes);
      if (kind === 0) net.conv(channels[1], [kernel, kernel]);
      else if (kind === 1) net.depthwise([kernel, kernel]);
      else if (kind === 2) net.fc(channels[1]);
      else if (kind === 3) net.pool([2, 2], [2, 2]);
      else net.add();
      return net.layers[0] as LayerWork;
    };
    const time = (work: LayerWork) => predictLatency([work], profile, { batch: 8 }).totalSeconds;
    fc.assert(
      fc.property(
        fc.nat(4),
        fc.integer({ min: 1, max: 32 }),
        fc.tuple(fc.integer({ min: q + 1, max: 700 }), fc.integer({ min: q + 1, max: 700 })),
        fc.constantFrom(1, 3, 5),
        (kind, size, [inputs, outputs], kernel) => {
          const whole = time(layer(kind, size, [inputs, outputs], kernel)) * (1 + 1e-9);
          expect(time(layer(kind, size, [inputs - q, outputs], kernel))).toBeLessThanOrEqual(whole);
          expect(time(layer(kind, size, [inputs, outputs - q], kernel))).toBeLessThanOrEqual(whole);
        },
      ),
      { numRuns: 200, seed: 1 },
    );
  });
});

test("a misaligned cut gains nothing on matrix units", async () => {
  const a100 = await loadProfile("a100-pcie-80gb");
  const compute = (width: number) =>
    predictLatency(new NetworkBuilder(28, 28, 256, 2).conv(width, [3, 3]).layers, a100, { batch: 256 }).causes.compute;
  expect(compute(249)).toBeCloseTo(compute(256), 12);
  expect(compute(248)).toBeLessThan(compute(256));
});

test("ratios have an interval of their own", async () => {
  const a100 = await loadProfile("a100-pcie-80gb");
  const before = predictLatency(wideResnet10(2), a100);
  const after = predictLatency(wideResnet10(2, [32, 64, 128, 256]), a100);
  const comparison = compareLatency(before, after, a100);
  expect(comparison.work.ratio).toBeCloseTo(after.workSeconds / before.workSeconds, 12);
  expect(comparison.work.low).toBeLessThan(comparison.work.ratio);
  expect(comparison.work.high).toBeGreaterThan(comparison.work.ratio);
  expect(comparison.work.ratio).toBeLessThan(comparison.total.ratio);
  const other = await loadProfile("rtx3090");
  expect(() => compareLatency(before, after, other)).toThrow(EspalierError);
});

test("what cannot be predicted is refused", async () => {
  const host = await loadProfile("host-cpu");
  const a100 = await loadProfile("a100-pcie-80gb");
  const rtx = await loadProfile("rtx3090");
  expect(() => predictLatency([], host)).toThrow(/measured, not predicted/);
  expect(() => predictLatency([], a100, { batch: 0 })).toThrow(/whole number from 1/);
  expect(() => predictLatency([], rtx, { precision: "int8" })).toThrow(/no rate for precision int8/);
});

test("operators that a device does not run are named with the reason", async () => {
  const npu = await loadProfile("ethos-u65-256");
  const [conv] = new NetworkBuilder(28, 28, 8, 1).conv(8, [5, 5], [4, 4]).layers;
  const layers = [
    conv as LayerWork,
    { ...(conv as LayerWork), node: "erf1", op: "Erf", kind: "elementwise" as const, stride: [1, 1] as const },
  ];
  expect(unsupported(layers, npu)).toEqual([
    { node: "conv0", op: "Conv", reason: "stride 4 is above the limit of 3" },
    { node: "erf1", op: "Erf", reason: "Erf is not among the operators of Arm Ethos-U65-256 (i.MX 93 class)" },
  ]);
  expect(unsupported(layers, await loadProfile("a100-pcie-80gb"))).toEqual([]);
  expect(unsupported(resnet50(1), npu)).toEqual([]);
});
