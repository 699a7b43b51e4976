import { type Node, typeText, type ValueId, valueById } from "../../ir/index.ts";
import { specOf } from "../../ops/index.ts";
import { type Ancestors, isWeighted } from "./ancestors.ts";
import type { BlockDraft } from "./block-types.ts";

/** Which operands may be a branch, and the number at which a branch contributes nothing. */
const JOINS: Readonly<Record<string, { readonly branches: "any" | "second"; readonly neutral: 0 | 1 }>> = {
  Add: { branches: "any", neutral: 0 },
  Sum: { branches: "any", neutral: 0 },
  Sub: { branches: "second", neutral: 0 },
  Mul: { branches: "any", neutral: 1 },
};

/**
 * Residual blocks, in the order of the nodes that join them: sums of two operands of which one, of the sum's own type, is the skip path and the other the branch. The branch
 * is computed from the skip path itself (identity shortcut), or both from the same value and the skip path has no more than one layer and no activation (projection
 * or pooling shortcut, He et al. 2016) while the branch has more layers. A product with a gate that is computed from its other operand counts too (squeeze
 * and excite, Hu et al. 2018).
 */
export function residualDrafts(ancestors: Ancestors): BlockDraft[] {
  const { graph } = ancestors;
  return graph.nodes.flatMap((node): BlockDraft[] => {
    const join = JOINS[node.op];
    const [first, second] = node.inputs;
    if (join === undefined || node.inputs.length !== 2 || first == null || second == null) return [];
    const found = [1, 0]
      .filter((operand) => join.branches === "any" || operand === 1)
      .find((operand) => isBranch(ancestors, node, operand, join.neutral));
    if (found === undefined) return [];
    const input = node.inputs[1 - found]!;
    return [
      {
        kind: "residual",
        input,
        output: node.outputs[0]!,
        join: { node: node.name, operand: found, neutral: join.neutral },
      },
    ];
  });
}

function isBranch(ancestors: Ancestors, node: Node, operand: number, neutral: 0 | 1): boolean {
  const { graph } = ancestors;
  const [skip, branch] = [node.inputs[1 - operand]!, node.inputs[operand]!];
  const type = (id: ValueId) => typeText(valueById(graph, id).type);
  if (skip === branch || type(skip) !== type(node.outputs[0]!)) return false;
  if (valueById(graph, skip).data !== undefined || valueById(graph, branch).data !== undefined) return false;
  if (ancestors.derives(branch, skip)) return true;
  if (neutral === 1 || ancestors.derives(skip, branch) || !ancestors.related(skip, branch)) return false;
  const shortcut = ancestors.only(skip, branch);
  const layers = (nodes: readonly Node[]) => nodes.filter((candidate) => isWeighted(graph, candidate)).length;
  const own = layers(shortcut);
  return own <= 1 && !shortcut.some(bends) && layers(ancestors.only(branch, skip)) > own;
}

/** Functions of one value that are not linear: an activation. */
function bends({ op, inputs }: Node): boolean {
  return specOf(op).kind === "softmax" || (specOf(op).kind === "elementwise" && inputs.length === 1 && !PLAIN.has(op));
}

const PLAIN = new Set(["Identity", "Cast", "Neg", "Dropout"]);
