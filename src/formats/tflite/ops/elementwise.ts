import { sizeOf } from "../../../tensor/index.ts";
import { agreedLayout } from "../agreement.ts";
import { type BuiltinOperator, type TfliteOptions, tfliteOptions } from "../codec/index.ts";
import { identityLayout, type Layout, physicalShape } from "../layout.ts";
import type { Lowering, StepContext } from "../step-context.ts";

/** An operand in the layout of a broadcast result: lower ranks get their missing leading axes. */
function operand(c: StepContext, i: number, layout: Layout, sameScale: boolean): number {
  const rank = c.shape(i).length;
  const quantization = c.int8 && sameScale ? c.outQuantization() : undefined;
  const outRank = c.outShape().length;
  if (rank === outRank || c.constant(i) !== null) return c.read(i, rank === 0 ? [] : layout, quantization);
  // A computed operand of lower rank broadcasts from the right in TFLite too, as long as nothing was moved.
  const moved = layout.some((axis, at) => axis !== at);
  if (!moved) return c.read(i, identityLayout(rank), quantization);
  return c.refuse(
    `${c.step.op} broadcasts a computed value of rank ${rank} into a channels-last one of rank ${outRank}`,
    "Reshape it to the full rank in the model.",
  );
}

type WithActivation = "ADD" | "SUB" | "MUL" | "DIV";
type Plain =
  | "MAXIMUM"
  | "MINIMUM"
  | "EQUAL"
  | "GREATER"
  | "GREATER_EQUAL"
  | "LESS"
  | "LESS_EQUAL"
  | "LOGICAL_AND"
  | "LOGICAL_OR"
  | "NOT_EQUAL"
  | "BITWISE_XOR"
  | "POW";

function binaryOptions(c: StepContext, opcode: WithActivation | Plain): TfliteOptions | undefined {
  const fusedActivationFunction = c.step.activation;
  // Scales of int16 need not be powers of two, as the first kernels for it wanted.
  const potScaleInt16 = c.element !== "int16";
  if (opcode === "ADD") return tfliteOptions("AddOptions", { fusedActivationFunction, potScaleInt16 });
  if (opcode === "SUB") return tfliteOptions("SubOptions", { fusedActivationFunction, potScaleInt16 });
  if (opcode === "MUL") return tfliteOptions("MulOptions", { fusedActivationFunction });
  if (opcode === "DIV") return tfliteOptions("DivOptions", { fusedActivationFunction });
  if (opcode === "MAXIMUM" || opcode === "MINIMUM") return tfliteOptions("MaximumMinimumOptions");
  return undefined;
}

/** A chain of a two-operand kernel over all inputs. */
function binary(opcode: WithActivation | Plain, int8: boolean, sameScale = false): Lowering {
  return {
    int8,
    int16: int8,
    wants: "output",
    lower: (c) => {
      const layout = agreedLayout(
        c,
        c.step.inputs.map((_, i) => i),
      );
      let left = operand(c, 0, layout, sameScale);
      if (c.step.inputs.length === 1) {
        c.alias(0, { tensor: left, layout });
        return;
      }
      for (let i = 1; i < c.step.inputs.length; i++) {
        const right = operand(c, i, layout, sameScale);
        const last = i === c.step.inputs.length - 1;
        const shape = layout.map((axis) => (axis < 0 ? 1 : c.outShape()[axis]!));
        const to = last
          ? c.write(0, layout)
          : c.temporary(`partial${i}`, shape, sameScale && c.int8 ? c.outQuantization() : undefined);
        c.emit(opcode, [left, right], [to], binaryOptions(c, opcode));
        left = to;
      }
    },
  };
}

/** A kernel over one operand. */
function unary(opcode: BuiltinOperator, int8 = false, options?: (c: StepContext) => TfliteOptions): Lowering {
  return {
    int8,
    wants: "output",
    lower: (c) => {
      const layout = agreedLayout(c, [0]);
      const x = c.read(0, layout);
      c.emit(opcode, [x], [c.write(0, layout)], options?.(c));
    },
  };
}

