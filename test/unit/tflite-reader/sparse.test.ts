import { expect, it } from "vitest";
import type { TfliteTensor } from "../../../src/formats/tflite/codec/index.ts";
import { tfliteOptions } from "../../../src/formats/tflite/codec/index.ts";
import { sparsePlan } from "../../../src/formats/tflite/read/densify.ts";
import { readTflite } from "../../../src/formats/tflite/read/index.ts";
import { toNumbers } from "../../../src/tensor/index.ts";
import { bytesAsStated } from "./models.ts";

type Sparsity = NonNullable<TfliteTensor["sparsity"]>;

const vector = (values: readonly number[]) => ({ type: "Int32Vector" as const, values });
const dense = (denseSize: number) => ({ format: "DENSE" as const, denseSize });
const compressed = (segments: readonly number[], indices: readonly number[]) => ({
  format: "SPARSE_CSR" as const,
  denseSize: 0,
  arraySegments: vector(segments),
  arrayIndices: vector(indices),
});

/** Rows of [[0, 1, 0, 2], [0, 0, 0, 0], [3, 0, 0, 0]]. */
const rows: Sparsity = {
  traversalOrder: [0, 1],
  blockMap: [],
  dimMetadata: [dense(3), compressed([0, 2, 2, 3], [1, 3, 0])],
};
/** The same axes in blocks of 2 x 2: of a [4, 4] matrix, the blocks (0, 1) and (1, 0) are stored. */
const blocks: Sparsity = {
  traversalOrder: [0, 1, 2, 3],
  blockMap: [0, 1],
  dimMetadata: [dense(2), compressed([0, 1, 2], [1, 0]), dense(2), dense(2)],
};

function positions(shape: readonly number[], sparsity: Sparsity): number[] {
  const found: number[] = [];
  sparsePlan(shape, sparsity, "test").each((position) => found.push(position));
  return found;
}

it("walks compressed rows and blocks", () => {
  expect(positions([3, 4], rows)).toEqual([1, 3, 8]);
  expect(positions([4, 4], blocks)).toEqual([2, 3, 6, 7, 8, 9, 12, 13]);
  const columns: Sparsity = {
    ...rows,
    traversalOrder: [1, 0],
    dimMetadata: [dense(4), compressed([0, 1, 2, 2, 3], [2, 0, 0])],
  };
  expect(positions([3, 4], columns)).toEqual([8, 1, 3]);
});

it("makes sparse weights dense constants", () => {
  const bytes = bytesAsStated({
    tensors: {
      x: { shape: [1, 4] },
      s: { shape: [3, 4], bytes: new Uint8Array(Float32Array.of(1, 2, 3).buffer), rest: { sparsity: rows } },
      w: { shape: [3, 4] },
      y: { shape: [1, 3] },
    },
    inputs: ["x"],
    outputs: ["y"],
    operators: [
      { op: "DENSIFY", inputs: ["s"], outputs: ["w"] },
      {
        op: "FULLY_CONNECTED",
        inputs: ["x", "w", null],
        outputs: ["y"],
        options: tfliteOptions("FullyConnectedOptions"),
      },
    ],
  });
  const graph = readTflite(bytes);
  const weight = [...graph.values.values()].find(({ data }) => data?.shape.length === 2)!;
  expect([...toNumbers(weight.data!)]).toEqual([0, 1, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0]);
});

it.each<[string, Sparsity, RegExp]>([
  [
    "an index beyond its axis",
    { ...rows, dimMetadata: [dense(3), compressed([0, 2, 2, 3], [1, 4, 0])] },
    /index 4 on an axis of 4/,
  ],
  [
    "segments that go backwards",
    { ...rows, dimMetadata: [dense(3), compressed([0, 2, 1, 3], [1, 3, 0])] },
    /go backwards/,
  ],
  [
    "segments that miss indices",
    { ...rows, dimMetadata: [dense(3), compressed([0, 2, 2, 2], [1, 3, 0])] },
    /segment bounds/,
  ],
  ["an order that repeats an axis", { ...rows, traversalOrder: [0, 0] }, /no order of 2 axes/],
  [
    "a dense axis of another size",
    { ...rows, dimMetadata: [dense(9), compressed([0, 2, 2, 3], [1, 3, 0])] },
    /expected 3/,
  ],
  [
    "a block that does not divide its axis",
    { ...blocks, dimMetadata: [dense(2), compressed([0, 1, 2], [1, 0]), dense(3), dense(2)] },
    /in blocks of 3/,
  ],
  ["a block of an axis that is not there", { ...blocks, blockMap: [0, 7] }, /block map/],
  [
    "too many axes",
    { traversalOrder: Array.from({ length: 40 }, (_, i) => i), blockMap: [], dimMetadata: [] },
    /at most 16/,
  ],
])("refuses %s", (_, sparsity, message) => {
  expect(() => sparsePlan(sparsity.blockMap?.length === 2 ? [4, 4] : [3, 4], sparsity, "test")).toThrow(message);
});
