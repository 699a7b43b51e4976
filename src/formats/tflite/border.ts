import { fromNumbers } from "../../tensor/index.ts";
import { tfliteOptions } from "./codec/index.ts";
import type { Border } from "./padding.ts";
import type { StepContext } from "./step-context.ts";

/** Puts a PAD in front when the border is not one of TFLite's; returns the padded tensor and its physical shape. */
export function padded(c: StepContext, x: number, shape: readonly number[], border: Border, fill?: number): number {
  if (border.pads === null) return x;
  const spatial = border.pads.length === 1 ? [[0, 0] as const, border.pads[0]!] : border.pads;
  const rows = [[0, 0] as const, ...spatial, [0, 0] as const];
  const { quantization } = c.placement.assembly.describe(x);
  const out = c.temporary(
    "padded",
    shape.map((size, i) => size + rows[i]![0] + rows[i]![1]),
    quantization,
  );
  const table = c.store("pads", {
    tensor: { dtype: "int32", shape: [rows.length, 2], data: Int32Array.from(rows.flat()) },
  });
  c.note(
    "pad",
    `${c.step.op} "${c.name}" pads ${JSON.stringify(border.pads)}, which is neither SAME nor VALID: a PAD goes in front`,
  );
  if (fill === undefined) c.emit("PAD", [x, table], [out], tfliteOptions("PadOptions"));
  else {
    const value = c.int8
      ? c.store("fill", { tensor: fromNumbers(c.element, [1], [fill]), quantization: quantization! })
      : c.numbers("fill", [1], [fill]);
    c.emit("PADV2", [x, table, value], [out], tfliteOptions("PadV2Options"));
  }
  return out;
}

/** A one-dimensional window as a two-dimensional one of height 1. */
export function two<T>(list: readonly T[], filler: T): readonly [T, T] {
  return list.length === 1 ? [filler, list[0]!] : [list[0]!, list[1]!];
}
