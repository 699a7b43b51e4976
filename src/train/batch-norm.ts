import type { Graph, GraphBuilder, Node, ValueId } from "../ir/index.ts";
import { completeAttributes, formula, OPS } from "../ops/index.ts";
import { float32 } from "../tensor/index.ts";
import type { Composite } from "./autodiff.ts";

/** A BatchNormalization over the statistics of the batch, and those statistics. */
export interface BatchStatistics {
  readonly output: ValueId;
  /** Mean and (biased) variance of the batch, [C]. */
  readonly mean: ValueId;
  readonly variance: ValueId;
  readonly composite: Composite;
}

/**
 * Adds the training form of a BatchNormalization node (Ioffe & Szegedy 2015): ONNX Runtime's inference build has no kernel for it.
 * With c = x - mean, r = 1 / sqrt(var + eps), M elements a channel: y = scale r c + bias, and
 * dx = scale r (dy - sum(dy) / M - c r^2 sum(dy c) / M), dscale = r sum(dy c), dbias = sum(dy).
 */
export function addBatchStatistics(builder: GraphBuilder, node: Node): BatchStatistics {
  const f = formula(builder, node.name);
  const { epsilon } = completeAttributes(node.op, OPS.BatchNormalization.attrs, node.attrs);
  const [x, scale, bias] = node.inputs as readonly ValueId[];
  const shape = f.shape(x!);
  const channels = shape[1]!;
  const axes = shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  const column = [1, channels, ...shape.slice(2).map(() => 1)];
  const count = axes.reduce((product, axis) => product * shape[axis]!, 1);
  const over = f.ints(axes);
  const mean = f.node("ReduceMean", [x!, over]);
  const centred = f.sub(x!, mean);
  const variance = f.node("ReduceMean", [f.mul(centred, centred), over]);
  const vector = (id: ValueId) => f.reshape(id, [channels]);
  // ONNX Runtime's own kernel scales and shifts in one pass.
  const output = f.node("BatchNormalization", [x!, scale!, bias!, vector(mean), vector(variance)], { epsilon });
  const composite: Composite = {
    inputs: [x!, scale!, bias!],
    output,
    gradient: (target, dy, wants) => {
      const g = formula(target, `${node.name}.grad`);
      const r = g.node("Reciprocal", [g.node("Sqrt", [g.add(variance, g.number(epsilon))])]);
      const gain = g.mul(g.reshape(scale!, column), r);
      const total = g.node("ReduceSum", [dy, over]);
      const moment = g.node("ReduceSum", [g.mul(dy, centred), over]);
      const dx = () => {
        const slope = g.mul(g.mul(gain, g.mul(r, r)), g.mul(moment, g.number(-1 / count)));
        const offset = g.mul(gain, g.mul(total, g.number(-1 / count)));
        // slope (x - mean) + offset, as a BatchNormalization of variance 1.
        const ones = g.constant(float32([channels], new Float32Array(channels).fill(1)));
        const flat = [slope, offset, mean].map((id) => g.reshape(id, [channels]));
        const line = g.node("BatchNormalization", [x!, ...flat, ones], { epsilon: 0 });
        return g.add(g.mul(dy, gain), line);
      };
      return [
        wants(0) ? dx() : null,
        wants(1) ? g.reshape(g.mul(moment, r), [channels]) : null,
        wants(2) ? g.reshape(total, [channels]) : null,
      ];
    },
  };
  return { output, mean: vector(mean), variance: vector(variance), composite };
}

/** The running statistics of a batch normalisation, and what this batch says of them. */
export interface Measured {
  /** Constants of the graph: mean and variance. */
  readonly constants: readonly ValueId[];
  /** Mean and (biased) variance of the batch, [C]. */
  readonly values: readonly ValueId[];
  readonly name: string;
}

/**
 * Replaces each BatchNormalization by its training form; answers the composites for the reverse walk and the statistics of the batch. With `trainedOnly`
 * one whose scale and shift are both constants, because they are frozen, keeps its inference form.
 */
export function useBatchStatistics(
  builder: GraphBuilder,
  graph: Graph,
  { trainedOnly = false }: { readonly trainedOnly?: boolean } = {},
): { composites: Composite[]; measured: Measured[] } {
  const composites: Composite[] = [];
  const measured: Measured[] = [];
  for (const original of graph.nodes) {
    if (original.op !== "BatchNormalization") continue;
    // Earlier replacements changed its inputs.
    const node = builder.currentNodes.find((candidate) => candidate.name === original.name)!;
    if (trainedOnly && [node.inputs[1]!, node.inputs[2]!].every((id) => builder.value(id).data !== undefined)) continue;
    const batch = addBatchStatistics(builder, node);
    const constants = [node.inputs[3]!, node.inputs[4]!];
    if (constants.every((id) => builder.value(id).data !== undefined))
      measured.push({ constants, values: [batch.mean, batch.variance], name: node.name });
    composites.push(batch.composite);
    builder.removeNode(node);
    builder.replaceUses(node.outputs[0]!, batch.output);
  }
  return { composites, measured };
}
