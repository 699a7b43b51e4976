import { describe, expect, it } from "vitest";
import { listWork } from "../../../src/cost/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { allocate, sizeOf, tensor } from "../../../src/tensor/index.ts";

const zeros = (...shape: number[]) => tensor("float32", shape, allocate("float32", sizeOf(shape)));

/** conv -> bn -> relu -> depthwise -> pointwise -> add(residual) -> relu -> pool -> gemm, batch symbolic. */
function network() {
  const b = newBuilder("n");
  const x = b.input("x", { dtype: "float32", shape: ["N", 3, 8, 8] });
  const conv = b.node(
    "Conv",
    [x, b.constant("w", zeros(16, 3, 3, 3)), b.constant("b", zeros(16))],
    { pads: [1, 1, 1, 1] },
    { name: "conv" },
  );
  const bn = b.node(
    "BatchNormalization",
    [conv, ...["s", "t", "m", "v"].map((n) => b.constant(n, zeros(16)))],
    {},
    { name: "bn" },
  );
  const relu = b.node("Relu", [bn], {}, { name: "relu" });
  const dw = b.node(
    "Conv",
    [relu, b.constant("dw.w", zeros(16, 1, 3, 3))],
    { pads: [1, 1, 1, 1], group: 16 },
    { name: "dw" },
  );
  const pw = b.node("Conv", [dw, b.constant("pw.w", zeros(16, 16, 1, 1))], {}, { name: "pw" });
  const add = b.node("Add", [pw, relu], {}, { name: "add" });
  const out = b.node("Relu", [add], {}, { name: "out" });
  const pool = b.node("GlobalAveragePool", [out], {}, { name: "pool" });
  const flat = b.node("Flatten", [pool], {}, { name: "flat" });
  b.output(
    b.node(
      "Gemm",
      [flat, b.constant("fc", zeros(10, 16)), b.constant("fc.b", zeros(10))],
      { transB: 1 },
      { name: "fc" },
    ),
  );
  return b.build();
}

describe("listWork", () => {
  const by = (options: Parameters<typeof listWork>[1]) =>
    new Map(listWork(network(), options).map((layer) => [layer.node, layer]));

  it("counts MACs and bytes of one sample at the deployed precision", () => {
    const work = by({ precision: "int8", fuseResidual: false });
    expect(work.get("conv")).toMatchObject({
      kind: "conv",
      macs: 16 * 3 * 9 * 64,
      inputBytes: 3 * 64,
      weightBytes: 16 * 27 + 16 * 4, // the bias stays int32
      outputBytes: 16 * 64,
      kernel: [3, 3],
      outputSize: [8, 8],
      inChannels: 3,
      outChannels: 16,
    });
    expect(work.get("dw")).toMatchObject({ kind: "depthwise", macs: 16 * 9 * 64, groups: 16 });
    expect(work.get("pw")).toMatchObject({ kind: "pointwise", macs: 16 * 16 * 64 });
    expect(work.get("pool")).toMatchObject({ kind: "pool", kernel: [8, 8], macs: 0 });
    expect(work.get("fc")).toMatchObject({ kind: "fc", macs: 160, weightBytes: 160 + 40 });
    expect(by({ precision: "float16", fuseResidual: false }).get("conv")!.outputBytes).toBe(2 * 16 * 64);
  });

  it("fuses what follows its only operand, and a residual only where the runtime does", () => {
    const fused = (options: Parameters<typeof listWork>[1]) =>
      [...by(options)].filter(([, layer]) => layer.fused).map(([node]) => node);
    expect(fused({ precision: "int8", fuseResidual: false })).toEqual(["bn", "relu", "out"]);
    expect(fused({ precision: "float16", fuseResidual: true })).toEqual(["bn", "relu", "add", "out"]);
  });

  it("marks only the named layers as sparse", () => {
    const work = by({ precision: "float16", fuseResidual: true, sparse24: new Set(["pw"]) });
    expect([...work.values()].filter((layer) => layer.sparse24).map((layer) => layer.node)).toEqual(["pw"]);
  });
});
