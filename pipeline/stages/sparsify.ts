import { type Graph, valueById } from "../../src/ir/index.ts";
import { checkNofM, maskNofM } from "../../src/prune/index.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { deviceCost } from "../../targets/index.ts";
import type { DeployConfig } from "../config.ts";
import { costOptions } from "../device.ts";

/** A layer as far as N:M sparsity is concerned. */
export interface SparseLayer {
  readonly node: string;
  /** Name of the weight that is masked. */
  readonly weight: string;
  readonly eligible: boolean;
  /** Why not, for a layer that is not eligible. */
  readonly reason: string | null;
}

/** Nodes with a weight that a matrix product contracts. */
export function weightedNodes(graph: Graph): {
  readonly node: string;
  readonly op: string;
  readonly weight: string;
  readonly data: Tensor;
  readonly group: number;
}[] {
  return graph.nodes.flatMap((node) => {
    const id = node.op === "Conv" || node.op === "Gemm" || node.op === "MatMul" ? node.inputs[1] : null;
    const value = id === null || id === undefined ? null : valueById(graph, id);
    if (value?.data === undefined) return [];
    return [
      {
        node: node.name,
        op: node.op,
        weight: value.name,
        data: value.data,
        group: typeof node.attrs["group"] === "number" ? node.attrs["group"] : 1,
      },
    ];
  });
}
