import { EspalierError } from "../diagnostics/index.ts";
import type { ValueId } from "../ir/index.ts";
import { float32, scalar } from "../tensor/index.ts";
import { type Formula, formulaOf } from "./gradient-formula.ts";
import type { GradientContext, GradientRule } from "./spec.ts";

interface SampleAttributes {
  readonly align_corners: number;
  readonly mode: string;
  readonly padding_mode: string;
}

/** Where the points of a grid lie along one spatial axis, each [N, 1, P]. */
interface AxisPoints {
  readonly size: number;
  /** Integer positions (float32) of the neighbours that are read, clamped into the axis, and how much of each. */
  readonly neighbours: readonly { readonly at: ValueId; readonly weight: ValueId; readonly slope: ValueId | null }[];
  /** Pixels a unit of the grid; null where the position does not move with the grid. */
  readonly scale: ValueId | null;
}

function checkForm(c: GradientContext<SampleAttributes>): void {
  const { mode, padding_mode: padding } = c.attrs;
  if (mode === "cubic" || padding === "reflection")
    throw new EspalierError(
      "unsupported",
      `The gradient of GridSample in mode "${mode}" with padding "${padding}" is not written yet`,
      {
        where: `node "${c.node.name}"`,
      },
    );
}

/** ONNX GridSample-20: corners of the grid are -1 and 1, at the centres of the outer pixels (`align_corners`) or at their edges. */
function axisPoints(f: Formula, coordinate: ValueId, size: number, attrs: SampleAttributes): AxisPoints {
  const last = f.number(size - 1);
  const zero = f.number(0);
  const span = attrs.align_corners !== 0 ? size - 1 : size;
  const unbounded = f.add(f.mul(coordinate, f.number(span / 2)), f.number((size - 1) / 2));
  const border = attrs.padding_mode === "border";
  const position = border ? f.node("Clip", [unbounded, zero, last]) : unbounded;
  const within = (id: ValueId) =>
    f.indicator(f.node("And", [f.node("GreaterOrEqual", [id, zero]), f.node("LessOrEqual", [id, last])]));
  const neighbour = (at: ValueId, weight: ValueId, sign: number | null) => {
    const inside = within(at);
    return {
      at: f.node("Clip", [at, zero, last]),
      weight: f.mul(weight, inside),
      slope: sign === null ? null : f.mul(inside, f.number(sign)),
    };
  };
  if (attrs.mode === "nearest")
    return { size, neighbours: [neighbour(f.node("Round", [position]), f.number(1), null)], scale: null };
  const low = f.node("Floor", [position]);
  const beyond = f.sub(position, low);
  const moves = f.number(span / 2);
  return {
    size,
    neighbours: [neighbour(low, f.sub(f.number(1), beyond), -1), neighbour(f.add(low, f.number(1)), beyond, 1)],
    scale: border ? f.mul(within(unbounded), moves) : moves,
  };
}

/** One of the 2^rank pixels that a point is read from: its flat index and its factors by axis. */
interface Corner {
  /** [N, 1, P], int64. */
  readonly index: ValueId;
  readonly factors: readonly AxisPoints["neighbours"][number][];
}

function cornersOf(f: Formula, axes: readonly AxisPoints[]): Corner[] {
  const strides = axes.map((_, i) => axes.slice(i + 1).reduce((product, { size }) => product * size, 1));
  const choices = axes.reduce<AxisPoints["neighbours"][number][][]>(
    (all, axis) => all.flatMap((chosen) => axis.neighbours.map((one) => [...chosen, one])),
    [[]],
  );
  return choices.map((factors) => ({
    factors,
    index: factors
      .map(({ at }, i) => f.mul(f.node("Cast", [at], { to: 7 }), f.constant(scalar("int64", strides[i]!))))
      .reduce((sum, part) => f.add(sum, part)),
  }));
}

const times = (f: Formula, parts: readonly ValueId[]) => parts.reduce((product, part) => f.mul(product, part));

