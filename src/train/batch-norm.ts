import type { GraphBuilder, Node, ValueId } from "../ir/index.ts";
import { completeAttributes, formula, OPS } from "../ops/index.ts";
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
  const r = f.node("Reciprocal", [f.node("Sqrt", [f.add(variance, f.number(epsilon))])]);
  const gain = f.mul(f.reshape(scale!, column), r);
  const output = f.add(f.mul(centred, gain), f.reshape(bias!, column));
  const composite: Composite = {
    inputs: [x!, scale!, bias!],
    output,
    gradient: (target, dy, wants) => {
      const g = formula(target, `${node.name}.grad`);
      const total = g.node("ReduceSum", [dy, over]);
      const moment = g.node("ReduceSum", [g.mul(dy, centred), over]);
      const dx = () => {
        const slope = g.mul(g.mul(g.mul(r, r), moment), g.number(-1 / count));
        const offset = g.mul(total, g.number(-1 / count));
        // gain (dy + c slope + offset)
        return g.add(g.mul(dy, gain), g.add(g.mul(centred, g.mul(gain, slope)), g.mul(gain, offset)));
      };
      return [
        wants(0) ? dx() : null,
        wants(1) ? g.reshape(g.mul(moment, r), [channels]) : null,
        wants(2) ? g.reshape(total, [channels]) : null,
      ];
    },
  };
  return { output, mean: f.reshape(mean, [channels]), variance: f.reshape(variance, [channels]), composite };
}
