import type { OpType } from "../../../ops/index.ts";
import type { Lowering } from "../step-context.ts";
import * as activation from "./activation.ts";
import { Conv, ConvTranspose } from "./conv.ts";
import * as elementwise from "./elementwise.ts";
import * as image from "./image.ts";
import { Gemm, MatMul } from "./matmul.ts";
import * as movement from "./movement.ts";
import { BatchNormalization } from "./norm.ts";
import { AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool } from "./pool.ts";
import { QuantizeLinear } from "./quantize.ts";
import * as ranking from "./ranking.ts";
import * as reduce from "./reduce.ts";
import { Flatten, Reshape, Squeeze, Unsqueeze } from "./reshape.ts";

/** How each operator becomes TFLite; one that is not listed is refused by name. DequantizeLinear, Identity and Dropout need no operator. */
export const LOWERINGS: { readonly [T in OpType]?: Lowering } = {
  Conv,
  ConvTranspose,
  Gemm,
  MatMul,
  MaxPool,
  AveragePool,
  GlobalAveragePool,
  GlobalMaxPool,
  BatchNormalization,
  QuantizeLinear,
  Reshape,
  Flatten,
  Squeeze,
  Unsqueeze,
  ...movement,
  ...activation,
  ...elementwise,
  ...reduce,
  ...image,
  ...ranking,
};
