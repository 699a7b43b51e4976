import { describe, expect, it } from "vitest";
import { type Judged, requirementsOf } from "../../../pipeline/requirements.ts";
import { judge } from "../../../src/report/index.ts";
import { totalMacs } from "../../../targets/index.ts";
import { artifact, judged, timing } from "./judged.ts";

const row = (outcome: Judged, id: string) => requirementsOf(outcome).find((requirement) => requirement.id === id);
const verdict = (outcome: Judged, id: string) => judge(row(outcome, id)!).verdict;

describe("accuracy", () => {
  it("is the loss in points against the original, measured in the artifact's runtime", async () => {
    const outcome = await judged({ target: "npu" });
    expect(row(outcome, "accuracy-drop")).toMatchObject({ comparison: "<=", limit: 1.5, unit: "points" });
    expect(row(outcome, "accuracy-drop")!.value).toBeCloseTo(1, 10);
    expect(row(outcome, "accuracy-drop")!.evidence).toMatchObject({ kind: "measured", source: "LiteRT" });
    expect(verdict(outcome, "accuracy-drop")).toBe("pass");
    expect(verdict(await judged({ target: "npu", maxAccuracyDrop: 0.5 }), "accuracy-drop")).toBe("fail");
    expect(verdict(await judged({ target: "npu" }, artifact("tiny.int8.tflite", 0.88)), "accuracy-drop")).toBe("fail");
  });
});

describe("latency", () => {
  it("as a share is of compute and memory alone, judged at the pessimistic end", async () => {
    const outcome = await judged({ target: "npu" });
    const { original, artifact: after } = outcome.costs;
    const requirement = row(outcome, "latency")!;
    expect(requirement).toMatchObject({ limit: 60, unit: "percent", evidence: { kind: "predicted" } });
    expect(requirement.value).toBeCloseTo((100 * after.latency!.workSeconds) / original.latency!.workSeconds, 9);
    const [low, high] = requirement.interval!;
    expect(low).toBeLessThan(requirement.value!);
    expect(high).toBeGreaterThan(requirement.value!);
    expect(judge({ ...requirement, limit: (requirement.value! + high) / 2 }).verdict).toBe("fail");
    expect(judge({ ...requirement, limit: high }).verdict).toBe("pass");
  });

  it("in ms is of the whole run, launches included", async () => {
    const outcome = await judged({ target: "ampere", latencyMs: 1000 });
    const { totalSeconds, interval } = outcome.costs.artifact.latency!;
    expect(row(outcome, "latency")).toMatchObject({
      limit: 1000,
      value: 1000 * totalSeconds,
      interval: [1000 * interval.lowSeconds, 1000 * interval.highSeconds],
      unit: "ms",
      evidence: { kind: "predicted" },
    });
  });

  it("on this machine is measured, beside the original", async () => {
    const shipped = artifact("tiny.float32.onnx", 0.9);
    const timed = (outcome: Judged, ms: number): Judged => ({
      ...outcome,
      timings: { original: timing(2), artifacts: [{ file: shipped.file, timing: timing(ms) }] },
    });
    const share = timed(await judged({ target: "cpu" }, shipped), 1);
    expect(row(share, "latency")).toMatchObject({ limit: 60, value: 50, unit: "percent" });
    expect(row(share, "latency")!.evidence).toMatchObject({ kind: "measured", timed: true, source: "ONNX Runtime" });
    expect([verdict(share, "latency"), verdict(share, "not-slower")]).toEqual(["pass", "pass"]);
    const absolute = timed(await judged({ target: "cpu", latencyMs: 2.5 }, shipped), 2.4);
    expect(row(absolute, "latency")).toMatchObject({ limit: 2.5, value: 2.4, unit: "ms" });
    expect(row(absolute, "not-slower")).toMatchObject({ limit: 2, value: 2.4 });
    expect(verdict(absolute, "not-slower")).toBe("fail");
  });

  it("has no row where none was asked for, and is not compared where nothing is timed", async () => {
    const outcome = await judged({ target: "npu", macs: 1e6 });
    expect([row(outcome, "latency"), row(outcome, "not-slower")]).toEqual([undefined, undefined]);
  });
});

