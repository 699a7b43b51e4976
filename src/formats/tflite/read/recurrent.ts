import { shapeText, type ValueId } from "../../../ir/index.ts";
import { allocate, DTYPES, type Tensor, type TypedArray, tensor, toNumbers } from "../../../tensor/index.ts";
import { sameQuantization } from "../quantization.ts";
import { quantized } from "./quantization.ts";
import type { Step } from "./step.ts";
import { permuted, type Stored } from "./stored.ts";

/** Most time steps that a recurrence is written out for. */
const MAX_STEPS = 1024;

/** The time steps of input 0, each [batch, features] in real numbers; they are taken apart as they are stored. */
export function eachStep(s: Step, timeMajor: boolean): ValueId[] {
  if (s.rank(0) !== 3) s.fail(`${s.operator.opcode} needs a sequence of rank 3, got ${shapeText(s.shape(0))}`);
  const axis = timeMajor ? 0 : 1;
  const steps = s.dim(0, axis);
  if (steps < 1 || steps > MAX_STEPS)
    s.refuse(
      `${s.operator.opcode} over ${steps} time steps is not supported: it is written out for at most ${MAX_STEPS}`,
      "Export the model with shorter sequences.",
    );
  return Array.from({ length: steps }, (_, step) => {
    const raw = s.node("Gather", [s.raw(0), s.scalar(step, "int64")], { axis });
    return s.quantized(0) ? s.values.dequantized(raw, s.at(0), `${s.name}/step`) : raw;
  });
}

/** States output 0, the results of the steps (values of the state in input `state`) as a sequence; as they are stored where output and state have one quantisation. */
export function putSequence(s: Step, results: readonly HeldState[], state: number, timeMajor: boolean): void {
  const same =
    s.quantized(state) &&
    s.outTensor().dtype === s.tensor(state).dtype &&
    sameQuantization(s.outTensor().quantization, s.tensor(state).quantization);
  const axis = timeMajor ? 0 : 1;
  const pieces = results.map(({ raw, real }) => s.node("Unsqueeze", [same ? raw : real, s.longs([axis])]));
  const y = pieces.length === 1 ? pieces[0]! : s.node("Concat", pieces, { axis });
  if (same) s.putRaw(0, y);
  else s.put(0, y);
}

/** The constant behind input i; a recurrence whose weights are computed is not read. */
export function constantWeight(s: Step, i: number, rank: number): Stored {
  const stored = s.stored(i);
  if (stored === null)
    return s.refuse(`${s.operator.opcode} with weights that are computed (input ${i}) is not supported`);
  if (stored.tensor.shape.length !== rank)
    s.fail(`${s.operator.opcode} needs input ${i} of rank ${rank}, got ${shapeText(stored.tensor.shape)}`);
  return stored;
}

/** The scale of each slice of axis 0. */
function rowScales(stored: Stored): number[] {
  const rows = stored.tensor.shape[0]!;
  const scales = stored.quantization?.scales ?? [1];
  return Array.from({ length: rows }, (_, row) => scales[scales.length === 1 ? 0 : row]!);
}

/** Constants of the same kind one below the other along axis 0; those of different integers keep a scale a row. */
export function stacked(s: Step, parts: readonly Stored[]): Stored {
  const first = parts[0]!.tensor;
  const odd = parts.find(
    ({ tensor: t }) => t.dtype !== first.dtype || shapeText(t.shape.slice(1)) !== shapeText(first.shape.slice(1)),
  );
  if (odd !== undefined)
    s.fail(
      `${s.operator.opcode} has gates of ${first.dtype}${shapeText(first.shape)} and ${odd.tensor.dtype}${shapeText(odd.tensor.shape)}`,
    );
  if (
    parts.some(
      ({ quantization: q }) =>
        q !== undefined &&
        (q.zeroPoints.some((point) => point !== 0) || (q.scales.length > 1 && q.quantizedDimension !== 0)),
    )
  )
    s.refuse(`${s.operator.opcode} with weights that are not symmetric is not supported`);
  const rows = parts.reduce((sum, { tensor: t }) => sum + t.shape[0]!, 0);
  const data = allocate(
    first.dtype,
    parts.reduce((sum, { tensor: t }) => sum + t.data.length, 0),
  );
  let at = 0;
  for (const { tensor: t } of parts) {
    (data as TypedArray).set(t.data as never, at);
    at += t.data.length;
  }
  const joinedTensor = tensor(first.dtype, [rows, ...first.shape.slice(1)], data);
  if (parts[0]!.quantization === undefined) return { tensor: joinedTensor };
  const scales = parts.flatMap(rowScales);
  return { tensor: joinedTensor, quantization: { scales, zeroPoints: scales.map(() => 0), quantizedDimension: 0 } };
}

/** Weights [rows, features] as the right side of a product: [features, rows] in real numbers. */
export function rightSide(s: Step, weights: Stored, label: string): ValueId {
  return s.values.realOf(permuted(weights, [1, 0]), `${s.name}/${label}`);
}

/** Biases one behind the other: as they are, or of integers in the scale of the input times the weight's. */
export function stackedBias(s: Step, inputs: readonly number[], weights: readonly Stored[]): Tensor {
  const values: number[] = [];
  for (const [k, i] of inputs.entries()) {
    const rows = weights[k]!.tensor.shape[0]!;
    if (!s.has(i)) {
      values.push(...new Array<number>(rows).fill(0));
      continue;
    }
    const { tensor: t } = constantWeight(s, i, 1);
    const scales = DTYPES[t.dtype].float ? null : rowScales(weights[k]!);
    const input = scales === null ? 1 : s.values.quantization(s.at(0)).scales[0]!;
    for (const [row, value] of toNumbers(t).entries())
      values.push(scales === null ? value : value * scales[row]! * input);
  }
  return tensor("float32", [values.length], Float32Array.from(values));
}

/** A state as the next step sees it, and as it is stored: both the same unless it is quantised. */
export interface HeldState {
  readonly real: ValueId;
  readonly raw: ValueId;
}

/** State in input i before the first step. */
export function stateBefore(s: Step, i: number): HeldState {
  if (s.tensor(i).isVariable !== true)
    s.refuse(`${s.operator.opcode} whose state (input ${i}) is no variable is not supported`);
  return { real: s.real(i), raw: s.raw(i) };
}

/** A new value of the state in input i. */
export function held(s: Step, i: number, value: ValueId, label: string): HeldState {
  if (!s.quantized(i)) return { real: value, raw: value };
  const { dtype } = s.builder.value(s.raw(i)).type;
  const name = `${s.name}/${label}`;
  const raw = quantized(s.builder, value, dtype, s.values.quantization(s.at(i)), name);
  return { real: s.values.dequantized(raw, s.at(i), `${name}/real`), raw };
}

/** x rounded to int16 of the given scale, as the integer kernels keep what lies between their steps. */
export function rounded16(s: Step, x: ValueId, scale: number, label: string): ValueId {
  const q = { scales: [scale], zeroPoints: [0], quantizedDimension: 0 };
  const name = `${s.name}/${label}`;
  return s.values.realQuantized(quantized(s.builder, x, "int16", q, name), q, `${name}/real`);
}
