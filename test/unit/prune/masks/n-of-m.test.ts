import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyMask, checkNofM, maskableWeights, maskNofM } from "../../../../src/prune/index.ts";
import { float32, permute, toNumbers } from "../../../../src/tensor/index.ts";
import { draw } from "../draw.ts";

describe("N:M masks", () => {
  it("keep the two largest magnitudes of each four along the axis", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<number[]>([4, 8, 3, 3], [2, 4, 1, 1], [16, 8], [8, 12]),
        fc.nat(1),
        fc.integer({ min: 0, max: 1000 }),
        (shape, wantedAxis, seed) => {
          const axis = shape[wantedAxis]! % 4 === 0 ? wantedAxis : 1;
          const size = shape.reduce((a, b) => a * b, 1);
          const weight = float32(
            shape,
            Array.from({ length: size }, (_, i) => Math.sin((i + 1) * (seed + 1)) * 3),
          );
          const mask = maskNofM(weight, axis);
          // Move the axis last: runs of four are then neighbours.
          const order = [...shape.keys()].filter((a) => a !== axis).concat(axis);
          const [w, m] = [toNumbers(permute(weight, order)), permute(mask, order).data];
          for (let run = 0; run < w.length; run += 4) {
            const kept = [0, 1, 2, 3].filter((i) => m[run + i] === 1);
            expect(kept).toHaveLength(2);
            const least = Math.min(...kept.map((i) => Math.abs(w[run + i]!)));
            for (const i of [0, 1, 2, 3])
              if (!kept.includes(i)) expect(Math.abs(w[run + i]!)).toBeLessThanOrEqual(least);
          }
          const sparse = applyMask(weight, mask);
          expect(checkNofM(sparse, axis)).toBe(0);
          expect(maskNofM(sparse, axis).data.filter((x) => x === 1)).toHaveLength(size / 2);
        },
      ),
      { numRuns: 50, seed: 1 },
    );
  });

  it("counts the runs that break the pattern", () => {
    const weight = float32([2, 8], [1, 1, 1, 0, 0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
    expect(checkNofM(weight, 1)).toBe(2);
    expect(checkNofM(weight, 1, 3, 4)).toBe(1);
    expect(checkNofM(weight, 1, 1, 4)).toBe(3);
  });

  it("keeps the earlier of equal magnitudes", () => {
    expect(Array.from(maskNofM(float32([1, 4], [-1, 1, 1, 1]), 1).data)).toEqual([1, 1, 0, 0]);
  });

  it("counts what m does not divide as a run that is filled up with zeros", () => {
    const weight = float32([2, 7], [4, 3, 2, 1, 1, 3, 2, 1, 1, 1, 1, 1, 1, 1]);
    expect(Array.from(maskNofM(weight, 1).data)).toEqual([1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0]);
    expect(Array.from(maskNofM(float32([1, 5], [1, 2, 3, 4, 5]), 1).data)).toEqual([0, 0, 1, 1, 1]);
    expect(checkNofM(weight, 1)).toBe(4);
    expect(checkNofM(applyMask(weight, maskNofM(weight, 1)), 1)).toBe(0);
  });

  it.each([
    [2, 2, 4],
    [1, 0, 4],
    [1, 5, 4],
    [1, 1.5, 4],
  ])("refuses axis %i with %d:%d", (axis, n, m) => {
    expect(() => maskNofM(float32([4, 6], new Float32Array(24)), axis, n, m)).toThrowError(/mask along axis/);
  });

  it("finds the weights that can hold it, by layout and thresholds", () => {
    const g = draw("maskable");
    const x = g.conv(g.input("N", 3, 4, 4), "stem", 16);
    const y = g.conv(g.conv(x, "dw", 16, { kernel: 3, group: 16 }), "wide", 32, { kernel: 3 });
    const flat = g.node("Flatten", [g.node("GlobalAveragePool", [y])]);
    const hidden = g.node("MatMul", [flat, g.weight("fc1.w", 32, 12)]);
    const graph = g.done(g.node("Gemm", [hidden, g.weight("fc2.w", 3, 12)], { transB: 1 }));
    const names = (thresholds = {}) =>
      maskableWeights(graph, thresholds).map(
        (w) => `${graph.values.get(w.value)!.name}[${w.axis}] ${w.depth}x${w.outputs}`,
      );
    expect(names()).toEqual(["wide.w[1] 144x32", "fc1.w[0] 32x12", "fc2.w[1] 12x3"]);
    expect(names({ depth: 100 })).toEqual(["wide.w[1] 144x32"]);
    expect(names({ outputs: 12, channels: 32 })).toEqual(["fc1.w[0] 32x12"]);
  });
});