export const Add = binary("ADD", true);
export const Sub = binary("SUB", true);
export const Mul = binary("MUL", true);
export const Div = binary("DIV", false);
export const Max = binary("MAXIMUM", true, true);
export const Min = binary("MINIMUM", true, true);
/** int8 chains would need a scale for each partial sum, which the graph does not state. */
export const Sum = binary("ADD", false);
export const Equal = binary("EQUAL", false);
export const Greater = binary("GREATER", false);
export const GreaterOrEqual = binary("GREATER_EQUAL", false);
export const Less = binary("LESS", false);
export const LessOrEqual = binary("LESS_EQUAL", false);
export const And = binary("LOGICAL_AND", false);
export const Or = binary("LOGICAL_OR", false);
/** Of bools: they differ. */
export const Xor = binary("NOT_EQUAL", false);
export const BitwiseXor = binary("BITWISE_XOR", false);
export const Pow = binary("POW", false);
export const Exp = unary("EXP");
export const Log = unary("LOG");
export const Sqrt = unary("SQRT");
export const Neg = unary("NEG");
export const Abs = unary("ABS");
export const Sign = unary("SIGN");
export const Floor = unary("FLOOR");
export const Ceil = unary("CEIL");
export const Round = unary("ROUND");
export const Not = unary("LOGICAL_NOT");
export const Sin = unary("SIN");
export const Cos = unary("COS");

/** A number is NaN when it differs from itself. */
export const IsNaN: Lowering = {
  int8: false,
  wants: "output",
  lower: (c) => {
    const layout = agreedLayout(c, [0]);
    const x = c.read(0, layout);
    c.emit("NOT_EQUAL", [x, x], [c.write(0, layout)], tfliteOptions("NotEqualOptions"));
  },
};

/** The angle of the point (1, x): ATAN2 does not broadcast, so the ones have the shape of x. */
export const Atan: Lowering = {
  int8: false,
  wants: "output",
  lower: (c) => {
    const layout = agreedLayout(c, [0]);
    const x = c.read(0, layout);
    const shape = physicalShape(c.outShape(), layout);
    const ones = c.numbers("ones", shape, new Float32Array(sizeOf(shape)).fill(1));
    c.emit("ATAN2", [x, ones], [c.write(0, layout)], tfliteOptions("ATan2Options"));
  },
};

/** FLOOR_MOD has the sign of the divisor; C's fmod, with that of the dividend, is sign(x) FLOOR_MOD(|x|, |y|). */
export const Mod: Lowering = {
  int8: false,
  wants: "output",
  lower: (c) => {
    const layout = agreedLayout(c, [0, 1]);
    const [x, y] = [operand(c, 0, layout, false), operand(c, 1, layout, false)];
    const { assembly } = c.placement;
    if (c.attr<number>("fmod") === 0) {
      c.emit("FLOOR_MOD", [x, y], [c.write(0, layout)], tfliteOptions("FloorModOptions"));
      return;
    }
    const like = (suffix: string, of: number) =>
      assembly.tensor(`${c.name}.${suffix}`, assembly.describe(of).shape, assembly.describe(of).dtype);
    const [dividend, divisor, sign] = [like("dividend", x), like("divisor", y), like("sign", x)];
    c.emit("ABS", [x], [dividend], tfliteOptions("AbsOptions"));
    c.emit("ABS", [y], [divisor], tfliteOptions("AbsOptions"));
    c.emit("SIGN", [x], [sign], tfliteOptions("SignOptions"));
    const shape = physicalShape(c.outShape(), layout);
    const rest = assembly.tensor(`${c.name}.rest`, shape, assembly.describe(x).dtype);
    c.emit("FLOOR_MOD", [dividend, divisor], [rest], tfliteOptions("FloorModOptions"));
    c.emit("MUL", [sign, rest], [c.write(0, layout)], tfliteOptions("MulOptions"));
  },
};

export const Reciprocal: Lowering = {
  int8: false,
  wants: "output",
  lower: (c) => {
    const layout = agreedLayout(c, [0]);
    const x = c.read(0, layout);
    c.emit("DIV", [c.numbers("one", [], [1]), x], [c.write(0, layout)], tfliteOptions("DivOptions"));
  },
};

export const Where: Lowering = {
  int8: false,
  wants: "output",
  lower: (c) => {
    const layout = agreedLayout(c, [0, 1, 2]);
    const inputs = [0, 1, 2].map((i) => operand(c, i, layout, false));
    c.emit("SELECT_V2", inputs, [c.write(0, layout)], tfliteOptions("SelectV2Options"));
  },
};

export const Cast: Lowering = {
  int8: false,
  wants: "output",
  lower: (c) => {
    const layout = agreedLayout(c, [0]);
    const x = c.read(0, layout);
    const y = c.write(0, layout);
    const type = (tensor: number) => c.placement.assembly.describe(tensor).dtype.toUpperCase() as "FLOAT32";
    c.emit("CAST", [x], [y], tfliteOptions("CastOptions", { inDataType: type(x), outDataType: type(y) }));
  },
};
