import { invariant } from "../diagnostics/index.ts";
import type { GraphBuilder, Node, ValueId } from "../ir/index.ts";
import { completeAttributes, specOf } from "../ops/index.ts";
import { fromNumbers, int64s, scalar, sizeOf, stridesOf, type Tensor, toNumbers } from "../tensor/index.ts";

/** What ONNX adds to the deviation in MeanVarianceNormalization, which has no attribute for it. */
const deviationEpsilon = 1e-9;

/**
 * Replaces a node that takes statistics over `axes` of input 0 by what it computes when they are taken over the positions where `mask` is 1
 * only: the mean m = sum(x mask) / kept, the variance sum(((x - m) mask)^2) / kept.
 */
export function maskStatistics(builder: GraphBuilder, original: Node, axes: readonly number[], mask: Tensor): void {
  const node = builder.currentNodes.find((candidate) => candidate.name === original.name)!;
  const x = node.inputs[0]!;
  const make = (op: string, inputs: ValueId[], attrs = {}) =>
    builder.node(op, inputs, attrs, { name: `${node.name}.masked` });
  const ratio = totalOverKept(mask, axes);
  const weights = builder.constant(`${node.name}.mask`, times(mask, ratio));
  if (node.op === "ReduceMean") {
    const inputs = [make("Mul", [x, weights]), ...node.inputs.slice(1)];
    builder.replaceNode(node, { ...node, inputs });
    return;
  }
  const list = builder.constant(`${node.name}.axes`, int64s(axes));
  const mean = (value: ValueId) => make("ReduceMean", [make("Mul", [value, weights]), list], { keepdims: 1 });
  const centred = make("Sub", [x, mean(x)]);
  const variance = mean(make("Mul", [centred, centred]));
  const number = (value: number) => builder.constant(`${node.name}.epsilon`, scalar(mask.dtype, value));
  const { epsilon } = completeAttributes(node.op, specOf(node.op).attrs, node.attrs) as { epsilon?: number };
  const deviation =
    epsilon === undefined
      ? make("Add", [make("Sqrt", [variance]), number(deviationEpsilon)])
      : make("Sqrt", [make("Add", [variance, number(epsilon)])]);
  let result = make("Div", [centred, deviation]);
  const rank = builder.value(x).type.shape.length;
  (["Mul", "Add"] as const).forEach((op, i) => {
    const parameter = node.inputs[1 + i];
    if (parameter === undefined || parameter === null) return;
    const shape = [-1, ...new Array<number>(rank - 2).fill(1)];
    const placed =
      node.op === "InstanceNormalization"
        ? make("Reshape", [parameter, builder.constant(`${node.name}.shape`, int64s(shape))])
        : parameter;
    result = make(op, [result, placed]);
  });
  builder.replaceNode(node, { ...node, op: "Identity", inputs: [result], attrs: {} });
}

/** Positions along the axes by those of them that are left, where any are: equally many everywhere, since a cut stays rectangular. */
function totalOverKept(mask: Tensor, axes: readonly number[]): number {
  const outer = mask.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const strides = stridesOf(outer);
  const own = stridesOf(mask.shape);
  const counts = new Array<number>(sizeOf(outer)).fill(0);
  toNumbers(mask).forEach((kept, at) => {
    const to = mask.shape.reduce((sum, size, axis) => {
      const index = Math.floor(at / own[axis]!) % size;
      return sum + (axes.includes(axis) ? 0 : index * strides[axis]!);
    }, 0);
    counts[to] = counts[to]! + kept;
  });
  const kept = [...new Set(counts.filter((count) => count > 0))];
  invariant(kept.length === 1, `statistics over ragged rows: ${counts.join(", ")} are left`);
  return sizeOf(mask.shape) / sizeOf(outer) / kept[0]!;
}

function times(t: Tensor, factor: number): Tensor {
  return fromNumbers(
    t.dtype,
    t.shape,
    toNumbers(t).map((value) => value * factor),
  );
}
