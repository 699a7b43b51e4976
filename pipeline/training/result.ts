import type { EpochRecord } from "../../src/train/index.ts";

/** What `espalier train --json` prints: fields are only ever added while `schema` stays the same. */
export interface Training {
  readonly schema: 1;
  readonly model: string;
  /** SHA-256 of the model file that was started from; null for an architecture. */
  readonly startedFrom: string | null;
  readonly out: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly data: { readonly name: string; readonly train: number; readonly heldOut: number; readonly test: number };
  readonly epochs: readonly EpochRecord[];
  /** The epoch whose weights these are (from 0): the best on held-out samples. */
  readonly bestEpoch: number;
  readonly stoppedEarly: boolean;
  /** On the test split. */
  readonly before: Judgement;
  readonly after: Judgement;
}

export interface Judgement {
  readonly accuracy: number;
  readonly loss: number;
}

/** A share as text, such as "91.20 %". */
export function percentText(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** An epoch in one line. */
export function epochLine({ epoch, loss, accuracy, validation }: EpochRecord): string {
  const own = `loss ${loss.toFixed(4)}, accuracy ${percentText(accuracy ?? 0)}`;
  if (validation === undefined) return `epoch ${epoch + 1}: ${own}`;
  return `epoch ${epoch + 1}: ${own}; held-out loss ${validation.loss.toFixed(4)}, accuracy ${percentText(validation.accuracy ?? 0)}`;
}
