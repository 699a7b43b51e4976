import { EspalierError, suggestion, withContext } from "../../diagnostics/index.ts";
import { type Graph, shapeText, type ValueId, valueById } from "../../ir/index.ts";
import { editGraph } from "../../ops/index.ts";
import type { DType } from "../../tensor/index.ts";
import { type TfliteModel, type TfliteQuantization, tfliteOptions } from "./codec/index.ts";
import { compact, identityLayout, type Layout, physicalShape, sameLayout } from "./layout.ts";
import { legalise } from "./legalise/index.ts";
import { LOWERINGS } from "./ops/index.ts";
import { type LoweringNote, Placement } from "./placement.ts";
import { type Plan, planLowering, type Step } from "./plan.ts";
import { preferredLayouts } from "./prefer.ts";
import { elementOf, type QuantizedType } from "./quantization.ts";
import { type LoweringSettings, StepContext } from "./step-context.ts";

/** How a graph becomes a TFLite model; the defaults suit full int8. */
export interface LowerOptions extends Partial<LoweringSettings> {
  /**
   * What crosses the border where the graph is quantised behind it. "int8" (default): inputs and outputs of type float32
   * become int8, integers keep their type; "graph": all keep the graph's type; "float32": all are real numbers. QUANTIZE
   * and DEQUANTIZE stand inside where that is not the type that the first and last operators have.
   */
  readonly io?: "int8" | "graph" | "float32";
  readonly name?: string;
  readonly description?: string;
}

/** A graph input or output as the file has it. */
export interface TfliteInterface {
  /** The name in the graph. */
  readonly name: string;
  /** Axis i of the TFLite tensor is axis layout[i] of the graph's value: [0, 2, 3, 1] is NCHW as NHWC. */
  readonly layout: readonly number[];
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly quantization?: TfliteQuantization;
}

export interface Lowered {
  readonly model: TfliteModel;
  readonly inputs: readonly TfliteInterface[];
  readonly outputs: readonly TfliteInterface[];
  /** Work that the graph does not have and TFLite needs: transposes, pads, float kernels inside a quantised graph. */
  readonly notes: readonly LoweringNote[];
}

/**
 * A float32 or QDQ graph as a TFLite model of batch 1, channels last. Throws EspalierError "unsupported" for an operator
 * or form that TFLite does not have, naming the node and the remedy.
 */
export function lowerToTflite(graph: Graph, options: LowerOptions = {}): Lowered {
  const plan = planLowering(legalise(bindBatch(graph)));
  const placement = new Placement(plan);
  const preferred = preferredLayouts(plan, (id) => placement.shape(id).length);
  const settings: LoweringSettings = {
    globalAverage: options.globalAverage ?? "average-pool",
    border: options.border ?? "pad",
  };
  const io = options.io ?? "int8";
  const entries = plan.inputs.map((id, i) => enter(placement, id, plan.graph.inputs[i]!, preferred, io));
  for (const step of plan.steps) lowerStep(step, placement, preferred, settings);
  const taken = new Set(entries.map((entry) => entry.tensor));
  const exits = plan.outputs.map((id, i) => leave(placement, id, plan.graph.outputs[i]!, io, taken));
  const names = { subgraph: "main", description: options.description ?? options.name ?? graph.name };
  const model = placement.assembly.finish(names, entries, exits, plan.legacy);
  const describe = (sides: readonly Side[]): TfliteInterface[] =>
    sides.map(({ name, tensor, layout }) => {
      const { shape, dtype, quantization } = placement.assembly.describe(tensor, plan.legacy);
      return { name, layout, shape, dtype, ...(quantization === undefined ? {} : { quantization }) };
    });
  return { model, inputs: describe(entries), outputs: describe(exits), notes: placement.notes };
}

/** The graph with its symbolic batch bound to 1. */
function bindBatch(graph: Graph): Graph {
  const builder = editGraph(graph);
  for (const id of graph.inputs) {
    const { name, type } = valueById(graph, id);
    const shape = type.shape.map((dim, axis) => {
      if (typeof dim === "number") return dim;
      if (axis === 0) return 1;
      throw new EspalierError(
        "unsupported",
        `Input "${name}" has the unknown size "${dim}" on axis ${axis} of ${shapeText(type.shape)}`,
        {
          hint: "TFLite needs every size but the batch: export the model with that size fixed.",
        },
      );
    });
    builder.setInputType(id, { dtype: type.dtype, shape });
  }
  return builder.build({ reinfer: true });
}

interface Side {
  readonly name: string;
  readonly tensor: number;
  readonly layout: Layout;
}

/** The element type and quantisation of a border value that is quantised inside; null where it enters or leaves as it is inside. */
function borderType(
  dtype: DType,
  inside: TfliteQuantization | undefined,
  io: NonNullable<LowerOptions["io"]>,
  legacy: boolean,
): { dtype: "float32" | "uint8"; quantization?: TfliteQuantization } | null {
  if (inside === undefined) return null;
  if (io === "float32" || (io === "graph" && dtype === "float32")) return { dtype: "float32" };
  // uint8 is carried as int8 inside, 128 lower.
  if (dtype !== "uint8" || legacy) return null;
  return { dtype, quantization: { ...inside, zeroPoints: inside.zeroPoints.map((point) => point + 128) } };
}

