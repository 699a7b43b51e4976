import { describe, expect, it } from "vitest";
import { budgetFailure } from "../../../pipeline/budget-failure.ts";
import { resolveConfig } from "../../../pipeline/config.ts";

describe("the error of a budget that cannot be met", () => {
  it("gives every limit with the least reached, and the flags that raise them", async () => {
    const { limits } = await resolveConfig({ target: "mcu", macs: 10 });
    const error = budgetFailure(
      [
        { metric: "macs", limit: 10, best: 12345 },
        { metric: "ramBytes", limit: 1024, best: 4384 },
      ],
      limits,
    );
    expect(error.code).toBe("budget");
    expect(error.message).toBe(
      "The budget cannot be met. multiply-accumulates: the least reached is 12,345, the limit is 10; " +
        "RAM: the least reached is 4,384 bytes, the limit is 1,024 bytes",
    );
    expect(error.hint).toBe("Set a higher limit with --macs and --ram, or start from a smaller model.");
  });

  it("names what was not cut", async () => {
    const { limits } = await resolveConfig({ target: "npu" });
    expect(budgetFailure([{ metric: "macs", limit: 1, best: 2 }], limits, ["channels", "heads"]).hint).toBe(
      "Set a higher limit with --macs, cut more with --granularity all, or start from a smaller model.",
    );
  });

  it("says where a default limit comes from", async () => {
    const { limits } = await resolveConfig({ target: "npu" });
    const { message } = budgetFailure([{ metric: "latencyMs", limit: 0.0042241, best: 0.0073762 }], limits);
    expect(message).toContain("the least reached is 0.007376 ms, the limit is 0.004224 ms (60 % of the original's)");
  });

  it("says when only the combination fails", async () => {
    const { limits } = await resolveConfig({ target: "npu" });
    const error = budgetFailure([], limits);
    expect(error.message).toBe("No candidate meets all limits together, although each is met alone");
    expect(error.hint).toBe("Set a higher limit, or start from a smaller model.");
  });
});
