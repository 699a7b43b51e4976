import type { Decompose } from "../file-node.ts";
import { microsoftAttention, multiHeadAttention } from "./attention.ts";
import { dequantizeLinear } from "./dequantize.ts";
import { dropout } from "./dropout.ts";
import { fusedConv, fusedGemm, fusedMatMul } from "./fused.ts";
import { biasGelu, fastGelu, gelu, quickGelu } from "./gelu.ts";
import { dynamicQuantizeMatMul, matMulIntegerToFloat } from "./integer-products.ts";
import {
  batchNormalization,
  groupNormalization,
  rmsNormalization,
  simplifiedLayerNormalization,
  skipLayerNormalization,
  skipSimplifiedLayerNormalization,
} from "./normalization.ts";
import { onnxAttention } from "./onnx-attention.ts";
import {
  qGemm,
  qLinearBinary,
  qLinearConcat,
  qLinearConv,
  qLinearMatMul,
  qLinearPool,
  qLinearSoftmax,
  qLinearUnary,
  qLinearWhere,
} from "./qoperator.ts";
import { batchFirst } from "./recurrent.ts";
import { microsoftRotaryEmbedding, onnxRotaryEmbedding } from "./rotary.ts";
import { flattenedSoftmax } from "./softmax.ts";

/** Operators and forms of the standard domain that the operator table does not have, as nodes that it has. */
export const DECOMPOSITIONS: ReadonlyMap<string, Decompose> = new Map<string, Decompose>([
  ["Attention", onnxAttention],
  ["BatchNormalization", batchNormalization],
  ["DequantizeLinear", dequantizeLinear],
  ["Dropout", dropout],
  ["GRU", batchFirst],
  ["GroupNormalization", groupNormalization],
  ["Hardmax", flattenedSoftmax],
  ["LSTM", batchFirst],
  ["LogSoftmax", flattenedSoftmax],
  ["QLinearConv", qLinearConv],
  ["QLinearMatMul", qLinearMatMul],
  ["RMSNormalization", rmsNormalization],
  ["RNN", batchFirst],
  ["RotaryEmbedding", onnxRotaryEmbedding],
  // ONNX Runtime writes this one into the standard domain.
  ["SimplifiedLayerNormalization", simplifiedLayerNormalization],
  ["Softmax", flattenedSoftmax],
]);

/** A node of com.microsoft that means what the standard operator of its name means. */
const standard: Decompose = () => null;

/** Operators of the domain com.microsoft, ONNX Runtime's own: its fusions, and its quantised operators. */
export const MICROSOFT: ReadonlyMap<string, Decompose> = new Map<string, Decompose>([
  ["Attention", microsoftAttention],
  ["BiasGelu", biasGelu],
  ["DequantizeLinear", standard],
  ["DynamicQuantizeMatMul", dynamicQuantizeMatMul],
  ["FastGelu", fastGelu],
  ["FusedConv", fusedConv],
  ["FusedGemm", fusedGemm],
  ["FusedMatMul", fusedMatMul],
  ["Gelu", gelu],
  ["LayerNormalization", standard],
  ["MatMulIntegerToFloat", matMulIntegerToFloat],
  ["MultiHeadAttention", multiHeadAttention],
  ["QGemm", qGemm],
  ["QLinearAdd", qLinearBinary("Add")],
  ["QLinearAveragePool", qLinearPool("AveragePool")],
  ["QLinearConcat", qLinearConcat],
  ["QLinearConv", qLinearConv],
  ["QLinearGlobalAveragePool", qLinearPool("GlobalAveragePool")],
  ["QLinearLeakyRelu", qLinearUnary("LeakyRelu", (node) => ({ alpha: node.number("alpha", 0.01) }))],
  ["QLinearMul", qLinearBinary("Mul")],
  ["QLinearSigmoid", qLinearUnary("Sigmoid")],
  ["QLinearSoftmax", qLinearSoftmax],
  ["QLinearWhere", qLinearWhere],
  ["QuantizeLinear", standard],
  ["QuickGelu", quickGelu],
  ["RotaryEmbedding", microsoftRotaryEmbedding],
  ["SimplifiedLayerNormalization", simplifiedLayerNormalization],
  ["SkipLayerNormalization", skipLayerNormalization],
  ["SkipSimplifiedLayerNormalization", skipSimplifiedLayerNormalization],
  ["TransposeMatMul", fusedMatMul],
]);
