import { toNumbers } from "../../../tensor/index.ts";
import { agreedLayout } from "../agreement.ts";
import { type BuiltinOperator, type TfliteOptions, type TfliteQuantization, tfliteOptions } from "../codec/index.ts";
import { type Layout, physicalShape, placeConstant } from "../layout.ts";
import { convertConstant } from "../placement.ts";
import { asymmetricConstant, perTensor, realValues, symmetricWeights, wide } from "../quantization.ts";
import type { Lowering, StepContext } from "../step-context.ts";

/** The output scale that int16 kernels insist on where int8 kernels have one of their own. */
const wideUnit = wide(perTensor(1 / 32768, 0));

/** A kernel over one operand; `dictated` is the output quantisation that its int8 form insists on (TFLite quantisation specification). */
function activation(
  opcode: BuiltinOperator,
  options?: (c: StepContext) => TfliteOptions,
  dictated?: TfliteQuantization,
  int16 = false,
): Lowering {
  return {
    int8: true,
    int16,
    wants: "output",
    lower: (c) => {
      const layout = agreedLayout(c, [0]);
      const x = c.read(0, layout);
      const own = dictated !== undefined && c.element === "int16" ? wideUnit : dictated;
      c.emit(opcode, [x], [c.write(0, layout, own)], options?.(c));
    },
  };
}

export const Relu = activation("RELU", undefined, undefined, true);
export const Sigmoid = activation("LOGISTIC", undefined, perTensor(1 / 256, -128), true);
export const Tanh = activation("TANH", undefined, perTensor(1 / 128, 0), true);
export const HardSwish = activation("HARD_SWISH", () => tfliteOptions("HardSwishOptions"));
export const LeakyRelu = activation(
  "LEAKY_RELU",
  (c) => tfliteOptions("LeakyReluOptions", { alpha: c.attr<number>("alpha") }),
  undefined,
  true,
);

/** TFLite's int8 form is a table of 256 entries. */
export const Gelu = activation("GELU", (c) =>
  tfliteOptions("GeluOptions", { approximate: c.attr<string>("approximate") === "tanh" }),
);

export const Elu: Lowering = {
  ...activation("ELU"),
  lower: (c) => {
    if (c.attr<number>("alpha") !== 1)
      c.refuse(`Elu with alpha ${c.attr<number>("alpha")} has no TFLite form`, "TFLite's ELU has alpha 1.");
    activation("ELU").lower(c);
  },
};

function lastAxis(opcode: "SOFTMAX" | "LOG_SOFTMAX", dictated: TfliteQuantization): Lowering {
  return {
    int8: true,
    int16: opcode === "SOFTMAX",
    lower: (c) => {
      const rank = c.shape(0).length;
      const axis = c.attr<number>("axis") < 0 ? c.attr<number>("axis") + rank : c.attr<number>("axis");
      const now = agreedLayout(c, [0]);
      const layout: Layout = now.at(-1) === axis ? now : [...now.filter((a) => a !== axis), axis];
      const x = c.read(0, layout);
      const options =
        opcode === "SOFTMAX" ? tfliteOptions("SoftmaxOptions", { beta: 1 }) : tfliteOptions("LogSoftmaxOptions");
      c.emit(opcode, [x], [c.write(0, layout, c.element === "int16" ? wideUnit : dictated)], options);
    },
  };
}

export const Softmax = lastAxis("SOFTMAX", perTensor(1 / 256, -128));
export const LogSoftmax = lastAxis("LOG_SOFTMAX", perTensor(16 / 256, 127));

/** A clamp that nothing in front could take: RELU, RELU6 and RELU_N1_TO_1 where the bounds are theirs, else MAXIMUM and MINIMUM. */
export const Clip: Lowering = {
  int8: true,
  wants: "output",
  lower: (c) => {
    const layout = agreedLayout(c, [0]);
    const bound = (i: number) => {
      const constant = c.has(i) ? c.needConstant(i, "bound") : null;
      return constant === null ? null : toNumbers(convertConstant(constant, "float").tensor)[0]!;
    };
    const low = finite(bound(1));
    const high = finite(bound(2));
    const named =
      low === 0 && high === null
        ? "RELU"
        : low === 0 && high === 6
          ? "RELU6"
          : low === -1 && high === 1
            ? "RELU_N1_TO_1"
            : null;
    if (named !== null) {
      const x = c.read(0, layout);
      c.emit(named, [x], [c.write(0, layout)]);
      return;
    }
    const quantization = c.int8 ? c.outQuantization() : undefined;
    let x = c.read(0, layout, quantization);
    const steps: [BuiltinOperator, number][] = [];
    if (low !== null) steps.push(["MAXIMUM", low]);
    if (high !== null) steps.push(["MINIMUM", high]);
    if (steps.length === 0) c.alias(0, { tensor: x, layout });
    for (const [n, [opcode, value]] of steps.entries()) {
      const constant = { tensor: { dtype: "float32", shape: [], data: Float32Array.of(value) } as const };
      const limit = c.store("bound", convertConstant(constant, quantization ?? "as-is"));
      const to =
        n === steps.length - 1
          ? c.write(0, layout)
          : c.temporary("floor", physicalShape(c.outShape(), layout), quantization);
      c.emit(opcode, [x, limit], [to], tfliteOptions("MaximumMinimumOptions"));
      x = to;
    }
  },
};

