import { EspalierError } from "../diagnostics/index.ts";
import { staticShape, type ValueId } from "../ir/index.ts";
import { float32, toInts } from "../tensor/index.ts";
import { type Formula, formulaOf } from "./gradient-formula.ts";
import { type Activation, activationsOf, type RecurrentAttributes } from "./gradient-gate.ts";
import type { GradientContext, GradientRule } from "./spec.ts";

/** One direction of a recurrent node. T steps, N sequences, I inputs, H hidden units, G blocks of weights; tensors [T, N, ...] are in order of time. */
export interface Pass {
  readonly f: Formula;
  readonly steps: number;
  readonly batch: number;
  readonly hidden: number;
  readonly x: ValueId;
  /** [G H, I] and [G H, H]. */
  readonly w: ValueId;
  readonly r: ValueId;
  /** [G H] each, or null. */
  readonly inputBias: ValueId | null;
  readonly stateBias: ValueId | null;
  /** The hidden state before each step, [T, N, H]: known from the output, so that all gates are computed in one product. */
  readonly before: ValueId;
  readonly activations: readonly Activation[];
  /** Steps in order of the recurrence: 0 to T - 1, or back. */
  readonly order: readonly number[];
  /** Gradients [1, N, H] that arrive at each step's state from outside; null: none. */
  readonly arriving: readonly (ValueId | null)[];
  /** Slice of this direction of an input or gradient [D, N, H], as [1, N, H]. */
  state(id: ValueId | null | undefined): ValueId | null;
}

/** What going back through one direction gives. */
export interface PassGradient {
  /** Gradient of what W gives, with its bias: [T, N, G H]. */
  readonly input: ValueId;
  /** The same of what R gives, with its bias. */
  readonly state: ValueId;
  /** What R's rows were multiplied with: [T, N, H] for `rows` rows each, in order. */
  readonly operands: readonly { readonly value: ValueId; readonly rows: number }[];
  /** Gradients of the state (and cell) before the first step, [1, N, H]. */
  readonly initial: readonly (ValueId | null)[];
}

/** A value [T, ...] as T values [1, ...]. */
export function splitSteps({ f, steps }: Pass, value: ValueId): ValueId[] {
  if (steps === 1) return [value];
  const name = `${f.builder.value(value).name}.step`;
  return f.builder.nodes("Split", [value], { axis: 0, num_outputs: steps }, { outputs: steps, name });
}

/** T values [1, ...] as one [T, ...]. */
export function joinSteps({ f }: Pass, parts: readonly ValueId[]): ValueId {
  return parts.length === 1 ? parts[0]! : f.node("Concat", parts, { axis: 0 });
}

/** Blocks of the last axis as values of their own. */
export function splitGates({ f }: Pass, value: ValueId, count: number): ValueId[] {
  if (count === 1) return [value];
  const name = `${f.builder.value(value).name}.gate`;
  return f.builder.nodes("Split", [value], { axis: -1, num_outputs: count }, { outputs: count, name });
}

export function joinGates({ f }: Pass, parts: readonly ValueId[]): ValueId {
  return parts.length === 1 ? parts[0]! : f.node("Concat", parts, { axis: -1 });
}

/** x [T, N, I] times W^T (+ bias): [T, N, rows of W]. */
export function affine({ f }: Pass, x: ValueId, w: ValueId, bias: ValueId | null): ValueId {
  const [steps, batch] = f.shape(x) as [number, number];
  const product = f.node("Gemm", bias === null ? [flat(f, x), w] : [flat(f, x), w, bias], { transB: 1 });
  return f.reshape(product, [steps, batch, f.shape(w)[0]!]);
}

/** Zeros [1, N, H]. */
export function zeroState({ f, batch, hidden }: Pass): ValueId {
  return f.constant(float32([1, batch, hidden], new Float32Array(batch * hidden)));
}

export function sumOf(f: Formula, a: ValueId | null, b: ValueId | null): ValueId | null {
  if (a === null || b === null) return a ?? b;
  return f.add(a, b);
}

function refuse(c: GradientContext<unknown>, what: string): never {
  throw new EspalierError("unsupported", `The gradient of ${c.node.op} with ${what} is not written yet`, {
    where: `node "${c.node.name}"`,
    hint: "Freeze the weights before this node and its own.",
  });
}

function checkForm(c: GradientContext<RecurrentAttributes>, steps: number): void {
  if (c.attrs.clip !== 0) refuse(c, `clip of ${c.attrs.clip}`);
  if (c.attrs.layout !== 0) refuse(c, "layout 1");
  const peepholes = c.inputs[7];
  if (peepholes !== undefined && peepholes !== null) refuse(c, "peepholes");
  const lengths = c.inputs[4];
  if (lengths === undefined || lengths === null) return;
  const data = c.builder.value(lengths).data;
  if (data === undefined || toInts(data).some((length) => length !== steps)) refuse(c, "sequences of several lengths");
}

/** Slice `at` of axis 0, without that axis. */
function pick(f: Formula, id: ValueId, at: number): ValueId {
  const [count, ...rest] = f.shape(id);
  if (count === 1) return f.reshape(id, rest);
  return f.reshape(f.node("Slice", [id, f.ints([at]), f.ints([at + 1]), f.ints([0])]), rest);
}

