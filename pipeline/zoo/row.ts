/** What became of a model. */
export type ZooStatus =
  | "ok" // imported, and its outputs are its own runtime's
  | "refused" // refused with a message, as a negative file must be, or as its own runtime refuses it too
  | "unrun" // imported and run in ONNX Runtime, but no runtime here runs the original
  | "FAIL";

/** A line of the table. */
export interface ZooRow {
  readonly name: string;
  readonly status: ZooStatus;
  readonly format: string;
  readonly bytes: number;
  /** Sizes that were chosen for the inputs, where the file leaves some open. */
  readonly sizes: string;
  /** Seconds to read the file and run the import pipeline. */
  readonly importSeconds: number;
  readonly seconds: number;
  /** Largest difference over all outputs and inputs tried, in `unit`, and what it is held to; null when nothing was compared. */
  readonly difference: {
    readonly value: number;
    readonly unit: string;
    readonly limit: number;
    readonly output: string;
  } | null;
  readonly engine: string;
  /** Why it is refused or fails, in one line. */
  readonly detail: string;
}

const clip = (text: string, width: number) => (text.length > width ? `${text.slice(0, width - 1)}…` : text);

function sizeText(bytes: number): string {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e3).toFixed(1)} kB`;
}

/** The largest difference as the table prints it: "0.00012 rel", "1 step". */
export function differenceText(difference: ZooRow["difference"]): string {
  if (difference === null) return "-";
  const { value, unit } = difference;
  if (unit === "relative") return `${value === 0 ? "0" : value.toExponential(1)} rel`;
  if (unit === "steps") return `${value.toFixed(value % 1 < 1e-3 || value % 1 > 0.999 ? 0 : 2)} steps`;
  return `${Number.isInteger(value) ? value : value.toExponential(1)} exact`;
}

/** One line of text for a model. */
export function renderRow(row: ZooRow, nameWidth: number): string {
  const cells = [
    row.name.padEnd(nameWidth),
    row.status.padEnd(7),
    row.format.padEnd(6),
    sizeText(row.bytes).padStart(8),
    `${row.importSeconds.toFixed(2)} s`.padStart(7),
    `${row.seconds.toFixed(1)} s`.padStart(6),
    differenceText(row.difference).padStart(12),
    row.engine,
    ...(row.sizes === "" ? [] : [`at ${row.sizes}`]),
    ...(row.detail === "" ? [] : [clip(row.detail.replaceAll(/\s+/g, " "), 300)]),
  ];
  return cells.join("  ").trimEnd();
}
