import { EspalierError } from "../diagnostics/index.ts";
import { broadcastShapes, type Dim, type Shape, shapeText } from "../ir/index.ts";

/** An Einsum bound to its operands: axis labels are letters, or "0", "1"... for the axes that an ellipsis stands for, counted from the right. */
export interface BoundEquation {
  readonly operands: readonly (readonly string[])[];
  readonly result: readonly string[];
  readonly sizes: ReadonlyMap<string, Dim>;
}

const term = /^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/;

/** The labels of one term, its ellipsis spelt out for `hidden` axes. */
function labelsOf(text: string, hidden: number): string[] {
  const [before, after] = text.split("...");
  if (after === undefined) return [...text];
  return [...before!, ...Array.from({ length: hidden }, (_, i) => String(hidden - 1 - i)), ...after];
}

/**
 * Binds an equation such as "bij,bjk->bik" to operand shapes. Without "->" the result has the ellipsis axes and then, in alphabetic order, the letters that occur
 * once (ONNX Einsum-12). Axes of one label broadcast.
 */
export function bindEquation(equation: string, shapes: readonly Shape[]): BoundEquation {
  const fail = (why: string): never => {
    throw new EspalierError("input", `Einsum "${equation}" of ${shapes.map(shapeText).join(", ")}: ${why}`);
  };
  const [left, right, rest] = equation.replaceAll(" ", "").split("->");
  const terms = left!.split(",");
  if (rest !== undefined || !terms.every((text) => term.test(text)) || !term.test(right ?? "")) fail("not an equation");
  if (terms.length !== shapes.length) fail(`it has ${terms.length} terms for ${shapes.length} operands`);
  let widest = 0;
  const operands = terms.map((text, i) => {
    const letters = text.replace("...", "").length;
    const hidden = shapes[i]!.length - letters;
    if (hidden < 0 || (hidden > 0 && !text.includes("...")))
      fail(`"${text}" does not fit a rank of ${shapes[i]!.length}`);
    if (text.includes("...")) widest = Math.max(widest, hidden);
    return labelsOf(text, hidden);
  });
  const all = operands.flat();
  const once = [...new Set(all)].filter(
    (label) => /[A-Za-z]/.test(label) && all.indexOf(label) === all.lastIndexOf(label),
  );
  const result = right === undefined ? [...labelsOf("...", widest), ...once.sort()] : labelsOf(right, widest);
  if (new Set(result).size < result.length) fail("the result names an axis twice");
  const sizes = new Map<string, Dim>();
  for (const label of new Set(all)) {
    const dims = operands.flatMap((labels, i) => labels.flatMap((own, k) => (own === label ? [[shapes[i]![k]!]] : [])));
    sizes.set(label, broadcastShapes(dims)[0]!);
  }
  const unknown = result.find((label) => !sizes.has(label));
  if (unknown !== undefined) fail(`the result names "${unknown}", which no operand has`);
  return { operands, result, sizes };
}
