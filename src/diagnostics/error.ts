/** Who must act: a malformed input file, a wrong option, a limit of the product, a budget that cannot be met, or a bug of ours. */
export type ErrorCode =
  | "usage" // a wrong flag or value
  | "input" // a missing, malformed or hostile file
  | "unsupported" // a valid model that this version cannot handle
  | "budget" // no candidate meets the requirements
  | "runtime" // a runtime refused or failed
  | "internal"; // a bug of Espalier

/** What an error says besides its fact. */
export interface ErrorOptions {
  /** The file, node or flag at fault. */
  readonly where?: string;
  /** What the reader should do about it, as an imperative sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The only error type that leaves the library. `message` states the fact with both values, `where` the place, `hint` the remedy. */
export class EspalierError extends Error {
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "EspalierError";
    this.code = code;
    this.where = options.where;
    this.hint = options.hint;
  }

  /** Text for a person: fact, place and remedy, a line each. */
  render(): string {
    const lines = [this.message];
    if (this.where !== undefined) lines.push(`  at ${this.where}`);
    if (this.hint !== undefined) lines.push(`  ${this.hint}`);
    return lines.join("\n");
  }
}

/** The same error with an outer place in front ("m.onnx, node conv1"); anything else becomes an internal error with its cause kept. */
export function withContext(error: unknown, where: string): EspalierError {
  if (error instanceof EspalierError) {
    const place = error.where === undefined ? where : `${where}, ${error.where}`;
    return new EspalierError(error.code, error.message, {
      where: place,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error.cause,
    });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new EspalierError("internal", `internal: ${message}`, { where, cause: error });
}

/** Narrow or throw: for facts that only a bug of ours can break. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new EspalierError("internal", `internal: ${message}`);
}
