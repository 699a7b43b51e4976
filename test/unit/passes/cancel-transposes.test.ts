import { describe, expect, it } from "vitest";
import { type Graph, valueById } from "../../../src/ir/index.ts";
import { importPipeline, runPasses } from "../../../src/passes/index.ts";
import { permute } from "../../../src/tensor/index.ts";
import { channelsLastModel } from "./channels-last-model.ts";
import { difference, outputDifference, randomFeeds, runSmall } from "./outputs.ts";
import { ops, parse, rewritten } from "./rewriting.ts";

const transposes = (graph: Graph) => graph.nodes.filter((node) => node.op === "Transpose").length;

describe.each(Array.from({ length: 40 }, (_, i) => i + 1))("channels-last network %i", (seed) => {
  it("keeps one Transpose, at its input, and its outputs", async () => {
    const graph = channelsLastModel(seed, { batch: seed % 4 === 0 ? 1 : "N" });
    const moved = runPasses(graph, ["cancel-transposes"]);
    expect(transposes(graph)).toBeGreaterThan(2);
    expect(transposes(moved)).toBe(1);
    expect(runPasses(moved, ["cancel-transposes"])).toBe(moved);
    const feeds = randomFeeds(graph, seed % 4 === 0 ? 1 : 2, seed);
    expect(difference(await runSmall(graph, feeds), await runSmall(moved, feeds))).toBeLessThan(1e-5);
    const inputs = [graph, moved].map((g) => valueById(g, g.inputs[0]!));
    expect(inputs[1]).toMatchObject({ name: inputs[0]!.name, type: inputs[0]!.type });
  });

  it("can take its input channels first", async () => {
    const graph = channelsLastModel(seed);
    const moved = runPasses(graph, ["cancel-transposes", "channels-first-inputs"]);
    expect(transposes(moved)).toBe(0);
    expect(moved.metadata["espalier.channels-first-inputs"]).toBe('["x"]');
    const feeds = randomFeeds(graph, 2, seed);
    const turned = { x: permute(feeds.x!, [0, 3, 1, 2]) };
    expect(difference(await runSmall(graph, feeds), await runSmall(moved, turned))).toBeLessThan(1e-5);
  });
});

const nhwc = 'input %"x": float32[N, 2, 3, 4]';