/** Bounds beyond float32 clamp nothing. */
function finite(value: number | null): number | null {
  return value === null || Math.abs(value) >= 3.4e38 ? null : value;
}

/** clip(alpha x + beta, 0, 1) = RELU6(6 alpha x + 6 beta) / 6: products and a sum that every runtime has. */
export const HardSigmoid: Lowering = {
  int8: true,
  wants: "output",
  lower: (c) => {
    const layout = agreedLayout(c, [0]);
    const shape = physicalShape(c.outShape(), layout);
    const slope = 6 * c.attr<number>("alpha");
    const shift = 6 * c.attr<number>("beta");
    const constant = (name: string, value: number) => {
      const real = Float32Array.of(value);
      return c.int8 ? c.store(name, asymmetricConstant(real, [])) : c.numbers(name, [], real);
    };
    let x = c.read(0, layout);
    // ONNX states alpha as a float32, for which 6 * (1 / 6) is 1 only to that precision.
    if (Math.abs(slope - 1) > 1e-6) {
      const own = c.inQuantization(0);
      const scaled = c.temporary(
        "scaled",
        shape,
        own === undefined ? undefined : perTensor(own.scales[0]! * Math.abs(slope), own.zeroPoints[0]!),
      );
      c.emit("MUL", [x, constant("slope", slope)], [scaled], tfliteOptions("MulOptions"));
      x = scaled;
    }
    const clamped = c.temporary("clamped", shape, perTensor(6 / 255, -128));
    c.emit(
      "ADD",
      [x, constant("shift", shift)],
      [clamped],
      tfliteOptions("AddOptions", { fusedActivationFunction: "RELU6" }),
    );
    c.emit("MUL", [clamped, constant("sixth", 1 / 6)], [c.write(0, layout)], tfliteOptions("MulOptions"));
  },
};

/** PRELU takes its slopes broadcast over the last axes. */
export const PRelu: Lowering = {
  int8: true,
  wants: "output",
  lower: (c) => {
    const layout = agreedLayout(c, [0]);
    const slope = c.needConstant(1, "slope");
    const x = c.read(0, layout);
    const symmetric = symmetricWeights(realValues(slope), slope.tensor.shape, null);
    const stored = c.int8 ? symmetric : convertConstant(slope, "float");
    const alpha = c.store("slope", { ...stored, tensor: placeConstant(stored.tensor, layout) });
    c.emit("PRELU", [x, alpha], [c.write(0, layout)]);
  },
};

/** log(1 + exp(x)), for which TFLite has no kernel. */
export const Softplus: Lowering = {
  int8: false,
  wants: "output",
  lower: (c) => {
    const layout = agreedLayout(c, [0]);
    const shape = physicalShape(c.outShape(), layout);
    const x = c.read(0, layout);
    // max(x, 0) + log(1 + exp(-|x|)): no overflow.
    const parts = ["positive", "magnitude", "negated", "power", "sum", "logarithm"].map((name) =>
      c.temporary(name, shape),
    );
    const [positive, magnitude, negated, power, sum, logarithm] = parts as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    c.emit("RELU", [x], [positive]);
    c.emit("ABS", [x], [magnitude], tfliteOptions("AbsOptions"));
    c.emit("NEG", [magnitude], [negated], tfliteOptions("NegOptions"));
    c.emit("EXP", [negated], [power], tfliteOptions("ExpOptions"));
    c.emit("ADD", [power, c.numbers("one", [], [1])], [sum], tfliteOptions("AddOptions"));
    c.emit("LOG", [sum], [logarithm]);
    c.emit("ADD", [positive, logarithm], [c.write(0, layout)], tfliteOptions("AddOptions"));
  },
};
