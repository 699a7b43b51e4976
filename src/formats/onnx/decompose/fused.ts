import type { Attributes, ValueId } from "../../../ir/index.ts";
import type { Decompose, FileNode } from "../file-node.ts";

/** An activation that ONNX Runtime fused into the node before it, with its parameters in the order of its attributes. */
function activated(node: FileNode, x: ValueId, name: string, parameters: readonly number[]): ValueId {
  const [first, second] = parameters;
  const { dtype } = node.type(x);
  switch (name) {
    case "Relu":
    case "Sigmoid":
    case "Tanh":
      return node.result(name, [x]);
    case "LeakyRelu":
      return node.result(name, [x], { alpha: first ?? 0.01 });
    case "HardSigmoid":
      return node.result(name, [x], { alpha: first ?? 0.2, beta: second ?? 0.5 });
    case "Clip":
      return node.result(name, [x, node.scalar("min", first ?? 0, dtype), node.scalar("max", second ?? 6, dtype)]);
    default:
      return node.fail(
        `The fused activation "${name}" is not supported`,
        "Save the model before ONNX Runtime's fusions.",
      );
  }
}

function withoutActivation(node: FileNode): Attributes {
  return Object.fromEntries(Object.entries(node.attrs).filter(([name]) => !name.startsWith("activation")));
}

/** com.microsoft FusedConv: activation(Conv(x, w, b) + z). */
export const fusedConv: Decompose = (node) => {
  const activation = node.text("activation", "");
  const added = node.optional(3);
  const inputs = [node.input(0), node.input(1), node.optional(2)];
  const attrs = withoutActivation(node);
  if (activation === "")
    return [added === null ? node.result("Conv", inputs, attrs) : sumOf(node, inputs, attrs, added)];
  const conv = node.node("Conv", inputs, attrs);
  const sum = added === null ? conv : node.node("Add", [conv, added]);
  return [activated(node, sum, activation, node.list("activation_params"))];
};

function sumOf(node: FileNode, inputs: (ValueId | null)[], attrs: Attributes, added: ValueId): ValueId {
  return node.result("Add", [node.node("Conv", inputs, attrs), added]);
}

/** com.microsoft FusedGemm: activation(Gemm(a, b, c)). */
export const fusedGemm: Decompose = (node) => {
  const gemm = node.node("Gemm", [node.input(0), node.input(1), node.optional(2)], withoutActivation(node));
  const parameters = ["activation_alpha", "activation_beta"].map((name) => node.attrs[name]);
  const given = parameters.filter((value) => typeof value === "number");
  return [activated(node, gemm, node.text("activation", ""), given)];
};

/** The matrix with its last two axes exchanged. */
function transposed(node: FileNode, id: ValueId, wanted: boolean): ValueId {
  const rank = node.shape(id).length;
  if (!wanted || rank < 2) return id;
  const perm = Array.from({ length: rank }, (_, i) => (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
  return node.node("Transpose", [id], { perm });
}

/** com.microsoft FusedMatMul: alpha * a' @ b', each transposed in its last two axes on request. */
export const fusedMatMul: Decompose = (node) => {
  if (node.number("transBatchA", 0) !== 0 || node.number("transBatchB", 0) !== 0)
    return node.fail(
      `${node.op} that moves the batch axes is not supported`,
      "Save the model before ONNX Runtime's fusions.",
    );
  const a = transposed(node, node.input(0), node.number("transA", 0) !== 0);
  const b = transposed(node, node.input(1), node.number("transB", 0) !== 0);
  const alpha = node.number("alpha", 1);
  if (alpha === 1) return [node.result("MatMul", [a, b])];
  return [node.result("Mul", [node.node("MatMul", [a, b]), node.scalar("alpha", alpha, node.type(a).dtype)])];
};
