import type { Node } from "../ir/index.ts";
import type { Coupling } from "./coupling.ts";

/** A reduction: sums end the units of the axes that they sum over, means do where statistics may change, others mix their axes. */
export function reduceInput(
  coupling: Coupling,
  node: Node,
  axes: readonly number[],
  keepDims: boolean,
  kind: "sum" | "mean" | "other",
): void {
  const input = node.inputs[0]!;
  const all = coupling.shapeOf(input).map((_, axis) => axis);
  const exact = kind === "sum" || (kind === "mean" && coupling.allowNormStatistics);
  const known = coupling.familiesOf(input);
  const families = exact ? known : coupling.mix(input, axes, "statistics");
  const tracked = axes.filter((axis) => families.some((family) => family.shape[axis]! > 1));
  if (kind === "mean" && tracked.length > 0) coupling.statistics.push({ node, axes });
  else for (const axis of tracked) coupling.contractions.push({ node, operands: [{ input: 0, axis }] });
  const left = all.filter((axis) => !axes.includes(axis));
  const to = all.map((axis) => (keepDims ? axis : left.indexOf(axis)));
  const live = families.flatMap((family) => {
    const rest = left.filter((axis) => family.shape[axis]! > 1);
    return rest.length === 0 ? [] : [coupling.project(family, rest)];
  });
  coupling.setOutput(
    node.outputs[0]!,
    live.map((family) => coupling.remap(family, to, keepDims ? all.length : left.length)),
  );
}
