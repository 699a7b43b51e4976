import { invariant } from "../diagnostics/index.ts";
import { type Node, type Shape, type ValueId, valueById } from "../ir/index.ts";
import { CONTRACTED, type CouplingContext, type OpContext, type Operand } from "../ops/index.ts";
import { coupleBlocks } from "./blocks.ts";
import { channelBlocks } from "./channel-blocks.ts";
import type { Coupling } from "./coupling.ts";
import type { Family } from "./family.ts";
import { meet, termOf } from "./join.ts";
import {
  concatInputs,
  expandInput,
  gatherPositions,
  lookUp,
  padInput,
  selectPositions,
  tileInput,
} from "./movement.ts";
import { normaliseInput } from "./normalisation.ts";
import { coupleRecurrence } from "./recurrence.ts";
import { reduceInput } from "./reduction.ts";
import { reshapeFamily } from "./reshape-family.ts";

/** The verbs of one node, acting on the coupling. `reasonOf` says why a computed value may have untracked axes. */
export function couplingContext(
  coupling: Coupling,
  node: Node,
  facts: OpContext<never>,
  reasonOf: (value: ValueId) => string,
): CouplingContext<never> {
  const input = (i: number): ValueId => {
    const id = node.inputs[i];
    invariant(id !== null && id !== undefined, `${node.op} has no input ${i}`);
    return id;
  };
  const outputShape = (j = 0): Shape => valueById(coupling.graph, node.outputs[j]!).type.shape;
  const term = (operand: Operand, rank: number, contracted: number) =>
    termOf(coupling, input(operand.input), operand, rank, contracted, reasonOf(input(operand.input)));
  const join = (operands: readonly Operand[], output = 0) => {
    const rank = outputShape(output).length;
    const terms = operands.map((operand) => term(operand, rank, -1));
    coupling.setOutput(node.outputs[output]!, meet(coupling, terms));
  };
  return {
    facts,
    outputShape,
    join,
    contract: (a, b, parameters = []) => {
      const rank = outputShape().length;
      const met = meet(coupling, [term(a, rank + 1, rank), term(b, rank + 1, rank)]);
      const axisOf = (operand: Operand) => ({ input: operand.input, axis: operand.axes.indexOf(CONTRACTED) });
      coupling.contractions.push({ node, operands: [axisOf(a), axisOf(b)] });
      joinParameters(coupling, node, withoutAxis(coupling, met, rank), parameters, term);
    },
    groupedConvolution: (groups, transposed) => coupleBlocks(coupling, node, groups, transposed, reasonOf(input(0))),
    recurrence: (gates) => coupleRecurrence(coupling, node, gates, reasonOf),
    channelBlocks: (sources) => channelBlocks(coupling, node, sources),
    reshape: () => {
      const moved = coupling.familiesOf(input(0)).flatMap((family) => {
        const out = reshapeFamily(family, facts.shape(0), outputShape());
        if (out !== null) return [out];
        coupling.freezeFamily(family, "reshape");
        return [];
      });
      coupling.setOutput(node.outputs[0]!, moved);
    },
    transpose: (permutation) => {
      const to = permutation.map((_, axis) => permutation.indexOf(axis));
      coupling.setOutput(
        node.outputs[0]!,
        coupling.familiesOf(input(0)).map((family) => coupling.remap(family, to, to.length)),
      );
    },
    concat: (axis) => concatInputs(coupling, node, axis, reasonOf),
    select: (axes, output = 0) => selectPositions(coupling, input(0), node.outputs[output]!, axes),
    gather: (axis, positions, indexShape) => gatherPositions(coupling, node, axis, positions, indexShape),
    lookUp: (axis, indexRank) => lookUp(coupling, node, axis, indexRank),
    pad: (begins, ends) => padInput(coupling, node, begins, ends),
    expand: () => expandInput(coupling, node),
    tile: (repeats) => tileInput(coupling, node, repeats),
    reduce: (axes, keepDims, kind) => reduceInput(coupling, node, axes, keepDims, kind),
    normalise: (axes, parameters) => normaliseInput(coupling, node, axes, parameters, reasonOf),
    divideByNorm: (axes) => {
      const families = coupling.familiesOf(input(0));
      for (const axis of axes)
        if (families.some((family) => family.shape[axis]! > 1))
          coupling.contractions.push({ node, operands: [{ input: 0, axis }] });
      coupling.setOutput(node.outputs[0]!, families);
    },
    freeze: (i, reason, axes) => coupling.pinAxes(input(i), reason, axes),
    onCut: (change) => {
      coupling.changes.set(node, change);
    },
  };
}

/** Families after a sum over one axis: those on it alone end, grids leave their rows. */
function withoutAxis(coupling: Coupling, families: readonly Family[], axis: number): Family[] {
  return families.flatMap((family) => {
    const rest = family.shape.flatMap((size, i) => (size > 1 && i !== axis ? [i] : []));
    if (rest.length === 0) return [];
    const seen = family.shape[axis] === 1 ? family : coupling.project(family, rest);
    return [{ shape: seen.shape.slice(0, axis), ids: seen.ids }];
  });
}

function joinParameters(
  coupling: Coupling,
  node: Node,
  families: readonly Family[],
  parameters: readonly Operand[],
  term: (operand: Operand, rank: number, contracted: number) => ReturnType<typeof termOf>,
): void {
  const output = node.outputs[0]!;
  const shape = coupling.shapeOf(output).map((size) => (typeof size === "number" ? size : 1));
  const result = { shape, families, constant: null, reason: "untracked" };
  coupling.setOutput(output, meet(coupling, [result, ...parameters.map((operand) => term(operand, shape.length, -1))]));
}
