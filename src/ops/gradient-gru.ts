import type { ValueId } from "../ir/index.ts";
import type { Formula } from "./gradient-formula.ts";
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

/** Rows of a matrix, or elements of a vector. */
function rows(f: Formula, id: ValueId, from: number, to: number): ValueId {
  return f.node("Slice", [id, f.ints([from]), f.ints([to]), f.ints([0])]);
}

/** The gates of all steps: z (update), r (reset) and n (new state) with what they were computed from. */
interface Gates {
  readonly zz: ValueId;
  readonly zr: ValueId;
  readonly zn: ValueId;
  readonly z: ValueId;
  readonly r: ValueId;
  readonly n: ValueId;
  /** Linear before reset: H Rn^T + Rbn, what the reset gate scales; else r H, what goes through Rn. */
  readonly inner: ValueId;
}

function gatesOf(pass: Pass, linear: boolean): Gates {
  const { f, hidden, activations } = pass;
  const [gate, candidate] = activations as [Activation, Activation];
  const [xz, xr, xn] = splitGates(pass, affine(pass, pass.x, pass.w, pass.inputBias), 3) as [ValueId, ValueId, ValueId];
  const stateBias = (from: number, to: number) => (pass.stateBias === null ? null : rows(f, pass.stateBias, from, to));
  const both = affine(pass, pass.before, rows(f, pass.r, 0, 2 * hidden), stateBias(0, 2 * hidden));
  const [hz, hr] = splitGates(pass, both, 2) as [ValueId, ValueId];
  const [zz, zr] = [f.add(xz, hz), f.add(xr, hr)];
  const [z, r] = [gate.apply(f, zz), gate.apply(f, zr)];
  const last = (operand: ValueId) =>
    affine(pass, operand, rows(f, pass.r, 2 * hidden, 3 * hidden), stateBias(2 * hidden, 3 * hidden));
  const inner = linear ? last(pass.before) : f.mul(r, pass.before);
  const zn = f.add(xn, linear ? f.mul(r, inner) : last(inner));
  return { zz, zr, zn, z, r, n: candidate.apply(f, zn), inner };
}

/** Factors of dH' that do not depend on it, [T, N, H]: of dz_z and of dz_n. */
function factorsOf(pass: Pass, g: Gates): { toZ: ValueId; toN: ValueId } {
  const { f, activations } = pass;
  const [gate, candidate] = activations as [Activation, Activation];
  return {
    toZ: gate.slope(f, g.zz, g.z, f.sub(pass.before, g.n)),
    toN: candidate.slope(f, g.zn, g.n, f.sub(f.number(1), g.z)),
  };
}

/** Linear before reset: n = a(x_n + r (H Rn^T + Rbn)). Every gate's gradient is dH' times a factor: one product with R a step. */
function backLinear(pass: Pass): PassGradient {
  const { f, hidden, order } = pass;
  const g = gatesOf(pass, true);
  const { toZ, toN } = factorsOf(pass, g);
  const toR = pass.activations[0]!.slope(f, g.zr, g.r, f.mul(toN, g.inner));
  const factor = splitSteps(pass, joinGates(pass, [toZ, toR, f.mul(toN, g.r)]));
  const kept = splitSteps(pass, g.z);
  const gates: ValueId[] = new Array(order.length);
  const states: ValueId[] = new Array(order.length);
  let dH: ValueId | null = null;
  for (const t of [...order].reverse()) {
    const own: ValueId = sumOf(f, dH, pass.arriving[t]!) ?? zeroState(pass);
    states[t] = own;
    gates[t] = f.mul(joinGates(pass, [own, own, own]), factor[t]!);
    dH = f.add(f.node("MatMul", [gates[t]!, pass.r]), f.mul(own, kept[t]!));
  }
  const state = joinSteps(pass, gates);
  const [dz, dr] = splitGates(pass, state, 3) as [ValueId, ValueId, ValueId];
  const input = joinGates(pass, [dz, dr, f.mul(joinSteps(pass, states), toN)]);
  return { input, state, operands: [{ value: pass.before, rows: 3 * hidden }], initial: [dH] };
}

/** n = a(x_n + (r H) Rn^T + Rbn): the reset gate's gradient comes through Rn, two products a step. */
function backReset(pass: Pass): PassGradient {
  const { f, hidden, order } = pass;
  const g = gatesOf(pass, false);
  const { toZ, toN } = factorsOf(pass, g);
  const factors = [toZ, toN, pass.activations[0]!.slope(f, g.zr, g.r, pass.before), g.r, g.z];
  const [kz, kn, kr, reset, kept] = factors.map((id) => splitSteps(pass, id));
  const [both, last] = [rows(f, pass.r, 0, 2 * hidden), rows(f, pass.r, 2 * hidden, 3 * hidden)];
  const gates: ValueId[] = new Array(order.length);
  let dH: ValueId | null = null;
  for (const t of [...order].reverse()) {
    const own: ValueId = sumOf(f, dH, pass.arriving[t]!) ?? zeroState(pass);
    const dn = f.mul(own, kn![t]!);
    // Gradient of r H.
    const scaled = f.node("MatMul", [dn, last]);
    const first = joinGates(pass, [f.mul(own, kz![t]!), f.mul(scaled, kr![t]!)]);
    gates[t] = joinGates(pass, [first, dn]);
    const direct = f.add(f.mul(own, kept![t]!), f.mul(scaled, reset![t]!));
    dH = f.add(f.node("MatMul", [first, both]), direct);
  }
  const all = joinSteps(pass, gates);
  const operands = [
    { value: pass.before, rows: 2 * hidden },
    { value: g.inner, rows: hidden },
  ];
  return { input: all, state: all, operands, initial: [dH] };
}

/** ONNX GRU-14: z, r = s(..), n = a(..), H' = (1 - z) n + z H. */
export const gru = recurrentRule<RecurrentAttributes & { readonly linear_before_reset: number }>(
  ["Sigmoid", "Tanh"],
  (c, pass) => (c.attrs.linear_before_reset !== 0 ? backLinear(pass) : backReset(pass)),
);

/** ONNX RNN-14: H' = a(x W^T + H R^T + b). */
export const rnn = recurrentRule<RecurrentAttributes>(["Tanh"], (_c, pass) => {
  const { f, hidden, order } = pass;
  const z = f.add(affine(pass, pass.x, pass.w, pass.inputBias), affine(pass, pass.before, pass.r, pass.stateBias));
  const [shown] = pass.activations as [Activation];
  const factor = splitSteps(pass, shown.slope(f, z, shown.apply(f, z), f.number(1)));
  const dz: ValueId[] = new Array(order.length);
  let dH: ValueId | null = null;
  for (const t of [...order].reverse()) {
    dz[t] = f.mul(sumOf(f, dH, pass.arriving[t]!) ?? zeroState(pass), factor[t]!);
    dH = f.node("MatMul", [dz[t]!, pass.r]);
  }
  const all = joinSteps(pass, dz);
  return { input: all, state: all, operands: [{ value: pass.before, rows: hidden }], initial: [dH] };
});