/** The image gets each point's gradient by the weights that it was read with; the grid, where it reads linearly, the slopes between the pixels. */
export const gridSample: GradientRule<SampleAttributes> = (c) => {
  checkForm(c);
  const f = formulaOf(c);
  const [x, grid] = c.inputs as readonly [ValueId, ValueId];
  const [batch, channels, ...sizes] = f.shape(x) as [number, number, ...number[]];
  const [rank, pixels] = [sizes.length, sizes.reduce((a, b) => a * b, 1)];
  const points = f
    .shape(grid)
    .slice(1, -1)
    .reduce((a, b) => a * b, 1);
  const flatGrid = f.reshape(grid, [batch, 1, points, rank]);
  // The last axis of the image is the first coordinate.
  const axes = sizes.map((size, i) => {
    const component = f.node("Slice", [flatGrid, ...[rank - 1 - i, rank - i, 3].map((value) => f.ints([value]))]);
    return axisPoints(f, f.reshape(component, [batch, 1, points]), size, c.attrs);
  });
  const corners = cornersOf(f, axes);
  const dy = f.reshape(c.outputGradients[0]!, [batch, channels, points]);
  const everyChannel = (index: ValueId) => f.node("Expand", [index, f.ints([batch, channels, points])]);
  const dx = () => {
    const parts = corners.map(({ factors }) =>
      f.mul(
        dy,
        times(
          f,
          factors.map(({ weight }) => weight),
        ),
      ),
    );
    const places = corners.map(({ index }) => everyChannel(index));
    const [values, at] = [parts, places].map((all) => f.node("Concat", all, { axis: 2 }));
    const zeros = f.node("Expand", [f.number(0), f.ints([batch, channels, pixels])]);
    const sum = f.node("ScatterElements", [zeros, at!, values!], { axis: 2, reduction: "add" });
    return f.reshape(sum, f.shape(x));
  };
  const dGrid = () => {
    const image = f.reshape(x, [batch, channels, pixels]);
    const read = corners.map(({ index }) =>
      f.sum(f.mul(f.node("GatherElements", [image, everyChannel(index)], { axis: 2 }), dy), [1]),
    );
    const components = axes.map(({ scale }, axis) => {
      const parts = corners.map(({ factors }, k) =>
        times(f, [read[k]!, ...factors.map(({ weight, slope }, i) => (i === axis ? slope! : weight))]),
      );
      return f.reshape(f.mul(f.node("Sum", parts), scale!), [batch, points, 1]);
    });
    return f.reshape(f.node("Concat", components.reverse(), { axis: 2 }), f.shape(grid));
  };
  return [c.wants(0) ? dx() : null, c.wants(1) && c.attrs.mode !== "nearest" ? dGrid() : null];
};

/** The grid is a product with fixed coordinates: [N, rank, points] x [points, rank + 1]. */
export const affineGrid: GradientRule<{ readonly align_corners: number }> = (c) => {
  if (!c.wants(0)) return [null, null];
  const f = formulaOf(c);
  const dy = c.outputGradients[0]!;
  const [batch, ...rest] = f.shape(dy) as [number, ...number[]];
  const sizes = rest.slice(0, -1);
  const [rank, points] = [sizes.length, sizes.reduce((a, b) => a * b, 1)];
  const base = new Float32Array(points * (rank + 1));
  for (let p = 0; p < points; p++) {
    let left = p;
    for (let axis = rank - 1; axis >= 0; axis--) {
      const [size, at] = [sizes[axis]!, left % sizes[axis]!];
      left = Math.floor(left / size);
      const place = c.attrs.align_corners !== 0 ? (2 * at) / (size - 1) - 1 : (2 * at + 1) / size - 1;
      base[p * (rank + 1) + rank - 1 - axis] = place;
    }
    base[p * (rank + 1) + rank] = 1;
  }
  const rows = f.transpose(f.reshape(dy, [batch, points, rank]), [0, 2, 1]);
  return [f.node("MatMul", [rows, f.constant(float32([points, rank + 1], base))]), null];
};

/** Each element takes the gradient of the place that it was put to (places that several elements name excepted). */
export const maxUnpool: GradientRule<unknown> = (c) => {
  const answer: (ValueId | null)[] = c.inputs.map(() => null);
  if (!c.wants(0)) return answer;
  const f = formulaOf(c);
  answer[0] = f.node("Gather", [f.reshape(c.outputGradients[0]!, [-1]), c.inputs[1]!]);
  return answer;
};
