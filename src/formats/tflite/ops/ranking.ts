import { normalAxis } from "../../../ir/index.ts";
import { toInts, toNumbers } from "../../../tensor/index.ts";
import { agreedLayout } from "../agreement.ts";
import { tfliteOptions } from "../codec/index.ts";
import { identityLayout, type Layout, physicalShape } from "../layout.ts";
import type { Lowering, StepContext } from "../step-context.ts";

/** TOPK_V2 ranks along the last axis and takes the greatest; for the least, the negated ones. */
function lowerTopK(c: StepContext): void {
  const axis = normalAxis(c.attr<number>("axis"), c.shape(0).length);
  const now = agreedLayout(c, [0]);
  const layout: Layout = now.at(-1) === axis ? now : [...now.filter((a) => a !== axis), axis];
  const k = toInts(c.needConstant(1, "count").tensor)[0]!;
  const count = c.store("k", { tensor: { dtype: "int32", shape: [], data: Int32Array.of(k) } });
  const options = tfliteOptions("TopKV2Options");
  const x = c.read(0, layout);
  const indices = c.step.outputs[1] === undefined ? null : c.write(1, layout);
  const shape = physicalShape(c.outShape(), layout);
  const positions = indices ?? c.placement.assembly.tensor(`${c.name}.indices`, shape, "int32");
  if (c.attr<number>("largest") === 1) {
    c.emit("TOPK_V2", [x, count], [c.write(0, layout), positions], options);
    return;
  }
  const dtype = c.placement.assembly.describe(x).dtype;
  if (dtype !== "float32") c.refuse(`TopK of the smallest ${dtype} elements has no TFLite form`, "Rank real numbers.");
  const negated = c.temporary("negated", physicalShape(c.shape(0), layout));
  const least = c.temporary("least", shape);
  c.emit("NEG", [x], [negated], tfliteOptions("NegOptions"));
  c.emit("TOPK_V2", [negated, count], [least, positions], options);
  c.emit("NEG", [least], [c.write(0, layout)], tfliteOptions("NegOptions"));
}

/** ONE_HOT counts no index from the end: those below 0 are moved up by the depth first. */
function lowerOneHot(c: StepContext): void {
  const depth = toInts(c.needConstant(1, "depth").tensor)[0]!;
  const values = c.needConstant(2, "pair of values").tensor;
  const rank = c.shape(0).length;
  const axis = normalAxis(c.attr<number>("axis"), rank + 1);
  const { assembly } = c.placement;
  const shape = c.shape(0);
  const int32 = (name: string, value: number) =>
    c.store(name, { tensor: { dtype: "int32", shape: [], data: Int32Array.of(value) } });
  let x = c.placement.read(c.id(0), identityLayout(rank), "as-is", c.name);
  if (assembly.describe(x).dtype !== "int32") {
    const whole = assembly.tensor(`${c.name}.index`, shape, "int32");
    const inDataType = assembly.describe(x).dtype.toUpperCase() as "FLOAT32";
    c.emit("CAST", [x], [whole], tfliteOptions("CastOptions", { inDataType, outDataType: "INT32" }));
    x = whole;
  }
  if (c.constant(0) === null || toNumbers(c.constant(0)!.tensor).some((index) => index < 0)) {
    const below = assembly.tensor(`${c.name}.below`, shape, "bool");
    const moved = assembly.tensor(`${c.name}.moved`, shape, "int32");
    const counted = assembly.tensor(`${c.name}.counted`, shape, "int32");
    c.emit("LESS", [x, int32("zero", 0)], [below], tfliteOptions("LessOptions"));
    c.emit("ADD", [x, int32("depth", depth)], [moved], tfliteOptions("AddOptions"));
    c.emit("SELECT_V2", [below, moved, x], [counted], tfliteOptions("SelectV2Options"));
    x = counted;
  }
  const y = c.write(0, identityLayout(rank + 1));
  const value = (name: string, i: number) =>
    c.placement.assembly.constant(`${c.name}.${name}`, {
      dtype: values.dtype,
      shape: [],
      data: values.data.slice(i, i + 1),
    } as typeof values);
  const operands = [x, int32("depth", depth), value("on", 1), value("off", 0)];
  c.emit("ONE_HOT", operands, [y], tfliteOptions("OneHotOptions", { axis }));
}

function lowerCumSum(c: StepContext): void {
  const layout = agreedLayout(c, [0]);
  const axis = normalAxis(toInts(c.needConstant(1, "axis").tensor)[0]!, c.shape(0).length);
  const x = c.read(0, layout);
  const where = c.store("axis", { tensor: { dtype: "int32", shape: [], data: Int32Array.of(layout.indexOf(axis)) } });
  const fields = { exclusive: c.attr<number>("exclusive") === 1, reverse: c.attr<number>("reverse") === 1 };
  c.emit("CUMSUM", [x, where], [c.write(0, layout)], tfliteOptions("CumsumOptions", fields));
}

function lowerReverseSequence(c: StepContext): void {
  const layout = identityLayout(c.shape(0).length);
  const lengths = c.placement.read(c.id(1), [0], "as-is", c.name);
  const fields = { seqDim: c.attr<number>("time_axis"), batchDim: c.attr<number>("batch_axis") };
  const x = c.read(0, layout);
  c.emit("REVERSE_SEQUENCE", [x, lengths], [c.write(0, layout)], tfliteOptions("ReverseSequenceOptions", fields));
}

export const TopK: Lowering = { lower: lowerTopK, int8: false };
export const OneHot: Lowering = { lower: lowerOneHot, int8: false };
export const CumSum: Lowering = { lower: lowerCumSum, int8: false };
export const ReverseSequence: Lowering = { lower: lowerReverseSequence, int8: false };
