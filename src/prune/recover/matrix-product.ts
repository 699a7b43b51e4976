import { type Graph, type Node, valueById } from "../../ir/index.ts";
import { contextOf } from "../../ops/index.ts";
import { sizeOf } from "../../tensor/index.ts";
import type { LinearForm } from "./linear-layer.ts";

interface GemmAttributes {
  readonly alpha: number;
  readonly transA: number;
  readonly transB: number;
}

/**
 * Gemm and MatMul with a constant matrix on one side. With the weight on the right a row is a row of the other operand, with the weight on the left a
 * column of it.
 */
export function matrixProduct(graph: Graph, node: Node, weight: readonly number[], input: number): LinearForm | string {
  const rank = valueById(graph, node.inputs[1 - input]!).type.shape.length;
  if (weight.length < 2 || sizeOf(weight.slice(0, -2)) !== 1) return `its weight has the shape [${weight.join()}]`;
  if (rank < 2) return "its input is a vector";
  const gemm =
    node.op === "Gemm"
      ? (contextOf(graph, node).attrs as unknown as GemmAttributes)
      : { alpha: 1, transA: 0, transB: 0 };
  if (gemm.alpha === 0) return "its alpha is 0";
  const left = input === 0;
  const own = left ? gemm.transA : gemm.transB;
  const other = left ? gemm.transB : gemm.transA;
  const [rows, columns] = weight.slice(-2) as [number, number];
  // The weight is [outputs, features] on the left, [features, outputs] on the right, unless it is transposed.
  const outputsFirst = left !== (own === 1);
  const [features, outputs] = outputsFirst ? [columns, rows] : [rows, columns];
  const outputRank = valueById(graph, node.outputs[0]!).type.shape.length;
  return {
    groups: 1,
    features,
    outputs,
    scale: gemm.alpha,
    axis: left ? outputRank - 2 : outputRank - 1,
    place: (_, feature, output) => (outputsFirst ? output * features + feature : feature * outputs + output),
    reader: (x, y) => {
      // Features of a row are next to one another where the other operand is not transposed and on the left, or transposed and on the right.
      const along = left === (other === 1);
      const width = left ? y.at(-1)! : x.at(along ? -2 : -1)!;
      return reader({ features, outputs, width, along, left, rows: sizeOf(y) / outputs });
    },
  };
}

interface Layout {
  readonly features: number;
  readonly outputs: number;
  /** Rows of the product in one matrix. */
  readonly width: number;
  readonly along: boolean;
  readonly left: boolean;
  readonly rows: number;
}

function reader({ features, outputs, width, along, left, rows }: Layout): ReturnType<LinearForm["reader"]> {
  let [matrix, row] = [0, 0];
  return {
    rows,
    seek: (to) => {
      matrix = Math.floor(to / width);
      row = to % width;
    },
    features: (x, _, into, at) => {
      const start = matrix * features * width;
      for (let i = 0; i < features; i++) into[at + i] = x[start + (along ? row * features + i : i * width + row)]!;
    },
    outputs: (y, _, into, at) => {
      const start = matrix * outputs * width;
      for (let o = 0; o < outputs; o++) into[at + o] = y[start + (left ? o * width + row : row * outputs + o)]!;
    },
  };
}
