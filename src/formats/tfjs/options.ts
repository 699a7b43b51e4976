import { EspalierError } from "../../diagnostics/index.ts";
import type { Dim } from "../../ir/index.ts";

/** What the reader is told besides model.json. */
export interface ReadTfjsOptions {
  /** Name for messages, normally the file's. */
  readonly name?: string;
  /** Shapes for inputs whose sizes the file leaves open; a string stays symbolic. */
  readonly inputShapes?: Readonly<Record<string, readonly Dim[]>>;
  /** The weight files, by the paths that model.json gives them (`shardFiles`). */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** How an input's shape is settled: what is given wins; else the first axis may be open and becomes the batch. */
export interface ShapeRule {
  readonly given: Readonly<Record<string, readonly Dim[]>>;
  /** What an open first axis becomes: "N", or 1 when the model cannot be read with an open batch. */
  readonly batch: Dim;
}

/** The shape of an input; sizes below 0 are open. Throws EspalierError "input" when one but the batch is. */
export function settledShape(
  rule: ShapeRule,
  names: readonly string[],
  sizes: readonly number[] | null,
): readonly Dim[] {
  const name = names[0]!;
  const where = `input "${name}"`;
  const wanted = names.find((candidate) => Object.hasOwn(rule.given, candidate));
  const given = wanted === undefined ? undefined : rule.given[wanted];
  if (given !== undefined) {
    const fits =
      sizes === null || (sizes.length === given.length && sizes.every((size, i) => size < 0 || size === given[i]));
    if (!fits)
      throw new EspalierError(
        "usage",
        `The shape [${given.join(", ")}] does not fit [${sizes.map((size) => (size < 0 ? "?" : size)).join(", ")}]`,
        { where },
      );
    return given;
  }
  const example = (open: number) =>
    `${name}:${(sizes ?? [-1, -1]).map((size, i) => (size >= 0 ? size : i === 0 && open !== 0 ? 1 : 224)).join(",")}`;
  if (sizes === null)
    throw new EspalierError("input", "The model does not state the rank of this input", {
      where,
      hint: `Give it: --input ${example(1)}`,
    });
  return sizes.map((size, axis) => {
    if (size >= 0) return size;
    if (axis === 0) return rule.batch;
    throw new EspalierError("input", `Axis ${axis} of the input is open`, {
      where,
      hint: `Give its size: --input ${example(axis)}`,
    });
  });
}
