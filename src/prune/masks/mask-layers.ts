import { consumers, type Graph, type Node, type ValueId, valueById } from "../../ir/index.ts";
import { contextOf } from "../../ops/index.ts";
import { DTYPES, sizeOf } from "../../tensor/index.ts";
import { convolutionMatrix, productMatrix, sameMatrix, type WeightMatrix } from "./weight-matrix.ts";

/** A place where a weight is multiplied by. */
export interface WeightUse {
  readonly node: Node;
  /** Which input of the node holds the weight, and which what it multiplies. */
  readonly weight: number;
  readonly data: number;
  /** Axis of the data that is summed over, counted from the front. */
  readonly axis: number;
}

/** A weight that operators multiply by, as a matrix, or the reason why it is not masked. */
export interface MaskLayer {
  /** The first node that reads it. */
  readonly node: Node;
  readonly value: ValueId;
  readonly name: string;
  readonly size: number;
  readonly uses: readonly WeightUse[];
  readonly matrix: WeightMatrix | null;
  /** Present exactly where there is no matrix. */
  readonly reason: string | null;
}

/** Operators with weights that are not masked: several products share them, or their inputs are not unfolded in one way. */
const OTHERS = new Set(["ConvTranspose", "Einsum", "LSTM", "GRU", "RNN"]);

interface Layout {
  readonly use: WeightUse;
  readonly matrix: WeightMatrix | null;
  readonly reason: string | null;
}

/** Every floating-point constant that a convolution, matrix product, recurrent layer or Einsum multiplies by, in the order of the nodes. */
export function maskLayers(graph: Graph): MaskLayer[] {
  const readers = consumers(graph);
  const found = new Map<ValueId, Layout[]>();
  for (const node of graph.nodes)
    for (const layout of layoutsOf(graph, node)) {
      const value = node.inputs[layout.use.weight]!;
      found.set(value, [...(found.get(value) ?? []), layout]);
    }
  return [...found].map(([id, layouts]) => {
    const { name, data } = valueById(graph, id);
    const uses = layouts.map(({ use }) => use);
    const [first] = layouts as [Layout, ...Layout[]];
    const other = (readers.get(id) ?? []).find((node) => !uses.some((use) => use.node === node));
    const along = layouts.find(({ matrix }) => matrix === null || !sameMatrix(matrix, first.matrix ?? matrix));
    const reason =
      first.reason ??
      (other !== undefined
        ? `it is read by ${other.op} "${other.name}" too`
        : along !== undefined
          ? (along.reason ?? `"${along.use.node.name}" reads it along other axes`)
          : null);
    const matrix = reason === null ? first.matrix : null;
    return { node: first.use.node, value: id, name, size: sizeOf(data!.shape), uses, matrix, reason };
  });
}

function layoutsOf(graph: Graph, node: Node): Layout[] {
  const constant = (input: number): readonly number[] | null => {
    const id = node.inputs[input];
    const data = id === null || id === undefined ? undefined : valueById(graph, id).data;
    return data !== undefined && DTYPES[data.dtype].float ? data.shape : null;
  };
  if (OTHERS.has(node.op)) {
    const inputs = node.op === "Einsum" ? node.inputs.map((_, i) => i) : node.op === "ConvTranspose" ? [1] : [1, 2];
    return inputs
      .filter((input) => constant(input) !== null)
      .map((weight) => ({
        use: { node, weight, data: 0, axis: 1 },
        matrix: null,
        reason: `weights of ${node.op} are not masked`,
      }));
  }
  if (node.op === "Conv") {
    const shape = constant(1);
    if (shape === null) return [];
    const { group } = contextOf(graph, node).attrs as { readonly group: number };
    return [{ use: { node, weight: 1, data: 0, axis: 1 }, matrix: convolutionMatrix(shape, group), reason: null }];
  }
  if (node.op !== "Gemm" && node.op !== "MatMul") return [];
  const [left, right] = [constant(0), constant(1)];
  if ((left === null) === (right === null)) return []; // a product of activations, or one that folds
  const weight = left === null ? 1 : 0;
  const shape = (left ?? right)!;
  const rank = valueById(graph, node.inputs[1 - weight]!).type.shape.length;
  const { transA, transB } =
    node.op === "Gemm"
      ? (contextOf(graph, node).attrs as { readonly transA: number; readonly transB: number })
      : { transA: 0, transB: 0 };
  // A sums over its last axis and B over the one before, unless they are transposed.
  const axis = weight === 1 ? (transA ? 0 : rank - 1) : transB ? 1 : Math.max(0, rank - 2);
  const use = { node, weight, data: 1 - weight, axis };
  if (shape.length !== 2)
    return [{ use, matrix: null, reason: shape.length < 2 ? "it is a vector" : "it is a stack of matrices" }];
  const summed = weight === 1 ? (transB ? 1 : 0) : transA ? 0 : 1;
  return [{ use, matrix: productMatrix(shape, summed), reason: null }];
}
