import { EspalierError } from "../../../diagnostics/index.ts";
import type { Attributes, ValueId } from "../../../ir/index.ts";
import { float32, permute, type Tensor, takeAlong, toFloat32 } from "../../../tensor/index.ts";
import { constant, ints, op, ops, rankOf, type Scope, squeeze, transpose, unsqueeze } from "../emit/scope.ts";
import {
  activationName,
  type LayerContext,
  type LayerReader,
  type LayerReaders,
  layerContext,
  weight,
} from "./context.ts";
import { parseLayer } from "./topology.ts";

/** A Keras cell and its ONNX operator. Gates: blocks of the kernel's columns, in ONNX's order. */
interface Cell {
  readonly op: "LSTM" | "GRU" | "RNN";
  /** Position in Keras' kernel of each ONNX gate. Keras LSTM: i f c o, ONNX: i o f c; both GRUs: z r h. */
  readonly gates: readonly number[];
  readonly states: number;
}

const cells: Readonly<Record<string, Cell>> = {
  LSTM: { op: "LSTM", gates: [0, 3, 1, 2], states: 2 },
  GRU: { op: "GRU", gates: [0, 1, 2], states: 1 },
  SimpleRNN: { op: "RNN", gates: [0], states: 1 },
};

/** Keras activations that ONNX's recurrent operators have, with the same constants (ONNX LSTM-14; HardSigmoid 0.2, 0.5). */
const activations: Readonly<Record<string, string>> = {
  tanh: "Tanh",
  sigmoid: "Sigmoid",
  hard_sigmoid: "HardSigmoid",
  relu: "Relu",
  softsign: "Softsign",
  softplus: "Softplus",
  elu: "Elu",
  linear: "Affine",
};

function onnxActivation(c: LayerContext, key: string, fallback: string): string {
  const name = activationName(c, key, fallback);
  const found = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (found === undefined)
    throw new EspalierError("unsupported", `The ${key} "${name}" of ${c.className} is not supported`, {
      hint: `Supported: ${Object.keys(activations).join(", ")}.`,
    });
  return found;
}

function activationsOf(c: LayerContext, cell: Cell): string[] {
  const main = onnxActivation(c, "activation", "tanh");
  if (cell.op === "RNN") return [main];
  const inner = onnxActivation(c, "recurrent_activation", "hard_sigmoid");
  return cell.op === "LSTM" ? [inner, main, main] : [inner, main];
}

function dataOf(c: LayerContext, name: string, shape: readonly number[]): Tensor {
  const { data } = c.builder.value(weight(c, name));
  if (data === undefined || data.shape.join() !== shape.join())
    throw new EspalierError(
      "input",
      `The weight "${name}" must have shape [${shape.join(", ")}], it has [${data?.shape.join(", ") ?? ""}]`,
    );
  return data;
}

/** Weights of one direction as ONNX wants them: W [G*H, I], R [G*H, H], B [2*G*H]. */
function directionOf(c: LayerContext, cell: Cell, inputs: number): { w: Tensor; r: Tensor; b: Tensor } {
  const units = c.config.int("units", 0);
  if (units < 1) throw new EspalierError("input", `"units" must be at least 1, got ${units}`);
  const width = cell.gates.length * units;
  const columns = cell.gates.flatMap((gate) => Array.from({ length: units }, (_, i) => gate * units + i));
  const rows = (t: Tensor) => permute(takeAlong(t, 1, columns), [1, 0]);
  const twoBiases = cell.op === "GRU" && c.config.bool("reset_after", false);
  const bias = c.config.bool("use_bias", true)
    ? dataOf(c, "bias", twoBiases ? [2, width] : [width])
    : float32([width], new Float32Array(width));
  const [own, recurrent] = twoBiases
    ? [toFloat32(bias).subarray(0, width), toFloat32(bias).subarray(width)]
    : [toFloat32(bias), new Float32Array(width)];
  const order = (values: Float32Array) => columns.map((column) => values[column]!);
  return {
    w: rows(dataOf(c, "kernel", [inputs, width])),
    r: rows(dataOf(c, "recurrent_kernel", [units, width])),
    b: float32([2 * width], [...order(own), ...order(recurrent)]),
  };
}

/** The directions' tensors one above the other, with an axis for the direction. */
function stacked(tensors: readonly Tensor[]): Tensor {
  const shape = tensors[0]!.shape;
  const data = new Float32Array(tensors.reduce((sum, t) => sum + t.data.length, 0));
  for (const [i, t] of tensors.entries()) data.set(toFloat32(t), i * t.data.length);
  return float32([tensors.length, ...shape], data);
}

function cellOf(c: LayerContext): Cell {
  const cell = Object.hasOwn(cells, c.className) ? cells[c.className] : undefined;
  if (cell === undefined)
    throw new EspalierError("unsupported", `The recurrent layer "${c.className}" is not supported`, {
      hint: `Supported: ${Object.keys(cells).join(", ")}.`,
    });
  if (c.config.bool("stateful", false))
    throw new EspalierError("unsupported", "A stateful recurrent layer is not supported", {
      hint: "Build the model again with stateful: false.",
    });
  return cell;
}

/** What one run of the operator gives, in TF.js' layout: sequences [N, T, H] by direction, last states [N, H] by state and direction. */
interface Run {
  readonly sequences: readonly ValueId[];
  readonly last: readonly (readonly ValueId[])[];
}

