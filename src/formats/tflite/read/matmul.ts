import { productOf, shapeText, type ValueId } from "../../../ir/index.ts";
import { activated } from "./fused.ts";
import type { OperatorReaders, Step } from "./step.ts";
import { biasOf, weightOf } from "./weights.ts";

/**
 * Rows times filters [out, in] plus bias. The input is flattened to rows unless keep_num_dims is set. Matrices become Gemm; with more axes a
 * float layer becomes MatMul and Add, as exporters write it, a quantised one keeps its bias inside a Gemm between two Reshapes.
 */
function fullyConnected(s: Step): void {
  const o = s.options("FullyConnectedOptions");
  if (o.weightsFormat !== "DEFAULT")
    s.refuse(`FULLY_CONNECTED with weights in the format ${o.weightsFormat} is not supported`);
  if (s.rank(1) !== 2) s.fail(`FULLY_CONNECTED needs filters of rank 2, got ${shapeText(s.shape(1))}`);
  const inner = s.dim(1, 1);
  const outputs = s.dim(1, 0);
  const shape = s.shape(0);
  const { factor } = productOf(shape);
  if (inner < 1 || factor % inner !== 0)
    s.fail(`FULLY_CONNECTED has ${shapeText(shape)} as input and filters of ${inner}`);
  const keep = o.keepNumDims && shape.length !== 2;
  const bias = biasOf(s, 2, 0, 1);
  let y: ValueId;
  if (keep && !s.quantized(0)) {
    const product = s.node("MatMul", [s.real(0), weightOf(s, 1, [1, 0])]);
    y = bias === null ? product : s.node("Add", [product, bias]);
  } else {
    const rows = shape.length === 2 && shape[1] === inner ? s.real(0) : flattened(s, inner);
    y = s.node("Gemm", bias === null ? [rows, weightOf(s, 1, [0, 1])] : [rows, weightOf(s, 1, [0, 1]), bias], {
      transB: 1,
    });
    if (keep) y = s.reshape(y, [...shape.slice(0, -1), outputs]);
  }
  s.put(0, activated(s, y, o.fusedActivationFunction));
}

/** Input 0 as rows, reshaped as it is stored, so that DequantizeLinear stays beside the product. */
function flattened(s: Step, inner: number): ValueId {
  const rows = s.node("Reshape", [s.raw(0), s.longs([-1, inner])]);
  return s.quantized(0) ? s.values.dequantized(rows, s.at(0), `${s.name}/rows`) : rows;
}

function batchMatMul(s: Step): void {
  const o = s.options("BatchMatMulOptions");
  const side = (i: number, adjoint: boolean): ValueId => {
    const rank = s.rank(i);
    if (rank < 2) s.fail(`BATCH_MATMUL needs operands of rank 2 at least, got ${shapeText(s.shape(i))}`);
    const order = Array.from({ length: rank }, (_, axis) => axis);
    return weightOf(s, i, adjoint ? [...order.slice(0, -2), rank - 1, rank - 2] : order);
  };
  s.put(0, s.node("MatMul", [side(0, o.adjX), side(1, o.adjY)]));
}

export const PRODUCTS: OperatorReaders = {
  FULLY_CONNECTED: { read: fullyConnected, gives: ["Gemm", "MatMul", "Add", "Reshape"] },
  BATCH_MATMUL: { read: batchMatMul, gives: ["MatMul"] },
};
