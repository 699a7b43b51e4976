import type { Node } from "../ir/index.ts";
import type { Coupling } from "./coupling.ts";

/** A reduction: exact ones (sums) end the units of the axes that they sum over, others freeze them. */
export function reduceInput(
  coupling: Coupling,
  node: Node,
  axes: readonly number[],
  keepDims: boolean,
  exact: boolean,
): void {
  const input = node.inputs[0]!;
  const all = coupling.shapeOf(input).map((_, axis) => axis);
  if (!exact) coupling.pinAxes(input, "statistics", axes);
  const families = coupling.familiesOf(input);
  for (const axis of axes) {
    if (exact && families.some((family) => family.shape[axis]! > 1))
      coupling.contractions.push({ node, operands: [{ input: 0, axis }] });
  }
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
