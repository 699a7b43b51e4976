import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  type MicroBuild,
  type MicroModel,
  type MicroOperator,
  type MicroTensor,
  planArena,
  planPeakActivations,
  staticRamBytes,
} from "../../../src/cost/index.ts";
import { EspalierError } from "../../../src/diagnostics/index.ts";

interface FixtureEntry {
  readonly model: string;
  readonly subgraphs: readonly {
    readonly tensors: readonly (readonly [
      dtype: string,
      shape: number[],
      isConstant: number,
      isVariable: number,
      scales: number,
      zeros: number,
    ])[];
    readonly operators: readonly (readonly [string, number[], number[], { type: string } | null])[];
    readonly inputs: readonly number[];
    readonly outputs: readonly number[];
  }[];
  readonly measured: readonly {
    readonly build: string;
    readonly head: number;
    readonly tail: number;
    readonly arenaUsed: number;
    readonly minArena?: number;
    readonly offsets?: readonly number[];
  }[];
}

const BUILDS: Readonly<Record<string, MicroBuild>> = {
  "arm32-ref": { abi: "arm32", kernels: "reference", simd: "none" },
  "arm32-cmsis-dsp": { abi: "arm32", kernels: "cmsis-nn", simd: "dsp" },
  "arm32-cmsis-nodsp": { abi: "arm32", kernels: "cmsis-nn", simd: "none" },
  "arm32-cmsis-mve": { abi: "arm32", kernels: "cmsis-nn", simd: "mve" },
};
const DSP = BUILDS["arm32-cmsis-dsp"] as MicroBuild;

/** Structure of real and synthetic .tflite files with what TFLM itself reported; scripts/generate-tflm-fixture.ts wrote it. */
const fixture = JSON.parse(
  readFileSync(join(import.meta.dirname, "..", "..", "fixtures", "tflm", "arena.json"), "utf8"),
) as FixtureEntry[];

function modelOf(entry: FixtureEntry): MicroModel {
  const constant = new Uint8Array(1);
  return {
    buffers: [new Uint8Array(0), constant],
    subgraphs: entry.subgraphs.map((g) => ({
      ...g,
      tensors: g.tensors.map(
        ([dtype, shape, isConstant, isVariable, scales, zeros], t): MicroTensor => ({
          name: `t${t}`,
          dtype,
          shape,
          buffer: isConstant,
          isVariable: isVariable === 1,
          quantization: { scales: new Array<number>(scales).fill(1), zeroPoints: new Array<number>(zeros).fill(0) },
        }),
      ),
      operators: g.operators.map(
        ([opcode, inputs, outputs, options]): MicroOperator => ({
          opcode,
          inputs,
          outputs,
          ...(options === null ? {} : { options }),
        }),
      ),
    })),
  };
}

describe("against TFLM itself", () => {
  const cases = fixture.flatMap((entry) => entry.measured.map((row) => [entry.model, row.build, entry, row] as const));

  test("the fixture has enough to mean something", () => {
    expect(fixture.length).toBeGreaterThanOrEqual(30);
    expect(new Set(cases.map(([, build]) => build)).size).toBe(4);
  });

  test.each(cases)("%s, %s: 0 bytes of error", (_model, build, entry, row) => {
    const plan = planArena(modelOf(entry), BUILDS[build] as MicroBuild);
    expect({ head: plan.head, tail: plan.tail, arenaUsed: plan.arenaUsed }).toEqual({
      head: row.head,
      tail: row.tail,
      arenaUsed: row.arenaUsed,
    });
    if (row.minArena !== undefined) expect(plan.minArena).toBe(row.minArena);
    if (row.offsets !== undefined) expect(plan.plan.map((buffer) => buffer.offset)).toEqual(row.offsets);
  });
});

describe("laws of a plan", () => {
  test.each(fixture.map((entry) => [entry.model, entry] as const))(
    "%s: live buffers do not overlap, sums re-add",
    (_, entry) => {
      const { plan, head, tail, persistent, arenaUsed, peakLiveBytes } = planArena(modelOf(entry), DSP);
      for (const a of plan) {
        for (const b of plan) {
          if (a === b || a.first > b.last || b.first > a.last) continue;
          expect(a.offset + a.reserved <= b.offset || b.offset + b.reserved <= a.offset).toBe(true);
        }
      }
      expect(persistent.reduce((sum, block) => sum + block.used, 0)).toBe(tail);
      expect(head + tail).toBe(arenaUsed);
      expect(peakLiveBytes).toBeLessThanOrEqual(head);
    },
  );
});

