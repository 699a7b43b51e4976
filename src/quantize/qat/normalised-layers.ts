import { consumers, type Graph, type Node, producers, type ValueId, valueById } from "../../ir/index.ts";
import { completeAttributes, OPS } from "../../ops/index.ts";
import { float32, type Tensor, toFloat32 } from "../../tensor/index.ts";
import { outputAxis, scaleAxis } from "../contraction.ts";
import type { QuantizationScheme } from "../scheme.ts";
import { slicesOf } from "../weights.ts";

/** A name and its float32 data, of a constant of the graph before folding. */
export interface NamedConstant {
  readonly name: string;
  readonly data: Tensor<"float32">;
}

/** A convolution or matrix product as it was before its batch normalisation was folded into it. */
export interface NormalisedLayer {
  readonly weight: NamedConstant;
  readonly bias: NamedConstant | null;
  /** Scale, shift, mean and variance of the batch normalisation. */
  readonly norm: readonly [NamedConstant, NamedConstant, NamedConstant, NamedConstant];
  readonly epsilon: number;
}

/** Trained constants of a layer, in the order of `NormalisedLayer`. */
export interface LayerValues {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  readonly norm: readonly Tensor[];
  readonly epsilon: number;
}

/** The weight and bias that a batch normalisation with its running statistics makes of a layer, and the factor of each output channel. */
export function folded(
  node: Node,
  { weight, bias, norm, epsilon }: LayerValues,
): { readonly weight: Tensor<"float32">; readonly bias: Tensor<"float32">; readonly factors: Float64Array } {
  const [scale, shift, mean, variance] = norm.map(toFloat32) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const factors = Float64Array.from(scale, (value, c) => value / Math.sqrt(variance[c]! + epsilon));
  const { size, inner } = slicesOf(weight.shape, outputAxis(node));
  const own = bias === null ? null : toFloat32(bias);
  return {
    weight: float32(
      weight.shape,
      toFloat32(weight).map((value, i) => value * factors[Math.floor(i / inner) % size]!),
    ),
    bias: float32(
      [size],
      Float32Array.from(shift, (value, c) => value + ((own?.[c] ?? 0) - mean[c]!) * factors[c]!),
    ),
    factors,
  };
}

/** How far folded weights may be from those that the passes made, relative to the largest: both are rounded once. */
const TOLERANCE = 1e-4;

function near(a: Float32Array, b: Float32Array): boolean {
  const most = b.reduce((peak, value) => Math.max(peak, Math.abs(value)), 1e-6);
  return a.length === b.length && a.every((value, i) => Math.abs(value - b[i]!) <= TOLERANCE * most);
}

/**
 * The layers of a folded graph that were a convolution or matrix product and a batch normalisation in the graph before, by the name of their node. Only those
 * with a scale a channel: q step factor is then the folded weight whatever the factor, so that the normalisation can go on learning beside the weight. A layer
 * that the passes changed in another way as well, or that shares a constant, is absent.
 */
export function normalisedLayers(
  before: Graph,
  after: Graph,
  scheme: QuantizationScheme,
): ReadonlyMap<string, NormalisedLayer> {
  const readers = consumers(before);
  const sources = producers(before);
  const foldedNodes = new Map(after.nodes.map((node) => [node.name, node]));
  const own = (id: ValueId | null | undefined): NamedConstant | null => {
    if (id === null || id === undefined || readers.get(id)?.length !== 1) return null;
    const { name, data } = valueById(before, id);
    return data?.dtype === "float32" ? { name, data: data as Tensor<"float32"> } : null;
  };
  const layers = new Map<string, NormalisedLayer>();
  for (const norm of before.nodes) {
    if (norm.op !== "BatchNormalization") continue;
    const layer = sources.get(norm.inputs[0]!);
    const node = layer === undefined ? undefined : foldedNodes.get(layer.name);
    if (layer === undefined || node?.op !== layer.op || !isPlain(layer)) continue;
    if (readers.get(layer.outputs[0]!)!.length !== 1 || before.outputs.includes(layer.outputs[0]!)) continue;
    const [weight, bias] = [own(layer.inputs[1]), own(layer.inputs[2])];
    const parameters = norm.inputs.slice(1, 5).map(own);
    const biased = layer.inputs[2] !== undefined && layer.inputs[2] !== null;
    if (weight === null || (biased && bias === null) || parameters.includes(null)) continue;
    if (scaleAxis(node, weight.data.shape, scheme) === null) continue;
    const { epsilon } = completeAttributes("BatchNormalization", OPS.BatchNormalization.attrs, norm.attrs);
    const found: NormalisedLayer = { weight, bias, norm: parameters as never, epsilon };
    if (agrees(after, node, found)) layers.set(node.name, found);
  }
  return layers;
}

function isPlain(node: Node): boolean {
  if (node.op === "Conv") return true;
  return node.op === "Gemm" && Number(node.attrs.alpha ?? 1) === 1 && Number(node.attrs.beta ?? 1) === 1;
}

function agrees(after: Graph, node: Node, { weight, bias, norm, epsilon }: NormalisedLayer): boolean {
  const channels = norm[0].data.data.length;
  if (bias !== null && bias.data.data.length !== channels) return false;
  const values = { weight: weight.data, bias: bias?.data ?? null, norm: norm.map(({ data }) => data), epsilon };
  const expected = folded(node, values);
  const constant = (i: number) => {
    const id = node.inputs[i];
    const data = id === undefined || id === null ? undefined : valueById(after, id).data;
    return data === undefined ? null : toFloat32(data);
  };
  const given = constant(1);
  return (
    given !== null &&
    near(expected.weight.data, given) &&
    near(expected.bias.data, constant(2) ?? new Float32Array(channels))
  );
}