function run(
  c: LayerContext,
  directions: readonly LayerContext[],
  direction: string,
  x: ValueId,
  initial: readonly ValueId[],
): Run {
  const cell = cellOf(directions[0]!);
  if (rankOf(c, x) !== 3)
    throw new EspalierError("input", `${c.className} needs an input of rank 3, got rank ${rankOf(c, x)}`);
  const inputs = c.builder.value(x).type.shape[2];
  if (typeof inputs !== "number")
    throw new EspalierError("unsupported", "The input size of a recurrent layer must be known");
  const sides = directions.map((side) => directionOf(side, cell, inputs));
  const attrs: Attributes = {
    hidden_size: directions[0]!.config.int("units", 0),
    direction,
    activations: directions.flatMap((side) => activationsOf(side, cell)),
    ...(cell.op === "GRU" ? { linear_before_reset: directions[0]!.config.bool("reset_after", false) ? 1 : 0 } : {}),
  };
  const operands = [
    transpose(c, x, [1, 0, 2]),
    constant(c, "W", stacked(sides.map((side) => side.w))),
    constant(c, "R", stacked(sides.map((side) => side.r))),
    constant(c, "B", stacked(sides.map((side) => side.b))),
  ];
  const states = initial.map((id) => unsqueeze(c, id, [0]));
  const all = ops(c, cell.op, states.length === 0 ? operands : [...operands, null, ...states], attrs, 1 + cell.states);
  return {
    sequences: split(c, all[0]!, 1, directions.length).map((y) => transpose(c, y, [1, 0, 2])),
    last: all.slice(1).map((state) => split(c, state, 0, directions.length)),
  };
}

/** The parts of an axis of size `count`, without that axis. */
function split(s: Scope, id: ValueId, axis: number, count: number): ValueId[] {
  const parts =
    count === 1 ? [id] : ops(s, "Split", [id, ints(s, "sizes", new Array<number>(count).fill(1))], { axis }, count);
  return parts.map((part) => squeeze(s, part, [axis]));
}

/** A sequence backwards in time. */
function reversed(s: Scope, id: ValueId): ValueId {
  const one = (value: number) => ints(s, "slice", [value]);
  return op(s, "Slice", [id, one(-1), one(-Number.MAX_SAFE_INTEGER), one(1), one(-1)]);
}

/** Inputs: the sequence, then initial states. Keras gives a backward layer's sequence in the order it was computed. */
const recurrent: LayerReader = (c, [x, ...initial]) => {
  const cell = cellOf(c);
  if (x === undefined || (initial.length !== 0 && initial.length !== cell.states))
    throw new EspalierError(
      "input",
      `${c.className} takes a sequence and no or ${cell.states} initial states, got ${initial.length + 1} inputs`,
    );
  const backwards = c.config.bool("go_backwards", false);
  const { sequences, last } = run(c, [c], backwards ? "reverse" : "forward", x, initial);
  const states = last.map((state) => state[0]!);
  const all = c.config.bool("return_sequences", false);
  const y = all ? (backwards ? reversed(c, sequences[0]!) : sequences[0]!) : states[0]!;
  return c.config.bool("return_state", false) ? [y, ...states] : [y];
};

const merges: Readonly<Record<string, (s: Scope, a: ValueId, b: ValueId) => ValueId>> = {
  concat: (s, a, b) => op(s, "Concat", [a, b], { axis: -1 }),
  sum: (s, a, b) => op(s, "Add", [a, b]),
  mul: (s, a, b) => op(s, "Mul", [a, b]),
  ave: (s, a, b) => op(s, "Mul", [op(s, "Add", [a, b]), constant(s, "half", float32([], [0.5]))]),
};

/** The layer once forward and once backward in time, sequences aligned. */
const bidirectional: LayerReader = (c, inputs) => {
  const [x] = inputs;
  if (x === undefined || inputs.length !== 1)
    throw new EspalierError("unsupported", "Bidirectional with initial states is not supported");
  const inner = parseLayer(c.config.raw("layer"), `layer "${c.name}".layer`);
  const other = c.config.raw("backward_layer");
  const back = other === undefined ? inner : parseLayer(other, `layer "${c.name}".backward_layer`);
  const backName = other === undefined ? `backward_${inner.name}` : back.name;
  const side = (layer: typeof inner, name: string) =>
    layerContext(c.builder, layer, `${c.path}/${name}`, c.weights, c.apply);
  const sides = [side(inner, `forward_${inner.name}`), side(back, backName)];
  if (inner.className !== back.className || sides[0]!.config.bool("go_backwards", false))
    throw new EspalierError(
      "unsupported",
      "Bidirectional over two kinds of layers, or a backward first one, is not supported",
    );
  const { sequences, last } = run(c, sides, "bidirectional", x, []);
  const [a, b] = sides[0]!.config.bool("return_sequences", false) ? sequences : last[0]!;
  const states = sides[0]!.config.bool("return_state", false)
    ? [...last.map((s) => s[0]!), ...last.map((s) => s[1]!)]
    : [];
  const mode = c.config.raw("merge_mode");
  if (mode === undefined) return [a!, b!, ...states];
  const merge = typeof mode === "string" && Object.hasOwn(merges, mode) ? merges[mode] : undefined;
  if (merge === undefined)
    throw new EspalierError(
      "input",
      `"merge_mode" must be one of ${Object.keys(merges).join(", ")} or null, got ${JSON.stringify(mode)}`,
    );
  return [merge(c, a!, b!), ...states];
};

/** Recurrent layers, kept as whole operators. */
export const RECURRENT: LayerReaders = {
  Bidirectional: bidirectional,
  GRU: recurrent,
  LSTM: recurrent,
  SimpleRNN: recurrent,
};
