import type { Graph, Node, ValueId } from "../../ir/index.ts";
import { maskLayers } from "./mask-layers.ts";

/** A weight that can hold an N:M pattern: the node that multiplies by it and the axis that is summed over. */
export interface MaskableWeight {
  readonly node: Node;
  readonly value: ValueId;
  readonly axis: number;
  /** Elements of the contracted axis (with the kernel: the implicit K of the matrix product), and outputs. */
  readonly depth: number;
  readonly outputs: number;
}

/** Least sizes that a layer must have. Without one `maskWeights` takes any, `maskableWeights` the defaults that are stated. */
export interface MaskThresholds {
  /** What the contracted channel axis must be a multiple of; default 4. */
  readonly m?: number;
  /** Least size of the contracted channel axis, of the output axis and of depth (channels x kernel); default m, 1 and m. */
  readonly channels?: number;
  readonly outputs?: number;
  readonly depth?: number;
}

/**
 * Constant floating-point weights on the right of a product, or of an ungrouped convolution, whose contracted axis is a multiple of `m` and that reach the
 * target's thresholds: what N:M kernels exist for. Weights that something else reads too, or that are read along different axes, are left out.
 */
export function maskableWeights(graph: Graph, thresholds: MaskThresholds = {}): MaskableWeight[] {
  const m = thresholds.m ?? 4;
  return maskLayers(graph).flatMap(({ node, value, matrix, uses }) => {
    if (matrix === null || matrix.groups > 1 || uses.some(({ weight }) => weight !== 1)) return [];
    const { axis, channels, columns: depth, rows: outputs } = matrix;
    const fits =
      channels % m === 0 &&
      channels >= (thresholds.channels ?? m) &&
      outputs >= (thresholds.outputs ?? 1) &&
      depth >= (thresholds.depth ?? m);
    return fits ? [{ node, value, axis, depth, outputs }] : [];
  });
}
