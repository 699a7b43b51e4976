import { takeAlong, tensor } from "../../../tensor/index.ts";
import { tfliteOptions } from "../codec/index.ts";
import { moveWeight, stepBias, stepWeight } from "../contraction.ts";
import { identityLayout, isIdentity, type Layout } from "../layout.ts";
import { type QuantizedConstant, realValues } from "../quantization.ts";
import type { Lowering, StepContext } from "../step-context.ts";

/** The rows that a fully connected layer multiplies: FULLY_CONNECTED flattens its input itself, so a Flatten in front costs nothing. */
function rowsOf(c: StepContext): { tensor: number; order?: Int32Array } {
  const placed = c.constant(0) === null ? c.placed(0) : null;
  if (placed?.flat === undefined) return { tensor: c.read(0, identityLayout(c.shape(0).length)) };
  const { order, source } = placed.flat;
  const tensor = c.placement.read(source, c.placement.placed(source).layout, c.int8 ? "as-is" : "float", c.name);
  return { tensor, ...(order === undefined ? {} : { order }) };
}

/** weight: [outputs, inputs]. */
function emitFullyConnected(c: StepContext, weight: QuantizedConstant, keepNumDims: boolean, biasInput: number): void {
  const [outputs] = weight.tensor.shape as [number, number];
  const rows = rowsOf(c);
  const stored = stepWeight(c, weight, 0);
  const filter = rows.order === undefined ? stored : { ...stored, tensor: takeAlong(stored.tensor, 1, rows.order) };
  const bias = stepBias(c, biasInput, filter, outputs, c.inQuantization(0), false);
  const operands = [rows.tensor, c.store("weight", filter), bias === null ? -1 : c.store("bias", bias)];
  const y = c.write(0, identityLayout(c.outShape().length));
  const fields = { keepNumDims, fusedActivationFunction: c.step.activation };
  c.emit("FULLY_CONNECTED", operands, [y], tfliteOptions("FullyConnectedOptions", fields));
}

function scaled(constant: QuantizedConstant, factor: number): QuantizedConstant {
  if (factor === 1) return constant;
  const values = realValues(constant).map((value) => value * factor);
  return { tensor: tensor("float32", constant.tensor.shape, values) };
}

function transposed(weight: QuantizedConstant): QuantizedConstant {
  const { shape } = weight.tensor;
  const dimension = weight.quantization?.quantizedDimension === 0 ? 1 : 0;
  return moveWeight(weight, [1, 0], [shape[1]!, shape[0]!], dimension);
}

function lowerGemm(c: StepContext): void {
  if (c.attr<number>("transA") !== 0)
    c.refuse("Gemm with transA has no TFLite form", "Transpose its input in the model.");
  const alpha = c.attr<number>("alpha");
  const beta = c.attr<number>("beta");
  const given = c.needConstant(1, "second matrix");
  const weight = scaled(c.attr<number>("transB") === 1 ? given : transposed(given), alpha);
  const bias = c.has(2) ? c.needConstant(2, "bias") : null;
  const size = bias === null ? 1 : bias.tensor.data.length;
  if (beta !== 1 || (size !== 1 && size !== weight.tensor.shape[0]))
    c.refuse(
      `Gemm with beta ${beta} and a third matrix of ${size} elements has no TFLite form`,
      "Give it beta = 1 and a bias with one element an output.",
    );
  emitFullyConnected(c, weight, false, 2);
}

function lowerMatMul(c: StepContext): void {
  const constant = c.constant(1);
  const rank = c.shape(0).length;
  if (constant !== null && constant.tensor.shape.length === 2 && rank >= 2) {
    emitFullyConnected(c, transposed(constant), rank > 2, Number.POSITIVE_INFINITY);
    return;
  }
  const ranks = [rank, c.shape(1).length];
  if (ranks.some((r) => r < 2 || r > 5))
    c.refuse(`MatMul of tensors of ranks ${ranks.join(" and ")} has no TFLite form`, "Give both sides 2 to 5 axes.");
  const sides = [0, 1].map((i) => matrixSide(c, i));
  const y = c.write(0, identityLayout(c.outShape().length));
  const fields = { adjX: sides[0]!.adjoint, adjY: sides[1]!.adjoint };
  c.emit("BATCH_MATMUL", [sides[0]!.tensor, sides[1]!.tensor], [y], tfliteOptions("BatchMatMulOptions", fields));
}

/** A side whose last two axes lie swapped is read as it is, with TFLite's adjoint flag. */
function matrixSide(c: StepContext, i: number): { tensor: number; adjoint: boolean } {
  const rank = c.shape(i).length;
  const plain = identityLayout(rank);
  const swapped: Layout = [...plain.slice(0, -2), rank - 1, rank - 2];
  const now = c.layout(i);
  const adjoint = now !== null && !isIdentity(now) && now.join() === swapped.join();
  return { tensor: c.read(i, adjoint ? swapped : plain), adjoint };
}

export const Gemm: Lowering = { lower: lowerGemm, int8: true, int16: true };
export const MatMul: Lowering = { lower: lowerMatMul, int8: true, int16: true };
