import { EspalierError } from "../diagnostics/index.ts";
import { type Dim, normalAxis, shapeText, staticDim } from "../ir/index.ts";
import { int } from "./attributes.ts";
import { OPAQUE } from "./coupling-rule.ts";
import { dft, stft } from "./gradient-signal.ts";
import { defineOp, type OpContext, typed } from "./spec.ts";

/** A constant input of one integer that is at least 1. */
function count(c: OpContext<unknown>, i: number): number {
  const values = c.ints(i);
  if (values.length !== 1 || !Number.isSafeInteger(values[0]) || values[0]! < 1)
    throw new EspalierError(
      "input",
      `${c.op} needs input ${i} to be one number of at least 1, got ${shapeText(values)}`,
    );
  return values[0]!;
}

function checkComponents(c: OpContext<unknown>): void {
  const x = c.shape(0);
  const last = x[x.length - 1];
  if (last !== 1 && last !== 2)
    throw new EspalierError("input", `${c.op} needs a last axis of 1 (real) or 2 (complex), got ${shapeText(x)}`);
}

/**
 * Discrete Fourier transform along one axis (ONNX DFT-20); inputs x [..., 1 or 2], dft_length and axis (constants). Output [..., 2]; one-sided: the first
 * length / 2 + 1 frequencies.
 */
export const DFT = defineOp({
  attrs: { inverse: int(0), onesided: int(0) },
  inputs: [1, 3],
  kind: "reduce",
  infer: (c) => {
    checkComponents(c);
    const shape: Dim[] = [...c.ranked(0, 2, 8)];
    const stated = c.intsOrNull(2) ?? [-2];
    const axis = normalAxis(stated[0] ?? -2, shape.length);
    if (axis === shape.length - 1)
      throw new EspalierError("input", `DFT along the last axis of ${shapeText(shape)}, which holds the components`);
    if (c.attrs.onesided !== 0 && (c.attrs.inverse !== 0 || shape[shape.length - 1] !== 1))
      throw new EspalierError("input", `A one-sided DFT needs a real input and is no inverse, got ${shapeText(shape)}`);
    const length = c.has(1) ? count(c, 1) : staticDim(shape[axis], "The length of a DFT");
    shape[axis] = c.attrs.onesided !== 0 ? Math.floor(length / 2) + 1 : length;
    shape[shape.length - 1] = 2;
    return [typed(c.type(0).dtype, shape)];
  },
  couple: (c) => {
    const x = c.facts.shape(0);
    const along = normalAxis((c.facts.intsOrNull(2) ?? [])[0] ?? -2, x.length);
    c.join([{ input: 0, axes: x.map((_, i) => (i === along || i === x.length - 1 ? OPAQUE : i)) }]);
  },
  gradient: dft,
});

/**
 * Spectra of the frames of a signal (ONNX STFT-17); inputs signal [batch, length, 1 or 2], frame_step, window, frame_length (constants but for the window's
 * values). Output [batch, frames, bins, 2].
 */
export const STFT = defineOp({
  attrs: { onesided: int(1) },
  inputs: [2, 4],
  kind: "reduce",
  infer: (c) => {
    checkComponents(c);
    const x = c.ranked(0, 3);
    const length = staticDim(x[1], "The length of a signal");
    const step = count(c, 1);
    const window = c.has(2) ? staticDim(c.ranked(2, 1)[0], "The length of a window") : null;
    const frame = c.has(3) ? count(c, 3) : window;
    if (frame === null || frame > length || (window !== null && window !== frame))
      throw new EspalierError(
        "input",
        `STFT of a signal of ${length} needs a window or frame length of at most that, got a window of ${window ?? "none"} and frames of ${frame ?? "none"}`,
      );
    const bins = c.attrs.onesided !== 0 ? Math.floor(frame / 2) + 1 : frame;
    return [typed(c.type(0).dtype, [x[0]!, Math.floor((length - frame) / step) + 1, bins, 2])];
  },
  couple: (c) => {
    if (c.facts.has(2)) c.freeze(2, "mixed");
    c.join([{ input: 0, axes: [0, OPAQUE, OPAQUE] }]);
  },
  gradient: stft,
});
