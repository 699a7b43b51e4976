import { EspalierError } from "../../../diagnostics/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import { cast, op, rankOf, reduce, type Scope, shapeOf, sizeAt } from "../emit/scope.ts";
import { conv, convTranspose, depthwise, type Padding, pool, type WindowOptions } from "../emit/window.ts";
import { activated, isLast, type LayerContext, type LayerReaders, unary, weight } from "./context.ts";

function bias(c: LayerContext): ValueId | null {
  return c.config.bool("use_bias", true) ? weight(c, "bias") : null;
}

/** x times a kernel [in, out], over the last axis. */
export function linear(s: Scope, x: ValueId, kernel: ValueId, b: ValueId | null): ValueId {
  if (rankOf(s, x) === 2 && b !== null) return op(s, "Gemm", [x, kernel, b]);
  const y = op(s, "MatMul", [x, kernel]);
  return b === null ? y : op(s, "Add", [y, b]);
}

function dense(c: LayerContext, x: ValueId): ValueId {
  return activated(c, linear(c, x, weight(c, "kernel"), bias(c)));
}

/** Strides, dilations and padding of a layer over `rank` - 2 spatial axes. */
function windowOf(c: LayerContext, x: ValueId, kernel: readonly number[], strideFallback = 1): WindowOptions {
  const spatial = rankOf(c, x) - 2;
  const dilations = c.config.list("dilation_rate", spatial, 1);
  return {
    strides: c.config.list("strides", spatial, strideFallback),
    dilations,
    padding: paddingOf(c, kernel, dilations),
    last: isLast(c),
  };
}

/** "causal" pads before the sequence only, so that no output sees what comes later. */
function paddingOf(c: LayerContext, kernel: readonly number[], dilations: readonly number[]): Padding {
  const padding = c.config.text("padding", "valid").toLowerCase();
  if (padding === "same") return "SAME";
  if (padding === "valid") return "VALID";
  if (padding === "causal" && kernel.length === 1) return [[(kernel[0]! - 1) * dilations[0]!, 0]];
  throw new EspalierError("input", `"padding" must be same, valid or (for one spatial axis) causal, got "${padding}"`);
}

function needRank(c: LayerContext, x: ValueId, rank: number): void {
  if (rankOf(c, x) !== rank)
    throw new EspalierError("input", `${c.className} needs an input of rank ${rank}, got rank ${rankOf(c, x)}`);
}

/** The spatial sizes of a kernel [...spatial, a, b]. */
function spatialOf(c: LayerContext, kernel: ValueId): number[] {
  return shapeOf(c, kernel)
    .slice(0, -2)
    .map((dim) => dim as number);
}

function convolution(spatial: number) {
  return unary((c, x) => {
    needRank(c, x, spatial + 2);
    const kernel = weight(c, "kernel");
    return activated(c, conv(c, x, kernel, bias(c), windowOf(c, x, spatialOf(c, kernel))));
  });
}

function depthwiseConv(c: LayerContext, x: ValueId): ValueId {
  const kernel = weight(c, "depthwise_kernel");
  return activated(c, depthwise(c, x, kernel, bias(c), windowOf(c, x, spatialOf(c, kernel))));
}

function separable(c: LayerContext, x: ValueId): ValueId {
  const kernel = weight(c, "depthwise_kernel");
  const window = windowOf(c, x, spatialOf(c, kernel));
  const inner = depthwise(c, x, kernel, null, window);
  const plain = { strides: window.strides.map(() => 1), padding: "VALID", last: window.last } as const;
  return activated(c, conv(c, inner, weight(c, "pointwise_kernel"), bias(c), plain));
}

/** Output sizes: same: size * stride; valid: size * stride + max(kernel - stride, 0) (tfjs-layers, deconvLength). */
function transposed(spatial: number) {
  return unary((c, x) => {
    needRank(c, x, spatial + 2);
    const kernel = weight(c, "kernel");
    const window = windowOf(c, x, []);
    const sizes = spatialOf(c, kernel).map((size, i) => {
      const stride = window.strides[i]!;
      const input = sizeAt(c, x, window.last ? i + 1 : i + 2);
      return input * stride + (window.padding === "SAME" ? 0 : Math.max(size - stride, 0));
    });
    return activated(c, convTranspose(c, x, kernel, bias(c), sizes, window));
  });
}

function pooling(type: "MaxPool" | "AveragePool", spatial: number) {
  return unary((c, x) => {
    needRank(c, x, spatial + 2);
    const kernel = c.config.list("pool_size", spatial, 2);
    const strides = c.config.raw("strides") === undefined ? kernel : c.config.list("strides", spatial, 1);
    return pool(c, type, x, kernel, { strides, padding: paddingOf(c, [], []), last: isLast(c) });
  });
}

function globalPool(type: "ReduceMax" | "ReduceMean", spatial: number) {
  return unary((c, x) => {
    needRank(c, x, spatial + 2);
    const first = isLast(c) ? 1 : 2;
    const axes = Array.from({ length: spatial }, (_, i) => first + i);
    return reduce(c, type, x, axes, c.config.bool("keepdims", false));
  });
}

/** Row i of the table for index i; whatever the type of the indices, they count as int32 (tfjs-layers, Embedding.call). */
function embedding(c: LayerContext, x: ValueId): ValueId {
  return op(c, "Gather", [weight(c, "embeddings"), cast(c, x, "int32")], { axis: 0 });
}

/** Layers with kernels, and pools. */
export const DENSE: LayerReaders = {
  AveragePooling1D: pooling("AveragePool", 1),
  AveragePooling2D: pooling("AveragePool", 2),
  AveragePooling3D: pooling("AveragePool", 3),
  Conv1D: convolution(1),
  Conv2D: convolution(2),
  Conv2DTranspose: transposed(2),
  Conv3D: convolution(3),
  Conv3DTranspose: transposed(3),
  Dense: unary(dense),
  DepthwiseConv2D: unary(depthwiseConv),
  Embedding: unary(embedding),
  GlobalAveragePooling1D: globalPool("ReduceMean", 1),
  GlobalAveragePooling2D: globalPool("ReduceMean", 2),
  GlobalMaxPooling1D: globalPool("ReduceMax", 1),
  GlobalMaxPooling2D: globalPool("ReduceMax", 2),
  MaxPooling1D: pooling("MaxPool", 1),
  MaxPooling2D: pooling("MaxPool", 2),
  MaxPooling3D: pooling("MaxPool", 3),
  SeparableConv2D: unary(separable),
};
