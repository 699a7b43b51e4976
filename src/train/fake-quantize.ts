import { EspalierError } from "../diagnostics/index.ts";
import { type GraphBuilder, type Node, staticShape, type ValueId } from "../ir/index.ts";
import { formula } from "../ops/index.ts";
import { float32, type Tensor, tensor, toFloat32 } from "../tensor/index.ts";
import type { Composite } from "./autodiff.ts";

/** A learned step may grow or shrink by this factor, e^4: far more than training needs, and far from where float32 ends. */
const MOST_GROWTH = 4;

/** The integers that a value is rounded to, in steps from its zero: q - zero point. */
export interface Levels {
  readonly low: number;
  readonly high: number;
}

/** A step size that is learned: its logarithm, relative to where it started, is the parameter. */
export interface LearnedStep {
  /** The constant that training moves; 0 at the start. */
  readonly growth: ValueId;
  /** initial * exp(growth), with the growth bounded. */
  readonly step: ValueId;
}

/** Adds a step that starts at `initial`, of any shape that broadcasts to what it rounds; always positive whatever the optimiser does. */
export function addLearnedStep(builder: GraphBuilder, name: string, initial: Tensor<"float32">): LearnedStep {
  const growth = builder.constant(
    `${name}.growth`,
    tensor("float32", initial.shape, new Float32Array(initial.data.length)),
  );
  const f = formula(builder, `${name}.step`);
  const bounded = f.node("Clip", [growth, f.number(-MOST_GROWTH), f.number(MOST_GROWTH)]);
  return { growth, step: f.mul(f.constant(initial), f.node("Exp", [bounded])) };
}

/** The step that a growth stands for. */
export function stepAfter(initial: ArrayLike<number>, growth: ArrayLike<number>): Float32Array {
  return Float32Array.from(initial, (start, i) =>
    Math.fround(start * Math.fround(Math.exp(Math.max(-MOST_GROWTH, Math.min(MOST_GROWTH, growth[i]!))))),
  );
}

/** Adds step * clip(round(x / step), low, high), what QuantizeLinear (round half to even) and DequantizeLinear make of x. The zero point is in the levels. */
export function addFakeQuantize(
  builder: GraphBuilder,
  x: ValueId,
  step: ValueId,
  { low, high }: Levels,
  names: { readonly name: string; readonly result: string },
): ValueId {
  const f = formula(builder, names.name);
  const rounded = f.node("Round", [f.div(x, step)]);
  const level = f.node("Clip", [rounded, f.number(low), f.number(high)]);
  return builder.node("Mul", [level, step], {}, { name: `${names.name}.rounded`, outputNames: [names.result] });
}

/** The nodes of a fake quantisation, found again from its output. */
interface Parts {
  readonly name: string;
  readonly x: ValueId;
  readonly scaled: ValueId;
  readonly rounded: ValueId;
  readonly level: ValueId;
  readonly step: ValueId;
  readonly levels: Levels;
  /** Null for a step that is not learned. */
  readonly learned: { readonly growth: ValueId; readonly initial: Tensor } | null;
}

function partsOf(builder: GraphBuilder, by: ReadonlyMap<ValueId, Node>, output: ValueId): Parts {
  const at = (id: ValueId, op: string): Node => {
    const node = by.get(id);
    if (node?.op !== op)
      throw new EspalierError("internal", `internal: expected ${op}, found ${node?.op} in a fake quantisation`);
    return node;
  };
  const last = at(output, "Mul");
  const [level, step] = last.inputs as readonly [ValueId, ValueId];
  const [rounded, low, high] = at(level, "Clip").inputs as readonly [ValueId, ValueId, ValueId];
  const scaled = at(rounded, "Round").inputs[0]!;
  const number = (id: ValueId) => toFloat32(builder.value(id).data!)[0]!;
  const made = by.get(step);
  return {
    name: last.name,
    x: at(scaled, "Div").inputs[0]!,
    scaled,
    rounded,
    level,
    step,
    levels: { low: number(low), high: number(high) },
    learned:
      made === undefined
        ? null
        : {
            initial: builder.value(made.inputs[0]!).data!,
            growth: at(at(made.inputs[1]!, "Exp").inputs[0]!, "Clip").inputs[0]!,
          },
  };
}

/**
 * What the gradient of a step is multiplied by (Esser et al. 2020, section 2.2): 1 / sqrt(n Q) for n values that share the step and levels up to Q. The
 * parameter is the step's logarithm: 1 / initial more makes a step of plain gradient descent move it as it would move the step itself.
 */
function gainOf(
  builder: GraphBuilder,
  { x, levels, step }: Parts,
  initial: Tensor,
  weight: boolean,
): Tensor<"float32"> {
  const shape = staticShape(builder.value(x).type.shape);
  const size = shape.reduce((a, b) => a * b, 1);
  const slices = toFloat32(initial).length;
  const sharing = size / (weight ? slices : shape[0]!);
  const most = Math.max(-levels.low, levels.high);
  const gain = 1 / Math.sqrt(Math.max(1, sharing) * most);
  return float32(
    staticShape(builder.value(step).type.shape),
    toFloat32(initial).map((start) => gain / start),
  );
}

/**
 * Gradient rules of fake quantisations, by their outputs. Only the rounding is passed straight through (Bengio et al. 2013): with v = x / step and the level
 * k = clip(round(v)), dx = dy where k = round(v) and 0 where the value is cut off; and d step = sum of dy (k - v) where k = round(v), of dy k elsewhere
 * (learned step size quantisation, Esser et al. 2020, equation 3). `weights` are those whose x is a weight and not a batch.
 */
export function fakeQuantizeComposites(
  builder: GraphBuilder,
  outputs: Iterable<ValueId>,
  weights: ReadonlySet<ValueId>,
): Composite[] {
  const by = new Map(builder.currentNodes.flatMap((node) => node.outputs.map((id) => [id, node] as const)));
  return Array.from(outputs, (output): Composite => {
    const parts = partsOf(builder, by, output);
    const { x, scaled, rounded, level, step, learned } = parts;
    const gain = learned === null ? null : gainOf(builder, parts, learned.initial, weights.has(output));
    return {
      inputs: learned === null ? [x] : [x, learned.growth],
      output,
      gradient: (target, dy, wants) => {
        const g = formula(target, `${parts.name}.grad`);
        const inside = g.indicator(g.node("Equal", [rounded, level]));
        const dx = wants(0) ? g.mul(dy, inside) : null;
        if (gain === null || !wants(1)) return [dx, null];
        const slope = g.mul(dy, g.sub(level, g.mul(scaled, inside)));
        return [dx, g.mul(summedTo(g, slope, staticShape(target.value(step).type.shape)), g.constant(gain))];
      },
    };
  });
}

/** The sum over all axes along which a step is stretched. */
function summedTo(g: ReturnType<typeof formula>, slope: ValueId, to: readonly number[]): ValueId {
  const from = g.shape(slope);
  const lead = from.length - to.length;
  const axes = from.flatMap((dim, i) => (i < lead || (to[i - lead] === 1 && dim !== 1) ? [i] : []));
  return g.reshape(g.sum(slope, axes), to);
}