describe("cancel-transposes", () => {
  it("does not touch a graph in which no move helps", () => {
    const graph = parse(`${nhwc}
%"t": float32[N, 4, 2, 3] = Transpose(%"x") {perm=[0, 3, 1, 2]} @"t"
%"r": float32[N, 4, 2, 3] = Relu(%"t") @"relu"
%"y": float32[N, 4, 2, 3] = MaxPool(%"r") {kernel_shape=[1, 1]} @"pool"
return %"y"`);
    expect(runPasses(graph, ["cancel-transposes"])).toBe(graph);
  });

  it("keeps the names of outputs, with a node of its own for each", async () => {
    const text = `${nhwc}
%"t": float32[N, 4, 2, 3] = Transpose(%"x") {perm=[0, 3, 1, 2]} @"t"
%"u": float32[N, 2, 3, 4] = Transpose(%"t") {perm=[0, 2, 3, 1]} @"u"
%"v": float32[N, 2, 3, 4] = Transpose(%"t") {perm=[0, 2, 3, 1]} @"v"
return %"u", %"v"`;
    const moved = rewritten(text, "cancel-transposes");
    expect(ops(moved)).toBe("Identity Identity");
    expect(moved.outputs.map((id) => valueById(moved, id).name)).toEqual(["u", "v"]);
    expect(await outputDifference(parse(text), moved)).toBe(0);
  });

  it("permutes the rows of a quantised weight behind a Flatten", async () => {
    const weights = Buffer.from(Int8Array.from({ length: 48 }, (_, i) => i - 24)).toString("base64");
    const text = `input %"x": float32[N, 4, 2, 3]
%"r": float32[N, 4, 2, 3] = MaxPool(%"x") {kernel_shape=[1, 1]} @"pool"
%"t": float32[N, 2, 3, 4] = Transpose(%"r") {perm=[0, 2, 3, 1]} @"t"
%"f": float32[N, 24] = Flatten(%"t") @"flat"
%"s": float32[N, 24] = Relu(%"f") @"relu"
const %"w" = int8[24, 2] base64 "${weights}"
const %"scale" = float32[2] {0.5, 0.25}
%"d": float32[24, 2] = DequantizeLinear(%"w", %"scale") {axis=1} @"dq"
%"y": float32[N, 2] = MatMul(%"s", %"d") @"dense"
return %"y"`;
    const moved = rewritten(text, "cancel-transposes");
    expect(transposes(moved)).toBe(0);
    expect(await outputDifference(parse(text), moved)).toBeLessThan(1e-5);
    // A scale for each row follows no permutation of rows here.
    const rows = Array.from({ length: 24 }, () => 0.5).join(", ");
    const perRow = text.replace("float32[2] {0.5, 0.25}", `float32[24] {${rows}}`).replace("{axis=1}", "{axis=0}");
    expect(transposes(rewritten(perRow, "cancel-transposes"))).toBe(1);
  });

  it("keeps the Transpose in front of a Flatten that the graph returns", () => {
    const text = `input %"x": float32[N, 4, 2, 3]
%"t": float32[N, 2, 3, 4] = Transpose(%"x") {perm=[0, 2, 3, 1]} @"t"
%"y": float32[N, 24] = Flatten(%"t") @"flat"
return %"y"`;
    expect(ops(rewritten(text, "cancel-transposes"))).toBe("Transpose Flatten");
  });

  it("writes a Transpose of axes of size 1 as a Reshape, whatever the batch", async () => {
    const text = `input %"x": float32[N, 4, 1, 3]
%"t": float32[N, 1, 4, 3] = Transpose(%"x") {perm=[0, 2, 1, 3]} @"t"
%"y": float32[N, 1, 4, 3] = Relu(%"t") @"relu"
return %"y"`;
    const moved = rewritten(text, "cancel-transposes");
    expect(ops(moved)).toBe("Reshape Relu");
    expect(await outputDifference(parse(text), moved)).toBe(0);
    // [T, 1, C] to [1, T, C] moves a batch that is 1 only until it is freed: so the import frees it first.
    const batch = `input %"x": float32[1, 5, 3]
%"t": float32[5, 1, 3] = Transpose(%"x") {perm=[1, 0, 2]} @"t"
%"s": float32[5, 1, 3] = CumSum(%"t", %"axis") @"sum"
%"y": float32[1, 5, 3] = Transpose(%"s") {perm=[1, 0, 2]} @"u"
return %"y"`.replace('%"t":', 'const %"axis" = int64[] {0}\n%"t":');
    const imported = runPasses(parse(batch), importPipeline);
    expect(ops(imported)).toBe("CumSum");
    expect(
      await outputDifference(parse(batch.replaceAll("[1, 5", "[N, 5").replaceAll("[5, 1", "[5, N")), imported),
    ).toBeLessThan(1e-6);
  });

  it("pays once for one order of elements in two shapes", async () => {
    const text = `input %"z": float32[1, 1, 4, 5]
%"t": float32[5, 4, 1, 1] = Transpose(%"z") {perm=[3, 2, 0, 1]} @"t"
const %"i" = int64[] {0}
%"g": float32[1, 4, 5] = Gather(%"z", %"i") {axis=1} @"gather"
%"s": float32[1, 4, 5] = Sigmoid(%"g") @"sigmoid"
%"u": float32[5, 1, 4] = Transpose(%"s") {perm=[2, 0, 1]} @"u"
const %"r" = int64[3] {1, 2, 1}
%"y": float32[5, 2, 4] = Tile(%"u", %"r") @"tile"
return %"y", %"t"`;
    const moved = rewritten(text, "cancel-transposes");
    expect(transposes(moved)).toBeLessThan(2);
    expect(await outputDifference(parse(text), moved)).toBe(0);
  });

  it("leaves one of three: a value that is read in two orders", () => {
    const text = `${nhwc}
%"a": float32[N, 4, 2, 3] = Transpose(%"x") {perm=[0, 3, 1, 2]} @"a"
%"p": float32[N, 4, 2, 3] = MaxPool(%"a") {kernel_shape=[1, 1]} @"pool"
%"b": float32[N, 2, 3, 4] = Transpose(%"p") {perm=[0, 2, 3, 1]} @"b"
%"r": float32[N, 2, 3, 4] = Relu(%"b") @"relu"
%"s": float32[N, 2, 3, 4] = Add(%"r", %"x") @"skip"
%"c": float32[N, 4, 2, 3] = Transpose(%"s") {perm=[0, 3, 1, 2]} @"c"
%"y": float32[N, 4, 2, 3] = MaxPool(%"c") {kernel_shape=[1, 1]} @"pool2"
return %"y"`;
    expect(transposes(rewritten(text, "cancel-transposes"))).toBe(1);
  });

  it("takes a network of thousands of nodes in seconds", () => {
    const graph = channelsLastModel(3, { blocks: 400 });
    const start = process.cpuUsage();
    expect(transposes(runPasses(graph, ["cancel-transposes"]))).toBe(1);
    const used = process.cpuUsage(start);
    expect(transposes(graph)).toBeGreaterThan(500);
    // About 0.6 s.
    expect((used.user + used.system) / 1e6).toBeLessThan(6);
  });
});
