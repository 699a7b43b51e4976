import { type Graph, type ValueId, valueById } from "../ir/index.ts";
import { editGraph } from "../ops/index.ts";
import { DTYPES, fromNumbers, sizeOf, type Tensor, toNumbers } from "../tensor/index.ts";
import type { Contraction } from "./coupling.ts";
import { resolveCut } from "./cut.ts";
import { expandFamily, type Family } from "./family.ts";
import type { Cut, PruneGroups } from "./group-types.ts";
import { maskStatistics } from "./mask-statistics.ts";

/**
 * The original graph in which the units of a cut count for nothing: wherever an operator sums over them, the weight's slices are zero, or,
 * where no weight takes part (attention scores, sums), the operand is multiplied by a 0/1 mask; statistics leave them out. Masking where units are consumed makes
 * the comparison with the cut graph exact for any activation, also where f(0) is not 0.
 */
export function maskGraph(graph: Graph, groups: PruneGroups, cut: Cut): Graph {
  const { gone } = resolveCut(groups, cut);
  const { coupling } = groups.state;
  const builder = editGraph(graph);
  const zeroed = new Set<string>();
  const goneFamilies = (value: ValueId, axis: number) =>
    coupling.known(value).filter((family) => family.shape[axis]! > 1 && family.ids.some((id) => gone[id] === 1));
  for (const contraction of coupling.contractions) {
    const weight = weightOperand(graph, contraction);
    if (weight !== null) {
      const key = `${weight.value}:${weight.axis}`;
      const families = goneFamilies(weight.value, weight.axis);
      if (families.length === 0 || zeroed.has(key)) continue;
      zeroed.add(key);
      builder.setConstant(weight.value, masked(builder.value(weight.value).data!, families, gone));
    } else {
      const { input, axis } = contraction.operands[0]!;
      const value = contraction.node.inputs[input]!;
      const families = goneFamilies(value, axis);
      if (families.length === 0) continue;
      const node = builder.currentNodes.find((candidate) => candidate.name === contraction.node.name)!;
      const mask = builder.constant(`${node.name}.mask`, keepMask(graph, value, families, gone));
      const maskedInput = builder.node("Mul", [node.inputs[input]!, mask], {}, { name: `${node.name}.masked` });
      builder.replaceNode(node, { ...node, inputs: node.inputs.map((id, i) => (i === input ? maskedInput : id)) });
    }
  }
  for (const { node, axes } of coupling.statistics) {
    const families = axes.flatMap((axis) => goneFamilies(node.inputs[0]!, axis));
    if (families.length > 0) maskStatistics(builder, node, axes, keepMask(graph, node.inputs[0]!, families, gone));
  }
  return builder.build({ reinfer: true });
}

/** 1 where all families are left, 0 elsewhere, over the axes that they track. */
function keepMask(graph: Graph, value: ValueId, families: readonly Family[], gone: Uint8Array): Tensor {
  const shape = families[0]!.shape.map((_, axis) => Math.max(...families.map((family) => family.shape[axis]!)));
  const ones = fromNumbers(valueById(graph, value).type.dtype, shape, new Array(sizeOf(shape)).fill(1));
  return masked(ones, families, gone);
}

/** The operand that is a floating-point constant, if one is. */
function weightOperand(graph: Graph, contraction: Contraction): { value: ValueId; axis: number } | null {
  for (const { input, axis } of contraction.operands) {
    const value = valueById(graph, contraction.node.inputs[input]!);
    if (value.data !== undefined && DTYPES[value.data.dtype].float) return { value: value.id, axis };
  }
  return null;
}

/** The tensor with zeros where a family's unit is gone. */
function masked(t: Tensor, families: readonly Family[], gone: Uint8Array): Tensor {
  const values = toNumbers(t);
  for (const family of families) {
    const { ids } = expandFamily(family, t.shape);
    for (let i = 0; i < values.length; i++) if (gone[ids[i]!] === 1) values[i] = 0;
  }
  return fromNumbers(t.dtype, t.shape, values);
}
