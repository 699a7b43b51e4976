import type { Node, ValueId } from "../ir/index.ts";
import { alignedAxes, OPAQUE, type Operand } from "../ops/index.ts";
import type { Coupling } from "./coupling.ts";
import { meet, termOf } from "./join.ts";

/**
 * A normalisation over axes. Statistics over fewer units are other statistics, so by default what is tracked there keeps its size, but for what
 * lies in other axes as well (whole groups, whole heads); where statistics may change, units pass and scale and bias join them.
 */
export function normaliseInput(
  coupling: Coupling,
  node: Node,
  axes: readonly number[],
  parameters: readonly Operand[],
  reasonOf: (value: ValueId) => string,
): void {
  const input = node.inputs[0]!;
  const rank = coupling.shapeOf(input).length;
  const allowed = coupling.allowNormStatistics;
  const place = (axis: number) => (axes.includes(axis) && !allowed ? OPAQUE : axis);
  const operands = [{ input: 0, axes: alignedAxes(rank, rank) }, ...parameters];
  const terms = operands.map((operand) => {
    const value = node.inputs[operand.input]!;
    const seen = { input: operand.input, axes: operand.axes.map(place) };
    // So that reports say why a scale keeps its size.
    if (coupling.isConstant(value))
      for (const [i, axis] of seen.axes.entries()) if (axis === OPAQUE) coupling.constantAxis(value, i);
    return termOf(coupling, value, seen, rank, -1, reasonOf(value), "norm-statistics");
  });
  if (allowed && coupling.known(input).some((family) => axes.some((axis) => family.shape[axis]! > 1)))
    coupling.statistics.push({ node, axes });
  coupling.setOutput(node.outputs[0]!, meet(coupling, terms));
}
