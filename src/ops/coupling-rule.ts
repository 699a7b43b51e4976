import type { Attributes, Shape } from "../ir/index.ts";
import type { OpContext } from "./spec.ts";

/** The axis is summed over against the other operand of a contraction. */
export const CONTRACTED = -1;
/** The operator mixes or reorders positions along the axis: whatever is tracked there is frozen. */
export const OPAQUE = -2;

/** For each axis of an operand, the axis of the result that it becomes, or CONTRACTED or OPAQUE. */
export type AxisMap = readonly number[];

/** An input of a node, seen in the axes of the result. */
export interface Operand {
  readonly input: number;
  readonly axes: AxisMap;
}

/** What is left of a node's inputs and outputs under a cut; positions are those of the original axes, ascending. */
export interface CutView {
  readonly inputKept: (input: number, axis: number) => readonly number[];
  readonly outputKept: (output: number, axis: number) => readonly number[];
  readonly inputShape: (input: number) => Shape;
  readonly outputShape: (output: number) => Shape;
}

/** How a node itself must change under a cut (its weights are cut without its help). */
export interface NodeChange {
  /** Attributes to set; null removes one. */
  readonly attrs?: Readonly<Record<string, Attributes[string] | null>>;
  /** New integers of constant inputs, by input index; `shape` defaults to one axis. */
  readonly ints?: readonly { readonly input: number; readonly values: readonly number[]; readonly shape?: number[] }[];
  /** Positions of the new result to keep on an axis, where what is kept is no longer a regular slice. */
  readonly gathers?: readonly { readonly axis: number; readonly positions: readonly number[] }[];
}

/**
 * The abstract graph on which an operator says which positions of which axes belong together. Each verb reads what is known of the
 * inputs, ties it, and says what is known of the output. A value of which nothing is said has axes of fixed size.
 */
export interface CouplingContext<A> {
  readonly facts: OpContext<A>;
  readonly outputShape: (output?: number) => Shape;
  /** Elementwise meeting of broadcast operands: positions that meet belong together; parameters (constants) join. Result: output 0, or another. */
  readonly join: (operands: readonly Operand[], output?: number) => void;
  /** Sum over the axis that both operands call CONTRACTED; `parameters` (a bias) then join the result. Result: output 0. */
  readonly contract: (a: Operand, b: Operand, parameters?: readonly Operand[]) => void;
  /** Convolution of inputs 0 (x), 1 (weight), 2 (bias) in `groups` blocks; `transposed`: the weight is [Cin, Cout/groups, ...]. */
  readonly groupedConvolution: (groups: number, transposed: boolean) => void;
  /** LSTM (4 gates), GRU (3), RNN (1) of inputs x, W, R, B, sequence_lens, initial_h, initial_c, P: the hidden units and the features of x. */
  readonly recurrence: (gates: number) => void;
  /** Channel j (axis 1) of output 0 is made of the channels `sources[j]` of input 0; the batch passes, other axes mix. */
  readonly channelBlocks: (sources: readonly (readonly number[])[]) => void;
  /** The elements of input 0 in the same order under the output's shape. */
  readonly reshape: () => void;
  readonly transpose: (permutation: readonly number[]) => void;
  readonly concat: (axis: number) => void;
  /** Output `output` has the given positions of input 0 on each of the listed axes. */
  readonly select: (
    axes: readonly { readonly axis: number; readonly positions: readonly number[] }[],
    output?: number,
  ) => void;
  /** Positions of input 0 on one axis, the axis then replaced by `indexShape` (ONNX Gather by a constant). */
  readonly gather: (axis: number, positions: readonly number[], indexShape: readonly number[]) => void;
  /** Positions along an axis looked up by a computed index of `indexRank` axes, which take that axis' place: any of them may be read. */
  readonly lookUp: (axis: number, indexRank: number) => void;
  /** New positions (their own units) before and after each axis; negative amounts crop. */
  readonly pad: (begins: readonly number[], ends: readonly number[]) => void;
  /** Broadcasts input 0 to the output's shape; an axis that grows from 1 has the fixed size that the node states. */
  readonly expand: () => void;
  readonly tile: (repeats: readonly number[]) => void;
  /** Reduction of input 0 over axes: of a sum zeroed positions do not matter; a mean is a statistic; along others positions mix. */
  readonly reduce: (axes: readonly number[], keepDims: boolean, kind: "sum" | "mean" | "other") => void;
  /** Input 0 normalised by its mean and variance over the axes; parameters (scale, bias) join. Result: output 0. */
  readonly normalise: (axes: readonly number[], parameters: readonly Operand[]) => void;
  /** Input 0 divided by its norm over the axes, a sum in which zeroed positions do not matter. Result: output 0. */
  readonly divideByNorm: (axes: readonly number[]) => void;
  /** Fixes the size of the tracked axes of an input (all by default), with the reason that reports show. */
  readonly freeze: (input: number, reason: string, axes?: readonly number[]) => void;
  /** Registers how the node's own constants and attributes follow a cut. */
  readonly onCut: (change: (view: CutView) => NodeChange) => void;
}

/** How pruning sees an operator; "frozen" ties every axis that it touches to its present size. */
export type CouplingRule<A> = "frozen" | ((context: CouplingContext<A>) => void);

/** Axes of an operand of rank `rank` aligned to the right of a result of rank `resultRank` (ONNX broadcasting). */
export function alignedAxes(rank: number, resultRank: number): AxisMap {
  return Array.from({ length: rank }, (_, i) => i + resultRank - rank);
}

/** Elementwise over all inputs that are present, broadcast. */
export function coupleBroadcast(c: CouplingContext<unknown>): void {
  const rank = c.outputShape().length;
  const operands = c.facts.inputs.flatMap((input, i) =>
    input === null ? [] : [{ input: i, axes: alignedAxes(input.type.shape.length, rank) }],
  );
  c.join(operands);
}

/** Position by position from input 0 to output 0; other inputs are settings. */
export function couplePass(c: CouplingContext<unknown>): void {
  const rank = c.facts.shape(0).length;
  c.join([{ input: 0, axes: alignedAxes(rank, rank) }]);
}

/** As `couplePass`, but positions mix along the given axes, which are frozen. */
export function coupleOpaque(c: CouplingContext<unknown>, opaque: readonly number[]): void {
  const rank = c.facts.shape(0).length;
  c.join([{ input: 0, axes: alignedAxes(rank, rank).map((axis) => (opaque.includes(axis) ? OPAQUE : axis)) }]);
}

/** Window operators: channels pass, spatial axes mix. */
export function coupleWindow(c: CouplingContext<unknown>): void {
  coupleOpaque(
    c,
    c.facts.shape(0).flatMap((_, i) => (i < 2 ? [] : [i])),
  );
}
