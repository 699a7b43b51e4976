import { EspalierError } from "../diagnostics/index.ts";
import { type Dim, type Shape, shapeText, staticDim } from "../ir/index.ts";

/** The attributes that Conv, ConvTranspose and the pools share. */
export interface WindowAttributes {
  readonly auto_pad: string;
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly strides: readonly number[];
}

/** A sliding window with every default resolved; pads are ONNX's [begins..., ends...]. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

/** Resolves strides, dilations and auto_pad for a spatial input shape (ONNX Conv-11: SAME_UPPER puts the odd pixel at the end). */
export function resolveWindow(op: string, attrs: WindowAttributes, kernel: readonly number[], spatial: Shape): Window {
  const rank = kernel.length;
  if (rank !== spatial.length || kernel.some((size) => size < 1))
    throw new EspalierError(
      "input",
      `${op} over ${spatial.length} spatial axes needs as many kernel sizes of at least 1, got ${shapeText(kernel)}`,
    );
  const list = (
    name: string,
    given: readonly number[],
    fallback: number,
    length: number,
    least: number,
  ): readonly number[] => {
    if (given.length === 0) return new Array<number>(length).fill(fallback);
    if (given.length !== length || given.some((v) => v < least)) {
      throw new EspalierError("input", `${op} needs ${length} ${name} of at least ${least}, got ${shapeText(given)}`);
    }
    return given;
  };
  const strides = list("strides", attrs.strides, 1, rank, 1);
  const dilations = list("dilations", attrs.dilations, 1, rank, 1);
  if (attrs.auto_pad === "NOTSET" || attrs.auto_pad === "VALID") {
    const pads =
      attrs.auto_pad === "VALID" ? new Array<number>(2 * rank).fill(0) : list("pads", attrs.pads, 0, 2 * rank, 0);
    return { kernel, strides, dilations, pads };
  }
  if (attrs.auto_pad !== "SAME_UPPER" && attrs.auto_pad !== "SAME_LOWER")
    throw new EspalierError("input", `${op} has auto_pad "${attrs.auto_pad}", which ONNX does not know`);
  const pads = new Array<number>(2 * rank).fill(0);
  for (let i = 0; i < rank; i++) {
    const size = staticDim(spatial[i], `Spatial size ${i} of ${op} with auto_pad`);
    const extent = (kernel[i]! - 1) * dilations[i]! + 1;
    const total = Math.max(0, (Math.ceil(size / strides[i]!) - 1) * strides[i]! + extent - size);
    const less = Math.floor(total / 2);
    pads[i] = attrs.auto_pad === "SAME_UPPER" ? less : total - less;
    pads[rank + i] = total - pads[i]!;
  }
  return { kernel, strides, dilations, pads };
}

/** Output sizes of a sliding window: floor or ceil((size + pads - extent) / stride) + 1; refuses a window that does not fit. */
export function windowOutput(op: string, window: Window, spatial: Shape, ceil = false): Dim[] {
  const rank = window.kernel.length;
  return window.kernel.map((kernel, i) => {
    const size = staticDim(spatial[i], `Spatial size ${i} of ${op}`);
    const extent = (kernel - 1) * window.dilations[i]! + 1;
    const room = size + window.pads[i]! + window.pads[rank + i]! - extent;
    if (room < 0)
      throw new EspalierError(
        "input",
        `${op} window of ${extent} is larger than its padded input of ${room + extent} on spatial axis ${i}`,
      );
    let out = Math.floor(room / window.strides[i]!) + 1;
    // ONNX MaxPool-12: a ceil-mode window must start inside the input or its left padding.
    if (ceil && room % window.strides[i]! !== 0 && out * window.strides[i]! < size + window.pads[i]!) out += 1;
    return out;
  });
}
