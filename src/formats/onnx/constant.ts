import { EspalierError } from "../../diagnostics/index.ts";
import type { Attributes } from "../../ir/index.ts";
import { float32, int64s, scalar, type Tensor } from "../../tensor/index.ts";
import { readAttributes } from "./attributes.ts";
import type { NodeProto } from "./codec/generated/onnx_pb.ts";
import { isNarrow } from "./element-types.ts";
import { bind, type Frame, type Session } from "./session.ts";

/** The value of a Constant node in any of its spellings (ONNX Constant-13). */
function constantValue(attrs: Attributes, where: string): Tensor {
  const { value, sparse_value, value_int, value_ints, value_float, value_floats } = attrs;
  const whole = value ?? sparse_value;
  if (typeof whole === "object" && !Array.isArray(whole)) return whole as Tensor;
  if (typeof value_int === "number") return scalar("int64", value_int);
  if (Array.isArray(value_ints)) return int64s(value_ints as number[]);
  if (typeof value_float === "number") return scalar("float32", value_float);
  if (Array.isArray(value_floats)) return float32([value_floats.length], value_floats as number[]);
  const held = Object.keys(attrs).join(", ");
  throw new EspalierError(
    "unsupported",
    `This Constant holds ${held === "" ? "nothing" : held}, not a tensor of numbers`,
    {
      where,
      hint: "Text is not supported: take it out of the model.",
    },
  );
}

/** Reads a Constant node. */
export function readConstant(
  session: Session,
  frame: Frame,
  { proto, where }: { readonly proto: NodeProto; readonly where: string },
): void {
  const name = proto.output[0] ?? "";
  const value = constantValue(readAttributes(proto, where, frame.attributes), where);
  const id = session.builder.constant(frame.prefix === "" ? name : session.fresh(frame.prefix + name), value);
  if (proto.attribute.some(({ t }) => t !== undefined && isNarrow(t.dataType))) session.narrow.add(id);
  bind(frame, name, id, where);
}
