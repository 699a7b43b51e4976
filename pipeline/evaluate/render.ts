import type { ModelEvaluation } from "./evaluate-model.ts";

/** Classes up to which the whole matrix is printed; of more, the commonest confusions. */
const WHOLE_MATRIX = 20;
const CONFUSIONS = 10;

function percent(share: number | null): string {
  return share === null ? "-" : `${(100 * share).toFixed(2)} %`;
}

/** Columns padded to equal width, the first to the left. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, k) => Math.max(...rows.map((row) => row[k]!.length)));
  return rows.map((row) =>
    row
      .map((cell, k) => (k === 0 ? cell.padEnd(widths[k]!) : cell.padStart(widths[k]!)))
      .join("  ")
      .trimEnd(),
  );
}

function confusionLines({ confusion, classes }: ModelEvaluation): string[] {
  if (classes.length <= WHOLE_MATRIX) {
    const header = ["true \\ called", ...classes.map((_, k) => String(k))];
    const called = (k: number) => (classes[k]!.name === String(k) ? String(k) : `${k} ${classes[k]!.name}`);
    const rows = confusion.map((row, k) => [called(k), ...row.map(String)]);
    return ["Confusion matrix:", ...table([header, ...rows])];
  }
  const pairs = confusion.flatMap((row, k) =>
    row.flatMap((count, j) => (j !== k && count > 0 ? [{ k, j, count }] : [])),
  );
  pairs.sort((a, b) => b.count - a.count || a.k - b.k || a.j - b.j);
  const name = (k: number) => classes[k]!.name;
  return [
    `Commonest confusions (of ${pairs.length}):`,
    ...table([
      ["true", "called", "samples"],
      ...pairs.slice(0, CONFUSIONS).map(({ k, j, count }) => [name(k), name(j), String(count)]),
    ]),
  ];
}

/** An evaluation as text for people. */
export function renderEvaluation(evaluation: ModelEvaluation): string {
  const { accuracy, loss, data, engine, file, classes } = evaluation;
  const figures = [
    ["class", "precision", "recall", "samples"],
    ...classes.map(({ name, precision, recall, samples }) => [
      name,
      percent(precision),
      percent(recall),
      String(samples),
    ]),
  ];
  return [
    `${file}: run in ${engine}`,
    `${data.name}: ${data.samples} samples${data.note === null ? "" : ` (${data.note})`}`,
    `Accuracy ${percent(accuracy)}${loss === null ? "" : `, loss ${loss.toFixed(4)}`}`,
    "",
    ...table(figures),
    "",
    ...confusionLines(evaluation),
    "",
  ].join("\n");
}