const tensor = (name: string, bytes: number, extra: Partial<MicroTensor> = {}): MicroTensor => ({
  name,
  dtype: "int8",
  shape: [bytes],
  buffer: 0,
  ...extra,
});
const chain = (tensors: readonly MicroTensor[], metadata: MicroModel["metadata"] = []): MicroModel => ({
  buffers: [new Uint8Array(0)],
  metadata,
  subgraphs: [
    {
      tensors,
      operators: tensors.slice(1).map((_, i) => ({ opcode: "NEG", inputs: [i], outputs: [i + 1] })),
      inputs: [0],
      outputs: [tensors.length - 1],
    },
  ],
});

describe("rules that the fixture does not reach", () => {
  test("of buffers of equal size the later is placed first", () => {
    const { plan } = planArena(chain([tensor("a", 64), tensor("b", 64), tensor("c", 64)]), DSP);
    expect(plan.map((buffer) => buffer.offset)).toEqual([0, 64, 0]);
  });

  test("an offline plan fixes offsets and moves a variable into the head", () => {
    const bytes = new Uint8Array(new Int32Array([1, 0, 3, 128, -1, 0]).buffer);
    const tensors = [tensor("a", 64), tensor("b", 64), tensor("c", 64, { isVariable: true })];
    const online = planArena(chain(tensors), DSP);
    const offline = planArena(chain(tensors, [{ name: "OfflineMemoryAllocation", bytes }]), DSP);
    expect(online.plan).toHaveLength(2);
    expect(offline.plan.map((buffer) => [buffer.buffer, buffer.offset])).toEqual([
      ["tensor 0:0 a", 128],
      ["tensor 0:1 b", 64],
      ["tensor 0:2 c", 0],
    ]);
    expect(online.persistent.some((block) => block.what === "variable" && block.bytes === 64)).toBe(true);
    expect(offline.persistent.some((block) => block.what === "variable")).toBe(false);
    expect(offline.tail).toBeLessThanOrEqual(online.tail - 48);
  });

  test("an offline plan for another model is refused", () => {
    const bytes = new Uint8Array(new Int32Array([1, 0, 2, 0, 0]).buffer);
    const act = () =>
      planArena(
        chain([tensor("a", 4), tensor("b", 4), tensor("c", 4)], [{ name: "OfflineMemoryAllocation", bytes }]),
        DSP,
      );
    expect(act).toThrow(/is for 2 tensors, the model has 3/);
  });

  test("an unknown operator is named", () => {
    const model = chain([tensor("a", 4), tensor("b", 4)]);
    const graph = model.subgraphs[0];
    if (graph === undefined) throw new Error("one subgraph");
    const act = (opcode: string, customCode?: string) => () =>
      planArena(
        {
          ...model,
          subgraphs: [
            {
              ...graph,
              operators: [{ opcode, inputs: [0], outputs: [1], ...(customCode === undefined ? {} : { customCode }) }],
            },
          ],
        },
        DSP,
      );
    expect(act("STABLEHLO_ADD")).toThrow(/STABLEHLO_ADD/);
    expect(act("CUSTOM", "MyOp")).toThrow(/CUSTOM:MyOp/);
    expect(act("toString")).toThrow(EspalierError);
  });

  test("a subgraph that calls itself is refused", () => {
    const operator = {
      opcode: "WHILE",
      inputs: [0],
      outputs: [1],
      options: { type: "WhileOptions", condSubgraphIndex: 0, bodySubgraphIndex: 0 },
    };
    const model = chain([tensor("a", 4), tensor("b", 4)]);
    const graph = model.subgraphs[0];
    if (graph === undefined) throw new Error("one subgraph");
    expect(() => planArena({ ...model, subgraphs: [{ ...graph, operators: [operator] }] }, DSP)).toThrow(
      /calls itself/,
    );
  });

  test("4-byte enums and 64-bit pointers cost more", () => {
    const model = chain([tensor("a", 64), tensor("b", 64)]);
    const structs = (abi: MicroBuild["abi"]) =>
      planArena(model, { abi, kernels: "reference", simd: "none" })
        .persistent.filter((block) => block.what === "interface tensor" || block.what === "eval tensors")
        .map((block) => block.bytes);
    expect(structs("arm32")).toEqual([24, 32, 32]);
    expect(structs("arm32-linux")).toEqual([24, 40, 40]);
    expect(structs("host64")).toEqual([48, 64, 64]);
  });
});

test("the peak of live bytes is a sweep over closed intervals", () => {
  const peak = planPeakActivations([
    { bytes: 10, first: 0, last: 1 },
    { bytes: 20, first: 1, last: 2 },
    { bytes: 25, first: 2, last: 3 },
    { bytes: 99, first: -1, last: -1 },
  ]);
  expect(peak).toEqual({ bytes: 45, step: 2 });
  expect(planPeakActivations([])).toEqual({ bytes: 0, step: 0 });
});

test("RAM outside the arena", () => {
  expect(staticRamBytes(6)).toBe(208 + 12 + 6 * 36);
});