describe("MACs", () => {
  it("are counted exactly against a number or a share", async () => {
    const share = await judged({ target: "mcu" });
    expect(row(share, "macs")).toMatchObject({
      limit: Math.floor(totalMacs(share.model.graph) / 2),
      value: totalMacs(share.graph),
      unit: "MACs",
    });
    const exact = await judged({ target: "npu", macs: totalMacs(share.graph) });
    expect(verdict(exact, "macs")).toBe("pass");
    expect(verdict(await judged({ target: "npu", macs: totalMacs(share.graph) - 1 }), "macs")).toBe("fail");
    expect(row(await judged({ target: "npu" }), "macs")).toBeUndefined();
  });
});

describe("memory", () => {
  it("of a microcontroller is the planned arena, to the byte, and says whether the original fits", async () => {
    const outcome = await judged({ target: "mcu" });
    const { ramBytes } = outcome.costs.artifact;
    expect(row(outcome, "ram")).toMatchObject({
      title: "Tensor arena",
      value: ramBytes,
      evidence: { kind: "simulated" },
    });
    expect(row(outcome, "ram")!.note).toContain(`${outcome.costs.original.ramBytes} bytes and fits`);
    const exact = await judged({ target: "mcu", ramBytes });
    expect(verdict(exact, "ram")).toBe("pass");
    const tight = await judged({ target: "mcu", ramBytes: ramBytes - 1 });
    expect(verdict(tight, "ram")).toBe("fail");
    expect(row(tight, "ram")!.note).toContain("does not fit");
  });

  it("elsewhere is the peak of live activations, where a limit is given", async () => {
    expect(row(await judged({ target: "ampere" }), "ram")).toBeUndefined();
    expect(row(await judged({ target: "ampere", ramBytes: 1e6 }), "ram")).toMatchObject({
      title: "Peak of live activations",
      limit: 1e6,
    });
  });
});

describe("flash", () => {
  it("of a microcontroller is the model with the runtime's code, at the pessimistic end", async () => {
    const outcome = await judged({ target: "mcu" });
    const { totalBytes, lowBytes, highBytes } = outcome.costs.artifact.flash!;
    expect(row(outcome, "flash")).toMatchObject({ value: totalBytes, interval: [lowBytes, highBytes], unit: "bytes" });
    expect(verdict(await judged({ target: "mcu", flashBytes: highBytes }), "flash")).toBe("pass");
    expect(verdict(await judged({ target: "mcu", flashBytes: highBytes - 1 }), "flash")).toBe("fail");
  });

  it("elsewhere is the size of the file", async () => {
    expect(row(await judged({ target: "npu" }), "flash")).toBeUndefined();
    expect(verdict(await judged({ target: "npu", flashBytes: 7000 }), "flash")).toBe("pass");
    expect(verdict(await judged({ target: "npu", flashBytes: 6999 }), "flash")).toBe("fail");
  });
});

describe("the file", () => {
  it("must not be larger than the original's", async () => {
    const outcome = await judged({ target: "npu" });
    expect(row(outcome, "not-larger")).toMatchObject({ limit: 24_000, value: 7000 });
    const grown = { ...outcome, bytes: { [outcome.shipped.file]: new Uint8Array(24_001) } };
    expect(verdict(grown, "not-larger")).toBe("fail");
  });
});

describe("a rule of the target", () => {
  it("is a count of the nodes that break it, with the first of them named", async () => {
    const outcome = await judged({ target: "npu" });
    const withRule = (found: readonly { node: string; found: string }[]): Judged => ({
      ...outcome,
      config: {
        ...outcome.config,
        target: { ...outcome.config.target, rules: [{ id: "even", says: "Channels are even", check: () => found }] },
      },
    });
    expect(row(withRule([]), "rule:even")).toMatchObject({
      title: "Channels are even",
      limit: 0,
      value: 0,
      unit: "count",
    });
    const broken = withRule([{ node: "stem", found: "7 channels" }]);
    expect(row(broken, "rule:even")).toMatchObject({ value: 1, note: "stem: 7 channels" });
    expect(verdict(broken, "rule:even")).toBe("fail");
  });

  it("has a row for each rule that the target declares", async () => {
    for (const target of ["npu", "mcu", "ampere", "cpu"]) {
      const outcome = await judged({ target, macs: 1e6 });
      const ids = requirementsOf(outcome).map(({ id }) => id);
      expect(ids.filter((id) => id.startsWith("rule:"))).toEqual(
        outcome.config.target.rules.map(({ id }) => `rule:${id}`),
      );
      expect(new Set(ids).size).toBe(ids.length);
    }
  });
});
