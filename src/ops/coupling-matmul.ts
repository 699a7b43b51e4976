import { alignedAxes, CONTRACTED, type CouplingContext } from "./coupling-rule.ts";

export function coupleGemm(c: CouplingContext<{ readonly transA: number; readonly transB: number }>): void {
  const { transA, transB } = c.facts.attrs;
  const a = { input: 0, axes: transA ? [CONTRACTED, 0] : [0, CONTRACTED] };
  const b = { input: 1, axes: transB ? [1, CONTRACTED] : [CONTRACTED, 1] };
  c.contract(a, b, c.facts.has(2) ? [{ input: 2, axes: alignedAxes(c.facts.shape(2).length, 2) }] : []);
}

/** Batch axes lie left of the rows and columns of the result; a vector has no rows (columns) of its own. */
export function coupleMatMul(c: CouplingContext<unknown>): void {
  const [a, b] = [c.facts.shape(0).length, c.facts.shape(1).length];
  const rank = c.outputShape().length;
  const batch = rank - (a > 1 ? 1 : 0) - (b > 1 ? 1 : 0);
  c.contract(
    { input: 0, axes: a === 1 ? [CONTRACTED] : [...alignedAxes(a - 2, batch), batch, CONTRACTED] },
    { input: 1, axes: b === 1 ? [CONTRACTED] : [...alignedAxes(b - 2, batch), CONTRACTED, rank - 1] },
  );
}
