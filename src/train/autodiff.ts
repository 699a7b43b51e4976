import { EspalierError } from "../diagnostics/index.ts";
import { type GraphBuilder, type Node, staticShape, type ValueId } from "../ir/index.ts";
import { completeAttributes, specOf } from "../ops/index.ts";
import { fromNumbers, scalar } from "../tensor/index.ts";

/** Several nodes that stand for one function with its own gradient rule, cheaper or steadier than the rules of its parts. */
export interface Composite {
  readonly inputs: readonly ValueId[];
  readonly output: ValueId;
  /** Adds the nodes of the gradients to `builder`, one answer an input, from the gradient of the output. */
  readonly gradient: (builder: GraphBuilder, dy: ValueId, wants: (i: number) => boolean) => readonly (ValueId | null)[];
}

export interface GradientOptions {
  /** Gradient of the output, of its shape; default: ones. */
  readonly seed?: ValueId;
  readonly composites?: readonly Composite[];
}

/** One step of the reverse walk: a node, or a composite in place of the node that computes its output. */
interface Step {
  readonly inputs: readonly (ValueId | null)[];
  readonly outputs: readonly ValueId[];
  readonly back: (dys: readonly (ValueId | null)[], wants: (i: number) => boolean) => readonly (ValueId | null)[];
}

function stepOfNode(builder: GraphBuilder, node: Node): Step {
  return {
    inputs: node.inputs,
    outputs: node.outputs,
    back: (outputGradients, wants) => {
      const spec = specOf(node.op);
      const where = `node "${node.name}" (${node.op})`;
      if (spec.gradient === "not-differentiable")
        throw new EspalierError("unsupported", `Operator "${node.op}" has no gradient`, {
          where,
          hint: "Freeze the weights before this node, or replace it by differentiable operators.",
        });
      if (spec.gradient === "not-written")
        throw new EspalierError("unsupported", `The gradient of operator "${node.op}" is not written yet`, {
          where,
          hint: "Freeze the weights before this node, or replace it by operators that SUPPORT.md lists with a gradient.",
        });
      return spec.gradient({
        builder,
        node,
        attrs: completeAttributes(node.op, spec.attrs, node.attrs) as never,
        inputs: node.inputs,
        outputs: node.outputs,
        outputGradients,
        wants,
        type: (id) => builder.value(id).type,
      });
    },
  };
}

/**
 * Adds the nodes that compute d output / d wrt (reverse mode) and returns one gradient for each `wrt`: a value of its shape, or null when the output
 * does not depend on it. All shapes must be static: bind the batch first. The nodes of `builder` must be in topological order.
 * @throws EspalierError "unsupported" naming the operator and node when a path leads through one without a gradient.
 */
export function addGradients(
  builder: GraphBuilder,
  output: ValueId,
  wrt: readonly ValueId[],
  options: GradientOptions = {},
): (ValueId | null)[] {
  const composites = new Map((options.composites ?? []).map((composite) => [composite.output, composite]));
  const steps: Step[] = builder.currentNodes.map((node) => {
    const composite = composites.get(node.outputs[0]!);
    if (composite === undefined) return stepOfNode(builder, node);
    return {
      inputs: composite.inputs,
      outputs: [composite.output],
      back: ([dy], wants) => composite.gradient(builder, dy!, wants),
    };
  });
  const depends = new Set<ValueId>(wrt);
  for (const step of steps)
    if (step.inputs.some((id) => id !== null && depends.has(id))) for (const id of step.outputs) depends.add(id);

  const gradients = new Map<ValueId, ValueId[]>();
  if (depends.has(output)) gradients.set(output, [options.seed ?? onesLike(builder, output)]);
  const total = (id: ValueId): ValueId | null => {
    const parts = gradients.get(id);
    if (parts === undefined) return null;
    if (parts.length > 1) {
      const op = parts.length === 2 ? "Add" : "Sum";
      gradients.set(id, [builder.node(op, parts, {}, { name: `${builder.value(id).name}.grad` })]);
    }
    return gradients.get(id)![0]!;
  };
  for (const step of steps.reverse()) {
    const arriving = step.outputs.map(total);
    const wants = (i: number) =>
      step.inputs[i] !== undefined && step.inputs[i] !== null && depends.has(step.inputs[i]!);
    if (arriving.every((id) => id === null) || !step.inputs.some((_, i) => wants(i))) continue;
    step.back(arriving, wants).forEach((gradient, i) => {
      const id = step.inputs[i];
      if (gradient === null || id === null || id === undefined || !depends.has(id)) return;
      const parts = gradients.get(id);
      if (parts === undefined) gradients.set(id, [gradient]);
      else parts.push(gradient);
    });
  }
  return wrt.map(total);
}

function onesLike(builder: GraphBuilder, id: ValueId): ValueId {
  const { dtype, shape } = builder.value(id).type;
  const dims = staticShape(shape);
  const name = `${builder.value(id).name}.seed`;
  if (dims.length === 0) return builder.constant(name, scalar(dtype, 1));
  const size = dims.reduce((a, b) => a * b, 1);
  return builder.constant(name, fromNumbers(dtype, dims, new Float32Array(size).fill(1)));
}
