import { type Graph, valueById } from "../../ir/index.ts";
import type { InputKind } from "./input-products.ts";
import type { MaskLayer } from "./mask-layers.ts";
import type { WeightMatrix } from "./weight-matrix.ts";

/** A layer that can be masked. */
export type MatrixLayer = MaskLayer & { readonly matrix: WeightMatrix };

/** Bytes that measuring the inputs of layers may take at once, if nothing else is said. */
export const INPUT_MEMORY = 512 * 2 ** 20;

/** Bytes that one unfolded element takes in ONNX Runtime, turned and as float64 included: measured 21 for products, 29 to 32 for squares. */
const ELEMENT_BYTES = 32;
/** Copies of the sums that live at once: those over all runs, and ONNX Runtime's or those in the matrix's order. */
const SUMS = 2;

/** Bytes that measuring one layer takes: while its operator runs, and as long as the session lives. */
export interface InputBytes {
  readonly running: number;
  readonly kept: number;
}

/** What measuring a layer takes, for a graph whose sizes are all known. */
export function inputBytes(sized: Graph, { matrix, uses }: MatrixLayer, kind: InputKind): InputBytes {
  const { groups, columns, channels, positions } = matrix;
  const unfolded = uses.map(({ node, data, axis }) => {
    const value = node.op === "Conv" ? node.outputs[0]! : node.inputs[data]!;
    const shape = valueById(sized, value).type.shape as readonly number[];
    const places = shape.reduce((product, size, i) => (i === axis ? product : product * size), 1);
    return groups * columns * places * ELEMENT_BYTES;
  });
  const picks = positions > 1 ? 12 * groups * channels * positions * positions * uses.length : 0;
  const sums = 8 * groups * columns * (kind === "products" ? columns : 1) * SUMS;
  return { running: Math.max(...unfolded), kept: picks + sums };
}

/** Layers that are measured in one pass over the samples, and those that alone take more than the limit, with what they take. */
export interface InputPasses {
  readonly passes: readonly (readonly MatrixLayer[])[];
  readonly tooLarge: ReadonlyMap<string, number>;
}

/** Packs layers, in their order, into as few passes as the limit allows. Layers run one after the other: what they take while running is not added up. */
export function inputPasses(sized: Graph, layers: readonly MatrixLayer[], kind: InputKind, limit: number): InputPasses {
  const passes: MatrixLayer[][] = [];
  const tooLarge = new Map<string, number>();
  let [kept, running] = [0, 0];
  for (const layer of layers) {
    const bytes = inputBytes(sized, layer, kind);
    if (bytes.kept + bytes.running > limit) {
      tooLarge.set(layer.name, bytes.kept + bytes.running);
      continue;
    }
    if (passes.length === 0 || kept + bytes.kept + Math.max(running, bytes.running) > limit) {
      passes.push([]);
      [kept, running] = [0, 0];
    }
    passes.at(-1)!.push(layer);
    kept += bytes.kept;
    running = Math.max(running, bytes.running);
  }
  return { passes, tooLarge };
}
