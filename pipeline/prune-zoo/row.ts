/** What became of a model. */
export type PruneStatus =
  | "ok" // cut, and proved
  | "whole" // nothing of it can be cut; the reasons are in the line
  | "unproved" // cut, but ONNX Runtime does not run the original on the inputs that were tried
  | "refused" // not imported, with a message: what `npm run test:zoo` judges
  | "FAIL"; // a wrong proof, a crash, a hang

/** Proofs in the runtime: the masked original against the cut graph, with 90, 70, 50 and 30 % of all channel units left. */
export interface ProofFacts {
  /** The one that is nearest to its tolerance. */
  readonly difference: number;
  readonly tolerance: number;
  /** What the cut to half changes at all: a proof without effect proves little. */
  readonly effect: number;
}

/** A line of the table. */
export interface PruneRow {
  readonly name: string;
  readonly status: PruneStatus;
  readonly channels: number;
  readonly rows: number;
  /** Axes that keep their size, by reason, the commonest first. */
  readonly frozen: readonly { readonly reason: string; readonly axes: number }[];
  /** Before and after the cut to half of the channel units; null where nothing is cut. */
  readonly macs: Change | null;
  readonly parameters: Change | null;
  /** Share of channel units that the cut to half keeps, and the criterion that chose. */
  readonly keep: number | null;
  readonly criterion: string;
  readonly proof: ProofFacts | null;
  /** Groups of kind rows that were proved, each by a cut of its own, and the largest of their differences. */
  readonly rowsProved: number;
  readonly rowsDifference: number;
  readonly seconds: number;
  /** Why it is refused or fails, and what else is to be said, in one line. */
  readonly detail: string;
}

export interface Change {
  readonly before: number;
  readonly after: number;
}

/** A row about which nothing is known but its name. */
export function emptyRow(name: string): PruneRow {
  return {
    name,
    status: "FAIL",
    channels: 0,
    rows: 0,
    frozen: [],
    macs: null,
    parameters: null,
    keep: null,
    criterion: "",
    proof: null,
    rowsProved: 0,
    rowsDifference: 0,
    seconds: 0,
    detail: "",
  };
}

const MOST_DETAIL = 400;

function percent({ before, after }: Change): string {
  return before === 0 ? "-" : `${((100 * after) / before).toFixed(0)} %`;
}

function cutText({ macs, parameters, keep, criterion }: PruneRow): string {
  if (macs === null || parameters === null || keep === null) return "";
  return `${(100 * keep).toFixed(0)} % of units by ${criterion}: MACs ${percent(macs)}, parameters ${percent(parameters)}`;
}

function proofText({ proof, rowsProved, rowsDifference }: PruneRow): string {
  if (proof === null && rowsProved === 0) return "";
  const { difference, tolerance, effect } = proof ?? { difference: 0, tolerance: 0, effect: 0 };
  const whole = `difference ${amount(difference)} of ${amount(tolerance)}, effect ${amount(effect)}`;
  const rows = `${rowsProved} of rows proved apart, difference ${amount(rowsDifference)}`;
  return [...(proof === null ? [] : [whole]), ...(rowsProved === 0 ? [] : [rows])].join("; ");
}

function amount(value: number): string {
  return value === 0 ? "0" : value.toExponential(1);
}

/** One line of text for a model. */
export function renderPruneRow(row: PruneRow, nameWidth: number): string {
  const frozen = row.frozen.map(({ reason, axes }) => `${axes} ${reason}`).join(", ");
  const known = row.status !== "refused" && (row.channels + row.rows > 0 || frozen !== "");
  const detail = row.detail.replaceAll(/\s+/g, " ");
  const cells = [
    row.name.padEnd(nameWidth),
    row.status.padEnd(8),
    `${row.seconds.toFixed(1)} s`.padStart(6),
    ...(known ? [`${row.channels} groups, ${row.rows} of rows`] : []),
    ...(frozen === "" ? [] : [`frozen: ${frozen}`]),
    cutText(row),
    proofText(row),
    detail.length > MOST_DETAIL ? `${detail.slice(0, MOST_DETAIL)}…` : detail,
  ];
  return cells
    .filter((cell) => cell !== "")
    .join("  ")
    .trimEnd();
}
