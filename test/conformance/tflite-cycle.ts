import { emitTflite, type WriteTfliteOptions } from "../../src/formats/tflite/write.ts";
import type { Graph, Shape, TensorType } from "../../src/ir/index.ts";
import { valueById } from "../../src/ir/index.ts";
import { openOrt } from "../../src/runtimes/index.ts";
import { type LiteRtSession, loadLiteRt } from "../../src/runtimes/litert.ts";
import { fromNumbers, permute, seededRandom, sizeOf, type Tensor, toNumbers } from "../../src/tensor/index.ts";

/** A tensor of a graph input's type: normal numbers for real types, small non-negative integers for others. */
export function randomFeed(type: TensorType, seed: number, label: string): Tensor {
  const random = seededRandom(seed, label);
  const shape = bound(type.shape);
  const values = Float64Array.from({ length: sizeOf(shape) }, () =>
    type.dtype === "float32" ? random.normal() : random.below(type.dtype === "bool" ? 2 : 3),
  );
  return fromNumbers(type.dtype, shape, values);
}

function bound(shape: Shape): number[] {
  return shape.map((dim) => (typeof dim === "number" ? dim : 1));
}

export interface CycleResult {
  readonly emitted: ReturnType<typeof emitTflite>;
  /** Outputs of the graph in ONNX Runtime and of the file in LiteRT, brought back to the graph's axes. */
  readonly expected: readonly Tensor[];
  readonly actual: readonly Tensor[];
}

/** Runs a graph in ONNX Runtime and its TFLite form in LiteRT on the same inputs. */
export async function cycle(graph: Graph, seed = 1, options: WriteTfliteOptions = {}): Promise<CycleResult> {
  const feeds = graph.inputs.map((id) => {
    const value = valueById(graph, id);
    return { name: value.name, tensor: randomFeed(value.type, seed, value.name) };
  });
  const expected = await runOrt(graph, Object.fromEntries(feeds.map(({ name, tensor }) => [name, tensor])));
  const emitted = emitTflite(graph, options);
  const session = await loadLiteRt(emitted.bytes);
  const actual = await runLite(
    session,
    emitted,
    feeds.map((feed) => feed.tensor),
  );
  session.close();
  return { emitted, expected, actual };
}

export async function runOrt(graph: Graph, feeds: Record<string, Tensor>): Promise<Tensor[]> {
  const session = await openOrt(graph, { threads: 1, optimise: "disabled" });
  const results = await session.run(feeds);
  await session.close();
  return graph.outputs.map((id) => results[valueById(graph, id).name]!);
}

/** Runs a file on inputs in the graph's axes and types; integers at the border are converted by their quantisation. */
export async function runLite(
  session: LiteRtSession,
  emitted: ReturnType<typeof emitTflite>,
  inputs: readonly Tensor[],
): Promise<Tensor[]> {
  const results = await session.run(
    inputs.map((input, i) => {
      const side = emitted.inputs[i]!;
      const moved = permute(input, side.layout);
      if (side.quantization === undefined)
        return side.dtype === moved.dtype ? moved : fromNumbers(side.dtype as "int32", moved.shape, toNumbers(moved));
      const [scale, zeroPoint] = [side.quantization.scales[0]!, side.quantization.zeroPoints[0]!];
      const quantized = toNumbers(moved).map((v) =>
        Math.min(127, Math.max(-128, roundEven(Math.fround(v / scale)) + zeroPoint)),
      );
      return fromNumbers("int8", moved.shape, quantized);
    }),
  );
  return results.map((result, i) => {
    const { layout, quantization } = emitted.outputs[i]!;
    const back = permute(
      result,
      layout.map((_, axis) => layout.indexOf(axis)),
    );
    if (quantization === undefined) return back;
    const [scale, zeroPoint] = [quantization.scales[0]!, quantization.zeroPoints[0]!];
    return fromNumbers(
      "float32",
      back.shape,
      toNumbers(back).map((q) => (q - zeroPoint) * scale),
    );
  });
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest === 0.5 ? floor + (Math.abs(floor) % 2) : Math.round(value);
}

/** Largest absolute difference over the outputs, and the largest magnitude expected. */
export function difference(
  expected: readonly Tensor[],
  actual: readonly Tensor[],
): { absolute: number; magnitude: number } {
  let absolute = 0;
  let magnitude = 0;
  expected.forEach((e, i) => {
    const a = toNumbers(actual[i]!);
    toNumbers(e).forEach((value, at) => {
      absolute = Math.max(absolute, Math.abs(value - a[at]!));
      magnitude = Math.max(magnitude, Math.abs(value));
    });
    if (e.shape.join() !== actual[i]!.shape.join()) absolute = Number.POSITIVE_INFINITY;
  });
  return { absolute, magnitude };
}

/** For each int8 output, the largest difference in steps of its scale. */
export function steps(
  emitted: ReturnType<typeof emitTflite>,
  expected: readonly Tensor[],
  actual: readonly Tensor[],
): number[] {
  return emitted.outputs.map((side, i) =>
    Math.round(difference([expected[i]!], [actual[i]!]).absolute / side.quantization!.scales[0]!),
  );
}
