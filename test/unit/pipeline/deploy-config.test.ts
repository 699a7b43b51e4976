import { isAbsolute } from "node:path";
import { describe, expect, it } from "vitest";
import { DEFAULT_ACCURACY_DROP, type DeployRequest, resolveConfig } from "../../../pipeline/config.ts";
import { costOptions } from "../../../pipeline/device.ts";
import { constraintsFor, latencyBasisOf } from "../../../pipeline/stages/budget.ts";
import { deviceCost, TARGETS } from "../../../targets/index.ts";
import { SMALL, tinyModel } from "../../fixtures/e2e/tiny-inputs.ts";

describe("resolveConfig", () => {
  it.each(Object.values(TARGETS))("fills in the defaults of $name", async (target) => {
    const config = await resolveConfig({ target: target.name });
    expect(config.target).toBe(target);
    expect(config.profile.name).toBe(target.defaults.profile);
    expect(config.profile.class).toBe(target.profileClass);
    expect(config.model.endsWith(target.defaults.model) && isAbsolute(config.model)).toBe(true);
    expect(config.limits).toMatchObject({
      latencyMs: null,
      latencyShare: target.relativeLimits.latencyMs ?? null,
      macs: null,
      macsShare: target.relativeLimits.macs ?? null,
      accuracyDropPoints: DEFAULT_ACCURACY_DROP,
    });
    expect([config.seed, config.epochs, config.qat, config.criterion, config.testSamples]).toEqual([
      1,
      target.recovery.epochs,
      0,
      target.sensitivity.criterion,
      null,
    ]);
  });

  it("takes the memory of a microcontroller as its limits until a flag says otherwise", async () => {
    const { profile, limits } = await resolveConfig({ target: "mcu" });
    expect(profile.budgets).toBeDefined();
    expect([limits.flashBytes, limits.ramBytes]).toEqual([profile.budgets!.flashBytes, profile.budgets!.ramBytes]);
    const own = await resolveConfig({ target: "mcu", ramBytes: 1000 });
    expect([own.limits.flashBytes, own.limits.ramBytes]).toEqual([limits.flashBytes, 1000]);
  });

  it.each([{ latencyMs: 3 }, { macs: 5 }, { flashBytes: 5 }, { ramBytes: 5 }] satisfies Partial<DeployRequest>[])(
    "drops the default shares for %j: what is asked is what is held",
    async (given) => {
      for (const target of ["npu", "mcu"]) {
        const { limits } = await resolveConfig({ target, ...given });
        expect(limits).toMatchObject({ ...given, latencyShare: null, macsShare: null });
      }
    },
  );

  it("keeps the default shares when only the accuracy is said", async () => {
    const { limits } = await resolveConfig({ target: "mcu", maxAccuracyDrop: 0 });
    expect(limits).toMatchObject({ macsShare: TARGETS.mcu.relativeLimits.macs, accuracyDropPoints: 0 });
  });

  it.each([
    [{ target: "cqu" }, 'Unknown target "cqu"', "cpu"],
    [{ target: "constructor" }, 'Unknown target "constructor"', "Known"],
    [{ target: "npu", profile: "nrf52840" }, "class mcu", "espalier profiles"],
    [{ target: "npu", criterion: "l3" }, 'Unknown criterion "l3"', "l2"],
    [{ target: "ampere", qat: 1 }, 'target "ampere" has no int8 artifact', "another --target"],
    [{ target: "cpu", sparsityCriterion: "wanda" }, 'target "cpu" adds none', "another --target"],
    [{ target: "ampere", sparsityCriterion: "wands" }, 'Unknown criterion "wands" for sparsity', "wanda"],
    [{ target: "npu", model: "m.onnx" }, "--model needs --data", "--data DIR"],
  ] as const)("refuses %j", async (request, fact, hint) => {
    const error = await resolveConfig(request).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: "usage" });
    expect((error as Error).message).toContain(fact);
    expect((error as { hint: string }).hint).toContain(hint);
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 53])("refuses seed %d", async (seed) => {
    await expect(resolveConfig({ target: "cpu", seed })).rejects.toThrow(`got ${seed}`);
  });
});

describe("constraintsFor", () => {
  const graph = tinyModel(1, SMALL);
  const constraintsOf = async (request: DeployRequest, shares?: { macs?: number }) => {
    const config = await resolveConfig(request);
    const original = deviceCost(graph, costOptions(config).original);
    return { config, original, constraints: constraintsFor(config, original, shares) };
  };

  it("takes shares of the original's own cost: time without launches, whole MACs", async () => {
    const npu = await constraintsOf({ target: "npu" });
    expect(npu.constraints).toEqual([{ metric: "latencyMs", limit: 0.6 * npu.original.latency!.workSeconds * 1000 }]);
    expect(latencyBasisOf(npu.config)).toBe("work");
    const mcu = await constraintsOf({ target: "mcu" });
    expect(mcu.constraints).toEqual([
      { metric: "macs", limit: Math.floor(0.5 * mcu.original.macs) },
      { metric: "ramBytes", limit: mcu.config.profile.budgets!.ramBytes },
      { metric: "flashBytes", limit: mcu.config.profile.budgets!.flashBytes },
    ]);
  });

  it("takes a time in ms as the whole time, launches included", async () => {
    const { config, constraints } = await constraintsOf({ target: "ampere", latencyMs: 2 });
    expect(constraints).toEqual([{ metric: "latencyMs", limit: 2 }]);
    expect(latencyBasisOf(config)).toBe("total");
  });

  it("holds every limit that is given, and no time where time is measured", async () => {
    const given = { latencyMs: 2, macs: 300, ramBytes: 200, flashBytes: 100 };
    const all = await constraintsOf({ target: "npu", ...given });
    expect(Object.fromEntries(all.constraints.map(({ metric, limit }) => [metric, limit]))).toEqual(given);
    const cpu = await constraintsOf({ target: "cpu", ...given }, { macs: 0.25 });
    expect(cpu.constraints).toEqual([
      { metric: "macs", limit: 300 },
      { metric: "ramBytes", limit: 200 },
      { metric: "flashBytes", limit: 100 },
      { metric: "macs", limit: Math.floor(0.25 * cpu.original.macs) },
    ]);
  });
});