/** Slice `d` of axis 1 of [T, D, N, H], as [T, N, H]. */
function directionOf(f: Formula, id: ValueId, d: number): ValueId {
  const [steps, count, batch, hidden] = f.shape(id) as [number, number, number, number];
  const own = count === 1 ? id : f.node("Slice", [id, f.ints([d]), f.ints([d + 1]), f.ints([1])]);
  return f.reshape(own, [steps, batch, hidden]);
}

function passOf(c: GradientContext<RecurrentAttributes>, d: number, gateActivations: readonly string[]): Pass {
  const f = formulaOf(c);
  const [x, w, r, b] = c.inputs as readonly [ValueId, ValueId, ValueId, ValueId | null | undefined];
  const [steps, batch] = f.shape(x) as [number, number, number];
  const [, rows, hidden] = f.shape(r) as [number, number, number];
  const reverse = c.attrs.direction === "reverse" || d === 1;
  const y = directionOf(f, c.outputs[0]!, d);
  const [dy, last] = c.outputGradients;
  const state = (id: ValueId | null | undefined) =>
    id === null || id === undefined ? null : f.reshape(pick(f, id, d), [1, batch, hidden]);
  const partial = { f, steps, batch, hidden } as Pass;
  const initial = state(c.inputs[5]) ?? zeroState(partial);
  const shown = (from: number, to: number) => f.node("Slice", [y, f.ints([from]), f.ints([to]), f.ints([0])]);
  const parts = steps === 1 ? [initial] : reverse ? [shown(1, steps), initial] : [initial, shown(0, steps - 1)];
  const bias = b === null || b === undefined ? null : pick(f, b, d);
  const half = (from: number) =>
    bias === null ? null : f.node("Slice", [bias, f.ints([from]), f.ints([from + rows]), f.ints([0])]);
  const order = Array.from({ length: steps }, (_, i) => (reverse ? steps - 1 - i : i));
  const arriving: (ValueId | null)[] =
    dy === null || dy === undefined ? order.map(() => null) : [...splitSteps(partial, directionOf(f, dy, d))];
  arriving[order[steps - 1]!] = sumOf(f, arriving[order[steps - 1]!]!, state(last));
  return {
    ...partial,
    x,
    w: pick(f, w, d),
    r: pick(f, r, d),
    inputBias: half(0),
    stateBias: half(rows),
    before: joinSteps(partial, parts),
    activations: activationsOf(c, gateActivations, d),
    order,
    arriving,
    state,
  };
}

/** [T, N, K] as [T N, K]. */
function flat(f: Formula, id: ValueId): ValueId {
  const [steps, batch, width] = f.shape(id) as [number, number, number];
  return f.reshape(id, [steps * batch, width]);
}

/** Gradients of x, W [1, ..], R [1, ..] and B [1, ..] of one direction. */
function operandGradients(pass: Pass, back: PassGradient): Record<"x" | "w" | "r" | "b", () => ValueId> {
  const { f } = pass;
  const lead = (id: ValueId) => f.reshape(id, [1, ...f.shape(id)]);
  const product = (gradient: ValueId, operand: ValueId) =>
    f.node("Gemm", [flat(f, gradient), flat(f, operand)], { transA: 1 });
  const rowsOf = () => {
    let from = 0;
    const parts = back.operands.map(({ value, rows }) => {
      const all = back.operands.length === 1;
      const own = all ? back.state : f.node("Slice", [back.state, f.ints([from]), f.ints([from + rows]), f.ints([2])]);
      from += rows;
      return product(own, value);
    });
    return parts.length === 1 ? parts[0]! : f.node("Concat", parts, { axis: 0 });
  };
  return {
    x: () => f.node("MatMul", [back.input, pass.w]),
    w: () => lead(product(back.input, pass.x)),
    r: () => lead(rowsOf()),
    b: () =>
      lead(
        f.node(
          "Concat",
          [back.input, back.state].map((id) => f.sum(id, [0, 1], false)),
          { axis: 0 },
        ),
      ),
  };
}

/**
 * Back through time (Werbos 1990) for each direction: `back` goes through the steps of one. The gates of all steps are computed anew in one product from
 * the states that the operator gave, since it does not give the gates themselves.
 */
export function recurrentRule<A extends RecurrentAttributes>(
  gateActivations: readonly string[],
  back: (c: GradientContext<A>, pass: Pass) => PassGradient,
): GradientRule<A> {
  return (c) => {
    const steps = staticShape(c.type(c.inputs[0]!).shape)[0]!;
    checkForm(c, steps);
    const f = formulaOf(c);
    const directions = staticShape(c.type(c.inputs[1]!).shape)[0]!;
    const passes = Array.from({ length: directions }, (_, d) => {
      const pass = passOf(c, d, gateActivations);
      const gradient = back(c, pass);
      return { gradient, of: operandGradients(pass, gradient), pass };
    });
    const joined = (part: (pass: (typeof passes)[number]) => ValueId) => joinSteps({ f } as Pass, passes.map(part));
    const states = (i: number) => joined(({ gradient, pass }) => gradient.initial[i] ?? zeroState(pass));
    return c.inputs.map((id, i) => {
      if (id === null || !c.wants(i)) return null;
      if (i === 0) return passes.map(({ of }) => of.x()).reduce((sum, part) => f.add(sum, part));
      if (i === 1) return joined(({ of }) => of.w());
      if (i === 2) return joined(({ of }) => of.r());
      if (i === 3) return joined(({ of }) => of.b());
      return i === 5 ? states(0) : i === 6 ? states(1) : null;
    });
  };
}
