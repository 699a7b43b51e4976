import { EspalierError } from "../diagnostics/index.ts";
import type { Node } from "../ir/index.ts";
import { float32, permute, type Tensor, toFloat32 } from "../tensor/index.ts";
import { meanShift } from "./channel-means.ts";
import { type QuantizationScheme, weightLevels } from "./scheme.ts";
import { leastScales, type QuantizedWeight, quantizeBias, quantizeWeight } from "./weights.ts";

/** The constants of a convolution or matrix product, as int8 and int32. */
export interface QuantizedContraction {
  readonly weight: QuantizedWeight;
  readonly bias: { readonly data: Tensor<"int32">; readonly scales: Float32Array } | null;
}

export interface ContractionInput {
  readonly scale: number;
  /** Mean of each input channel, when biases are to be corrected. */
  readonly means?: Float64Array | undefined;
  /** Scales of the weight, one a slice of `scaleAxis`; default from its largest magnitudes. */
  readonly weightScales?: Float32Array | undefined;
}

/** The axis of a contraction's weight that has a scale a slice; null when one scale serves all. */
export function scaleAxis(node: Node, shape: readonly number[], scheme: QuantizationScheme): number | null {
  const granularity = node.op.startsWith("Conv") ? scheme.convolution : scheme.fullyConnected;
  // A transposed convolution with groups has no axis that counts its outputs.
  const counts = node.op !== "ConvTranspose" || groupOf(node) === 1;
  return granularity === "per-channel" && counts && shape.length > 1 ? outputAxis(node) : null;
}

/** Quantises the constants of a Conv, ConvTranspose, Gemm (its alpha and beta folded in) or MatMul by a matrix. */
export function quantizeContraction(
  node: Node,
  weight: Tensor,
  bias: Tensor | undefined,
  input: ContractionInput,
  scheme: QuantizationScheme,
): QuantizedContraction {
  const factor = (name: string) => (node.op === "Gemm" ? Number(node.attrs[name] ?? 1) : 1);
  const real = times(weight, factor("alpha"));
  const channels = outputAxis(node);
  const outputs = real.shape[channels]! * (node.op === "ConvTranspose" ? groupOf(node) : 1);
  const values = bias === undefined ? null : spread(times(bias, factor("beta")), outputs);
  const axis = scaleAxis(node, real.shape, scheme);
  const stored = quantizeWeight(real, axis, {
    least: leastScales(values, input.scale, outputs),
    levels: weightLevels(scheme),
    scales: input.weightScales,
  });
  const corrected = correctBias(node, values, real, stored, input.means);
  return { weight: stored, bias: corrected === null ? null : quantizeBias(corrected, input.scale, stored.scales) };
}

/** The axis of a weight that counts outputs: O of OIHW, of [I, O, ...] for ConvTranspose, of the matrix for products. */
export function outputAxis(node: Node): number {
  if (node.op === "Conv") return 0;
  return node.op === "Gemm" && Number(node.attrs.transB ?? 0) === 1 ? 0 : 1;
}

function groupOf(node: Node): number {
  return Number(node.attrs.group ?? 1);
}

function times(t: Tensor, factor: number): Tensor {
  return factor === 1
    ? t
    : float32(
        t.shape,
        toFloat32(t).map((value) => value * factor),
      );
}

function spread(bias: Tensor, count: number): Float32Array {
  const values = toFloat32(bias);
  if (values.length === count) return values;
  if (values.length === 1) return new Float32Array(count).fill(values[0]!);
  throw new EspalierError(
    "unsupported",
    `A bias of ${values.length} elements beside ${count} outputs cannot be quantised`,
  );
}

/** The bias less the mean shift that rounding the weight causes, where the means of the input are known and fit. */
function correctBias(
  node: Node,
  bias: Float32Array | null,
  weight: Tensor,
  stored: QuantizedWeight,
  means: Float64Array | undefined,
): Float32Array | null {
  if (means === undefined || (node.op !== "Conv" && node.op !== "Gemm")) return bias;
  const group = node.op === "Conv" ? groupOf(node) : 1;
  const first = outputAxis(node) === 0;
  const laid = first ? weight : permute(weight, [1, 0]);
  const rounded = first ? stored.data : permute(stored.data, [1, 0]);
  const [outputs, inputs, ...kernel] = laid.shape as [number, number, ...number[]];
  if (means.length !== inputs * group) return bias;
  const area = kernel.reduce((a, b) => a * b, 1);
  const error = toFloat32(laid).map((value, i) => {
    const scale = stored.scales[stored.scales.length === 1 ? 0 : Math.floor(i / (inputs * area))]!;
    return rounded.data[i]! * scale - value;
  });
  const shift = meanShift(error, [outputs, inputs, area], means, group);
  return Float32Array.from(shift, (value, o) => (bias?.[o] ?? 0) - value);
}
