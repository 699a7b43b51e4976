import type * as tf from "@tensorflow/tfjs-core";

interface Plan {
  /** Letters of both operands and of the result, in the order in which one matrix product has them. */
  readonly left: readonly string[];
  readonly right: readonly string[];
  readonly out: readonly string[];
  readonly counts: { readonly batch: number; readonly rows: number; readonly inner: number; readonly columns: number };
  readonly wanted: readonly string[];
  readonly given: readonly [readonly string[], readonly string[]];
}

/** Two operands of which every letter is in the result or in both: batch, rows, columns, and what is summed over. */
function planOf(equation: string, sizes: readonly (readonly number[])[]): Plan | null {
  const [from = "", to = ""] = equation.replaceAll(" ", "").split("->");
  const [a, b, ...more] = from.split(",").map((term) => [...term]);
  const wanted = [...to];
  if (a === undefined || b === undefined || more.length > 0 || sizes.length !== 2) return null;
  if ([a, b, wanted].some((letters) => new Set(letters).size !== letters.length)) return null;
  const size = new Map([
    ...a.map((letter, i) => [letter, sizes[0]![i]!] as const),
    ...b.map((letter, i) => [letter, sizes[1]![i]!] as const),
  ]);
  const shared = a.filter((letter) => b.includes(letter));
  const batch = shared.filter((letter) => wanted.includes(letter));
  const inner = shared.filter((letter) => !wanted.includes(letter));
  const rows = a.filter((letter) => !shared.includes(letter));
  const columns = b.filter((letter) => !shared.includes(letter));
  if (
    [...rows, ...columns].some((letter) => !wanted.includes(letter)) ||
    wanted.length !== batch.length + rows.length + columns.length
  )
    return null;
  const count = (letters: readonly string[]) =>
    letters.reduce((product, letter) => product * (size.get(letter) ?? 0), 1);
  return {
    left: [...batch, ...rows, ...inner],
    right: [...batch, ...inner, ...columns],
    out: [...batch, ...rows, ...columns],
    counts: { batch: count(batch), rows: count(rows), inner: count(inner), columns: count(columns) },
    wanted,
    given: [a, b],
  };
}

/**
 * Einsum as one matrix product. TF.js has it on the plain CPU backend only, where it multiplies everything with everything
 * before it sums. Null for equations that are not one product.
 */
export function einsumAsMatMul(core: typeof tf, tensors: readonly tf.Tensor[], equation: string): tf.Tensor | null {
  const plan = planOf(
    equation,
    tensors.map((t) => t.shape),
  );
  if (plan === null) return null;
  const { batch, rows, inner, columns } = plan.counts;
  const order = (to: readonly string[], from: readonly string[]) => to.map((letter) => from.indexOf(letter));
  const left = core.reshape(core.transpose(tensors[0]!, order(plan.left, plan.given[0])), [batch, rows, inner]);
  const right = core.reshape(core.transpose(tensors[1]!, order(plan.right, plan.given[1])), [batch, inner, columns]);
  const sizeOf = (letter: string) => {
    const at = plan.given[0].indexOf(letter);
    return at >= 0 ? tensors[0]!.shape[at]! : tensors[1]!.shape[plan.given[1].indexOf(letter)]!;
  };
  const product = core.reshape(core.matMul(left, right), plan.out.map(sizeOf));
  return core.transpose(product, order(plan.wanted, plan.out));
}
