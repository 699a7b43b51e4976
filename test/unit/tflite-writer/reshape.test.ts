import { describe, expect, it } from "vitest";
import { physicalShape } from "../../../src/formats/tflite/layout.ts";
import { planReshape, reshapeBlocks } from "../../../src/formats/tflite/reshape.ts";

describe("reshapeBlocks", () => {
  it("splits a channel axis and leaves the others alone", () => {
    expect(reshapeBlocks([1, 6, 7, 9], [1, 2, 3, 7, 9])).toEqual([
      { from: [1], to: [1, 2] },
      { from: [2], to: [3] },
      { from: [3], to: [4] },
    ]);
  });

  it("ignores axes of size 1", () => {
    expect(reshapeBlocks([1, 4, 1, 1], [1, 4])).toEqual([{ from: [1], to: [1] }]);
    expect(reshapeBlocks([1, 1], [1])).toEqual([]);
  });

  it("joins what cannot be told apart", () => {
    expect(reshapeBlocks([4, 6], [3, 8])).toEqual([{ from: [0, 1], to: [0, 1] }]);
  });
});

describe("planReshape", () => {
  const nhwc = [0, 2, 3, 1];

  it("splits channels in place of a channels-last tensor", () => {
    const plan = planReshape([1, 6, 7, 9], [1, 2, 3, 7, 9], nhwc, [0, 1, 2, 3, 4]);
    expect(plan.input).toEqual(nhwc);
    expect(physicalShape([1, 2, 3, 7, 9], plan.output)).toEqual([1, 7, 9, 2, 3]);
  });

  it("moves a channels-last tensor into its own order before it is flattened", () => {
    const plan = planReshape([2, 3, 4, 5], [2, 60], nhwc, [0, 1]);
    expect(physicalShape([2, 3, 4, 5], plan.input)).toEqual([2, 3, 4, 5]);
    expect(plan.output).toEqual([0, 1]);
  });

  it("gives the readers' layout when the order allows it", () => {
    expect(planReshape([1, 12], [1, 12, 1, 1], [0, 1], nhwc).output).toEqual(nhwc);
  });
});
