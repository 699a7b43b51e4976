import { EspalierError } from "../../../diagnostics/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import { ints, op, rankOf, shapeOf, sizeAt } from "../emit/scope.ts";
import { type LayerContext, unary } from "./context.ts";
import { MODEL_CLASSES, parseLayer } from "./topology.ts";

/** Layers that treat all axes before the last alike: time needs no folding into the batch. */
const overLastAxis: readonly string[] = ["Activation", "Dense", "Dropout", "ELU", "LeakyReLU", "ReLU"];

/** The inner layer at each step: steps join the batch, and leave it afterwards. */
function distribute(c: LayerContext, x: ValueId): ValueId {
  const inner = parseLayer(c.config.raw("layer"), `layer "${c.name}".layer`);
  const named = MODEL_CLASSES.includes(inner.className) ? inner.name : c.path;
  const one = (outputs: readonly ValueId[]) => {
    if (outputs.length === 1) return outputs[0]!;
    throw new EspalierError("unsupported", "TimeDistributed over a layer of several outputs is not supported");
  };
  if (overLastAxis.includes(inner.className)) return one(c.apply({ ...inner, name: c.name }, named, [x]));
  const steps = sizeAt(c, x, 1);
  const sizes = Array.from({ length: rankOf(c, x) - 2 }, (_, i) => sizeAt(c, x, i + 2));
  const folded = op(c, "Reshape", [x, ints(c, "folded", [-1, ...sizes])]);
  const y = one(c.apply({ ...inner, name: c.name }, named, [folded]));
  const rest = shapeOf(c, y)
    .slice(1)
    .map((_, i) => sizeAt(c, y, i + 1));
  return op(c, "Reshape", [y, ints(c, "unfolded", [-1, steps, ...rest])]);
}

export const timeDistributed = unary(distribute);
