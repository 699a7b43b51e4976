import { activated } from "./fused.ts";
import type { OperatorReaders, Step } from "./step.ts";

/** Least length that a vector is divided by (tensorflow/lite/kernels/internal/reference/l2normalization.h). */
const L2_EPSILON = 1e-6;

function l2Normalization(s: Step): void {
  const x = s.real(0);
  const length = s.node("ReduceL2", [x, s.longs([-1])], { keepdims: 1 });
  const y = s.node("Div", [x, s.node("Max", [length, s.scalar(L2_EPSILON)])]);
  s.put(0, activated(s, y, s.options("L2NormOptions").fusedActivationFunction));
}

/** x * (bias + alpha * sum of squares over radius channels to each side) ^ -beta; ONNX divides alpha by the window. */
function localResponse(s: Step): void {
  const { radius, bias, alpha, beta } = s.options("LocalResponseNormalizationOptions");
  const size = 2 * radius + 1;
  if (radius < 0) s.fail(`LOCAL_RESPONSE_NORMALIZATION has a radius of ${radius}`);
  s.put(0, s.node("LRN", [s.real(0, "first")], { size, bias, alpha: alpha * size, beta }), "first");
}

export const NORMALIZATIONS: OperatorReaders = {
  L2_NORMALIZATION: { read: l2Normalization, gives: ["ReduceL2", "Max", "Div"] },
  LOCAL_RESPONSE_NORMALIZATION: { read: localResponse, gives: ["LRN"] },
};
