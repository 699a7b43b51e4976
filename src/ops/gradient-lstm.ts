import type { ValueId } from "../ir/index.ts";
import { float32 } from "../tensor/index.ts";
import type { Activation, RecurrentAttributes } from "./gradient-gate.ts";
import {
  affine,
  joinGates,
  joinSteps,
  type Pass,
  type PassGradient,
  recurrentRule,
  splitGates,
  splitSteps,
  sumOf,
  zeroState,
} from "./gradient-recurrent.ts";
import type { GradientContext } from "./spec.ts";

type LstmAttributes = RecurrentAttributes & { readonly input_forget: number };

/** The cell before and after each step, [T, N, H], from what is kept of the old one and what is added to it. */
function cells(
  pass: Pass,
  kept: ValueId,
  added: ValueId,
  initial: ValueId | null,
): { before: ValueId; after: ValueId } {
  const { f, order } = pass;
  const [keep, add] = [splitSteps(pass, kept), splitSteps(pass, added)];
  const before: ValueId[] = new Array(order.length);
  const after: ValueId[] = new Array(order.length);
  let cell = initial;
  for (const t of order) {
    before[t] = cell ?? zeroState(pass);
    cell = cell === null ? add[t]! : f.add(f.mul(keep[t]!, cell), add[t]!);
    after[t] = cell;
  }
  return { before: joinSteps(pass, before), after: joinSteps(pass, after) };
}

/**
 * ONNX LSTM-14: i, o, f = s(z_i), s(z_o), s(z_f), g = a(z_c); C' = f C + i g; H' = o h(C'), with z = x W^T + H R^T + b. Back through a step:
 * dC' += dH' o h'(C'), dz = (dC' g s', dH' h(C') s', dC' C s', dC' i a'), dC = dC' f, dH = dz R. All factors but dH' and dC' are computed for all steps at once.
 */
function back(c: GradientContext<LstmAttributes>, pass: Pass): PassGradient {
  const { f, hidden, order } = pass;
  const [gate, candidate, shown] = pass.activations as readonly [Activation, Activation, Activation];
  const z = f.add(affine(pass, pass.x, pass.w, pass.inputBias), affine(pass, pass.before, pass.r, pass.stateBias));
  const [zi, zo, zf, zc] = splitGates(pass, z, 4) as [ValueId, ValueId, ValueId, ValueId];
  const [i, o, g] = [gate.apply(f, zi), gate.apply(f, zo), candidate.apply(f, zc)];
  const coupled = c.attrs.input_forget !== 0;
  const forget = coupled ? f.sub(f.number(1), i) : gate.apply(f, zf);
  const cell = cells(pass, forget, f.mul(i, g), pass.state(c.inputs[6]));
  const h = shown.apply(f, cell.after);
  const factors = joinGates(pass, [
    gate.slope(f, zi, i, coupled ? f.sub(g, cell.before) : g),
    gate.slope(f, zo, o, h),
    coupled
      ? f.constant(float32([pass.steps, pass.batch, hidden], new Float32Array(pass.steps * pass.batch * hidden)))
      : gate.slope(f, zf, forget, cell.before),
    candidate.slope(f, zc, g, i),
  ]);
  const [factor, toCell, kept] = [factors, shown.slope(f, cell.after, h, o), forget].map((id) => splitSteps(pass, id));
  const dz: ValueId[] = new Array(order.length);
  let [dH, dC] = [null as ValueId | null, pass.state(c.outputGradients[2])];
  for (const t of [...order].reverse()) {
    const own = sumOf(f, dH, pass.arriving[t]!) ?? zeroState(pass);
    const cellGradient = sumOf(f, dC, f.mul(own, toCell![t]!))!;
    dz[t] = f.mul(joinGates(pass, [cellGradient, own, cellGradient, cellGradient]), factor![t]!);
    dH = f.node("MatMul", [dz[t]!, pass.r]);
    dC = f.mul(cellGradient, kept![t]!);
  }
  const all = joinSteps(pass, dz);
  return { input: all, state: all, operands: [{ value: pass.before, rows: 4 * hidden }], initial: [dH, dC] };
}

export const lstm = recurrentRule<LstmAttributes>(["Sigmoid", "Tanh", "Tanh"], back);
