import { EspalierError } from "../../../diagnostics/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import { bindEquation } from "../../../ops/einsum-equation.ts";
import type { Rule } from "../../../rewrite/index.ts";
import { sizeOf } from "../../../tensor/index.ts";
import { type Composer, composition } from "./compose.ts";

/** A factor of the product with the labels of its axes. */
interface Factor {
  readonly id: ValueId;
  readonly labels: readonly string[];
}

/** The factor with its axes in another order. */
function ordered(c: Composer, { id, labels }: Factor, wanted: readonly string[]): ValueId {
  const perm = wanted.map((label) => labels.indexOf(label));
  return perm.every((axis, i) => axis === i) ? id : c.op("Transpose", [id], { perm });
}

/** The factor summed over the axes that neither the result nor another factor has. */
function summed(c: Composer, factor: Factor, needed: ReadonlySet<string>): Factor {
  const gone = factor.labels.flatMap((label, axis) => (needed.has(label) ? [] : [axis]));
  if (gone.length === 0) return factor;
  const id = c.op("ReduceSum", [factor.id, c.ints(gone)], { keepdims: 0 });
  return { id, labels: factor.labels.filter((label) => needed.has(label)) };
}

/** The product of two factors as a batched matrix product: shared labels that are needed later are batches, the others are summed. */
function contracted(
  c: Composer,
  a: Factor,
  b: Factor,
  needed: ReadonlySet<string>,
  size: (label: string) => number,
): Factor {
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => needed.has(label));
  const inner = shared.filter((label) => !needed.has(label));
  const left = a.labels.filter((label) => !shared.includes(label));
  const right = b.labels.filter((label) => !shared.includes(label));
  const count = (labels: readonly string[]) => sizeOf(labels.map(size));
  const rows = c.reshape(ordered(c, a, [...batch, ...left, ...inner]), [...batch.map(size), count(left), count(inner)]);
  const columns = c.reshape(ordered(c, b, [...batch, ...inner, ...right]), [
    ...batch.map(size),
    count(inner),
    count(right),
  ]);
  const labels = [...batch, ...left, ...right];
  return { id: c.reshape(c.op("MatMul", [rows, columns]), labels.map(size)), labels };
}

const einsum = composition("einsum-as-matmul", "Einsum", (c) => {
  const shapes = c.node.inputs.map((_, i) => c.shape(c.in(i)));
  const { operands, result, sizes } = bindEquation(c.attrs.equation as string, shapes);
  const size = (label: string) => sizes.get(label) as number;
  operands.forEach((labels, i) => {
    const repeated = labels.find((label, at) => labels.indexOf(label) !== at);
    const spread = labels.find((label, at) => shapes[i]![at] !== size(label));
    if (repeated !== undefined || spread !== undefined)
      throw new EspalierError(
        "unsupported",
        `Einsum "${c.attrs.equation}" has a diagonal or a broadcast axis "${repeated ?? spread}"`,
        {
          where: `node "${c.node.name}" (Einsum)`,
          hint: "Write it with MatMul and Mul in the model.",
        },
      );
  });
  const factors = operands.map((labels, i): Factor => ({ id: c.in(i), labels }));
  const neededBy = (rest: readonly Factor[]) => new Set([...result, ...rest.flatMap((factor) => factor.labels)]);
  let product = summed(c, factors[0]!, neededBy(factors.slice(1)));
  factors.slice(1).forEach((factor, i) => {
    const rest = factors.slice(i + 2);
    const next = summed(c, factor, neededBy([product, ...rest]));
    product = contracted(c, summed(c, product, neededBy([next, ...rest])), next, neededBy(rest), size);
  });
  const id = ordered(c, product, result);
  return id === c.in(0) ? c.op("Identity", [id]) : id;
});

/** Einsum, as products of matrices. */
export const einsumRules: readonly Rule[] = [einsum];
