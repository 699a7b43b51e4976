import { describe, expect, it } from "vitest";
import { chooseShipped, withheldBecause } from "../../../pipeline/shipping.ts";
import type { VerifiedArtifact } from "../../../pipeline/stages/verify.ts";
import { artifact, judged, timing } from "./judged.ts";

async function choose(artifacts: readonly VerifiedArtifact[], times: readonly number[] | null) {
  const { config, baseline } = await judged({ target: "cpu" });
  const pruned = { accuracy: 0.9, loss: 0.3, n: 200 };
  const timings =
    times === null
      ? null
      : { original: timing(2), artifacts: artifacts.map(({ file }, i) => ({ file, timing: timing(times[i]!) })) };
  return chooseShipped(config, baseline, { pruned, artifacts }, timings).file;
}

describe("chooseShipped", () => {
  const [float, int8, lite] = [artifact("a.onnx", 0.9), artifact("b.onnx", 0.89), artifact("c.tflite", 0.91)];

  it("takes the first where nothing is timed", async () => {
    expect(await choose([int8, float], null)).toBe("b.onnx");
  });

  it("takes the fastest that keeps the accuracy", async () => {
    expect(await choose([float, int8, lite], [1, 0.5, 0.7])).toBe("b.onnx");
    const worse = artifact("b.onnx", 0.88);
    expect(await choose([float, worse, lite], [1, 0.5, 0.7])).toBe("c.tflite");
  });

  it("takes the most accurate where none keeps it, and the report fails", async () => {
    expect(await choose([artifact("a.onnx", 0.5), artifact("b.onnx", 0.7)], [0.1, 3])).toBe("b.onnx");
  });

  it("has nothing to choose from only by a bug", async () => {
    await expect(choose([], null)).rejects.toThrow("internal");
  });
});

describe("withheldBecause", () => {
  it("holds back what is larger or slower than what came in", async () => {
    const outcome = await judged({ target: "cpu" }, artifact("a.onnx", 0.9));
    expect(withheldBecause(outcome)).toBeNull();
    expect(withheldBecause({ ...outcome, bytes: { "a.onnx": new Uint8Array(24_001) } })).toContain(
      "a.onnx has 24001 bytes, the original 24000",
    );
    const timed = (ms: number) => ({
      ...outcome,
      timings: { original: timing(2), artifacts: [{ file: "a.onnx", timing: timing(ms) }] },
    });
    expect(withheldBecause(timed(2))).toBeNull();
    expect(withheldBecause(timed(2.1))).toBe("a.onnx takes 2.100 ms, the original 2.000 ms");
  });
});
