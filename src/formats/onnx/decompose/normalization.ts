import { normalAxis, type ValueId } from "../../../ir/index.ts";
import type { Decompose, FileNode } from "../file-node.ts";

/** GroupNormalization as InstanceNormalization over groups; scale and bias are one a group at opset 18, one a channel at 21 (ONNX GroupNormalization-21). */
export const groupNormalization: Decompose = (node) => {
  const [x, scale, bias] = [node.input(0), node.input(1), node.input(2)];
  const shape = node.shape(x);
  const channels = node.size(x, 1);
  const groups = node.number("num_groups", 0);
  if (!(groups > 0) || channels % groups !== 0)
    return node.fail(`${channels} channels do not make ${groups} groups`, undefined, "input");
  const { dtype } = node.type(x);
  const epsilon = node.number("epsilon", 1e-5);
  const perGroup = node.opset < 21;
  const grouped = node.node("Reshape", [x, node.ints("grouped", [0, groups, -1])]);
  const fill = (name: string, value: number) => node.counted(name, dtype, groups, () => value);
  const operands = perGroup ? [scale, bias] : [fill("ones", 1), fill("zeros", 0)];
  const normal = node.node("InstanceNormalization", [grouped, ...operands], { epsilon });
  const spatial = shape.slice(2).map((_, i) => node.size(x, i + 2));
  const back = [normal, node.ints("shape", [0, channels, ...spatial])];
  if (perGroup) return [node.result("Reshape", back)];
  const column = node.ints("column", [channels, ...spatial.map(() => 1)]);
  const scaled = node.node("Mul", [node.node("Reshape", back), node.node("Reshape", [scale, column])]);
  return [node.result("Add", [scaled, node.node("Reshape", [bias, column])])];
};

/** 1 / sqrt(mean(x^2) + epsilon) over the axes from `axis` on, in float32. */
function inverseRootMeanSquare(node: FileNode, x: ValueId, axis: number, epsilon: number): ValueId {
  const rank = node.shape(x).length;
  const axes = Array.from({ length: rank - axis }, (_, i) => axis + i);
  const square = node.node("Mul", [x, x]);
  const mean = node.node("ReduceMean", [square, node.ints("axes", axes)], { keepdims: 1 });
  const shifted = node.node("Add", [mean, node.scalar("epsilon", epsilon, node.type(x).dtype)]);
  return node.node("Reciprocal", [node.node("Sqrt", [shifted])]);
}

/** x / sqrt(mean(x^2) + epsilon) * scale (ONNX RMSNormalization-23); float16 is computed in float32, as stash_type 1 says. */
export function rootMeanSquareNorm(
  node: FileNode,
  x: ValueId,
  scale: ValueId,
  options: { readonly axis: number; readonly epsilon: number },
): (ValueId | null)[] {
  const { dtype } = node.type(x);
  const wide = dtype === "float16" && node.number("stash_type", 1) === 1;
  const widened = wide ? node.node("Cast", [x], { to: 1 }) : x;
  const axis = normalAxis(options.axis, node.shape(x).length);
  const inverse = inverseRootMeanSquare(node, widened, axis, options.epsilon);
  const normal = node.node("Mul", [widened, inverse]);
  const narrow = wide ? node.node("Cast", [normal], { to: 10 }) : normal;
  return [node.result("Mul", [narrow, scale]), inverse];
}

export const rmsNormalization: Decompose = (node) => [
  rootMeanSquareNorm(node, node.input(0), node.input(1), {
    axis: node.number("axis", -1),
    epsilon: node.number("epsilon", 1e-5),
  })[0]!,
];

/** ONNX Runtime's SimplifiedLayerNormalization: the same, with the inverse root as its second output. */
export const simplifiedLayerNormalization: Decompose = (node) =>
  rootMeanSquareNorm(node, node.input(0), node.input(1), {
    axis: node.number("axis", -1),
    epsilon: node.number("epsilon", 1e-5),
  });

/** The sum that a Skip...Normalization works on: input + skip (+ bias); it is an output as well. */
function skipSum(node: FileNode, bias: ValueId | null): ValueId {
  const sum = [node.input(0), node.input(1)];
  const name = node.outputs[3] ?? null;
  if (bias === null) return name === null ? node.node("Add", sum) : node.result("Add", sum, {}, 3);
  const inputs = [node.node("Add", sum), bias];
  return name === null ? node.node("Add", inputs) : node.result("Add", inputs, {}, 3);
}

/** com.microsoft SkipLayerNormalization: LayerNormalization(input + skip + bias) * gamma + beta over the last axis. */
export const skipLayerNormalization: Decompose = (node) => {
  const sum = skipSum(node, node.optional(4));
  const epsilon = node.number("epsilon", 1e-12);
  return [
    node.result("LayerNormalization", [sum, node.input(2), node.optional(3)], { axis: -1, epsilon }),
    null,
    null,
    sum,
  ];
};

/** com.microsoft SkipSimplifiedLayerNormalization: the same with the root mean square. */
export const skipSimplifiedLayerNormalization: Decompose = (node) => {
  const sum = skipSum(node, node.optional(3));
  const epsilon = node.number("epsilon", 1e-12);
  const [y, inverse] = rootMeanSquareNorm(node, sum, node.input(2), { axis: -1, epsilon });
  return [y!, null, inverse!, sum];
};

/**
 * BatchNormalization that normalises by the statistics of its own batch, as training does (ONNX BatchNormalization-15, training_mode 1; before opset
 * 14 a node that names its further outputs, which ONNX Runtime reads so too). Any other stays as it is.
 */
export const batchNormalization: Decompose = (node) => {
  if (node.opset < 9 && node.number("spatial", 1) === 0)
    return node.fail("BatchNormalization with spatial=0 is not supported", "Export the model with opset 9 or later.");
  for (const name of ["spatial", "is_test", "consumed_inputs"]) node.take(name);
  const training = node.opset >= 14 ? node.number("training_mode", 0) === 1 : node.declared > 1;
  if (!training) return null;
  if (node.uses(3) || node.uses(4))
    return node.fail("This BatchNormalization keeps statistics of training", "Export the model in evaluation mode.");
  const [x, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map((i) => node.input(i)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const rank = node.shape(x).length;
  const axes = node.ints(
    "axes",
    Array.from({ length: rank }, (_, i) => i).filter((i) => i !== 1),
  );
  const flat = node.ints("channels", [node.size(x, 1)]);
  const ownMean = node.node("ReduceMean", [x, axes], { keepdims: 1 });
  const centred = node.node("Sub", [x, ownMean]);
  const ownVariance = node.node("ReduceMean", [node.node("Mul", [centred, centred]), axes], { keepdims: 1 });
  const statistics = [ownMean, ownVariance].map((id) => node.node("Reshape", [id, flat])) as [number, number];
  const y = node.result("BatchNormalization", [x, scale, bias, ...statistics], {
    epsilon: node.number("epsilon", 1e-5),
  });
  const momentum = node.number("momentum", 0.9);
  const running = (old: ValueId, own: ValueId, i: number) => {
    if (!node.uses(i)) return null;
    const { dtype } = node.type(old);
    const kept = node.node("Mul", [old, node.scalar("momentum", momentum, dtype)]);
    return node.result("Add", [kept, node.node("Mul", [own, node.scalar("rest", 1 - momentum, dtype)])], {}, i);
  };
  return [y, running(mean, statistics[0], 1), running(variance, statistics[1], 2)];
};