function enter(
  placement: Placement,
  id: ValueId,
  original: ValueId,
  preferred: ReadonlyMap<ValueId, Layout>,
  io: NonNullable<LowerOptions["io"]>,
): Side {
  const { name, type } = valueById(placement.plan.graph, original);
  const layout = compact(preferred.get(id) ?? identityLayout(placement.shape(id).length));
  const inside = placement.plan.quantization.get(id);
  const border = borderType(type.dtype, inside, io, placement.plan.legacy);
  if (border === null) {
    const tensor = placement.declare(id, layout, inside ?? null);
    placement.place(id, { tensor, layout });
    return { name, tensor, layout };
  }
  const shape = physicalShape(placement.shape(id), layout);
  const tensor = placement.assembly.tensor(name, shape, border.dtype, border.quantization);
  placement.place(id, { tensor, layout });
  placement.place(id, { tensor: placement.read(id, layout, inside!, name), layout });
  return { name, tensor, layout };
}

/** Outputs of rank 4 may stay channels last, as TFLite has images; all others get the graph's own axes. */
function leave(
  placement: Placement,
  id: ValueId,
  original: ValueId,
  io: NonNullable<LowerOptions["io"]>,
  taken: Set<number>,
): Side {
  const { name, type } = valueById(placement.plan.graph, original);
  const rank = placement.shape(id).length;
  const now = placement.constant(id) === null ? placement.placed(id).layout : identityLayout(rank);
  const layout = rank === 4 && sameLayout(now, [0, 2, 3, 1]) ? now : identityLayout(rank);
  const border = borderType(type.dtype, placement.plan.quantization.get(id), io, placement.plan.legacy);
  let tensor = placement.read(id, layout, border?.dtype === "float32" ? "float" : "as-is", name);
  if (border?.dtype === "uint8") {
    const { shape } = placement.assembly.describe(tensor);
    const wide = placement.assembly.tensor(name, shape, border.dtype, border.quantization);
    placement.assembly.operator("QUANTIZE", [tensor], [wide], tfliteOptions("QuantizeOptions"));
    tensor = wide;
  } else if (taken.has(tensor) || placement.constant(id) !== null) {
    // TFLite's interpreters want every output to be computed, and by an operator of its own.
    const { shape, dtype, quantization } = placement.assembly.describe(tensor);
    const copy = placement.assembly.tensor(name, shape, dtype, quantization);
    placement.reshape(tensor, copy);
    tensor = copy;
  }
  taken.add(tensor);
  return { name, tensor, layout };
}

function lowerStep(
  step: Step,
  placement: Placement,
  preferred: ReadonlyMap<ValueId, Layout>,
  settings: LoweringSettings,
): void {
  const where = `node "${step.node.name}" (${step.op})`;
  const lowering = LOWERINGS[step.op as "Conv"];
  if (lowering === undefined) {
    throw new EspalierError("unsupported", `${step.op} has no TFLite form`, {
      where,
      hint: suggestion(step.op, Object.keys(LOWERINGS)),
    });
  }
  const quantized = isQuantized(step, placement.plan);
  const element = elementOfStep(step, placement.plan);
  const kernel = lowering.int8 && element !== null && (element === "int8" || lowering.int16 === true);
  if (quantized && !kernel) {
    placement.note(
      "float-kernel",
      step.node.name,
      `${step.op} has no ${element ?? "mixed"} kernel in TFLite: it runs on float32 between DEQUANTIZE and QUANTIZE`,
    );
  }
  const context = new StepContext(step, placement, quantized && kernel, preferred, settings);
  try {
    lowering.lower(context);
    context.finish();
  } catch (error) {
    throw error instanceof EspalierError && error.where !== undefined ? error : withContext(error, where);
  }
}

/** The integers that a step reads and makes; null where they are of two types, for which there are no kernels but QUANTIZE. */
function elementOfStep(step: Step, plan: Plan): QuantizedType | null {
  const found = new Set<QuantizedType>();
  for (const id of [...step.inputs, ...step.outputs]) {
    const quantization = id === null ? undefined : plan.quantization.get(id);
    if (quantization !== undefined && valueById(plan.graph, id!).data === undefined) found.add(elementOf(quantization));
  }
  if (found.size > 1) return step.op === "QuantizeLinear" ? "int16" : null;
  return [...found][0] ?? "int8";
}

/** A step runs on integers when its outputs and all its computed inputs do. */
function isQuantized(step: Step, plan: Plan): boolean {
  const computed = step.inputs.filter((id) => id !== null && valueById(plan.graph, id).data === undefined) as ValueId[];
  return computed.length > 0 && [...computed, ...step.outputs].every((id) => plan.quantization.has(id));
}
