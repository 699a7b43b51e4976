import { EspalierError } from "../../diagnostics/index.ts";

/** Severity prefixes of the runtime's log (INFO and WARNING are routine: every start reports that no NPU is there). */
const ERROR_LINE = /^(ERROR|FATAL)\b/;

/**
 * Throws EspalierError "runtime" when the log holds an error. LiteRT's run() returns normally after it failed to prepare a
 * model (an unresolved operator, for one) and its outputs then hold whatever was in memory: the log is the only sign.
 */
export function throwLoggedErrors(lines: readonly string[], where: string): void {
  const first = lines.find((line) => ERROR_LINE.test(line));
  if (first !== undefined) throw runtimeError(lines, where, undefined);
}

/** What the runtime said, as an error: its logged errors, or the message of what it threw. */
export function runtimeError(lines: readonly string[], where: string, cause: unknown): EspalierError {
  const errors = lines.filter((line) => ERROR_LINE.test(line)).map((line) => line.replace(/^\w+: (\[[^\]]*\] )?/, ""));
  const thrown = cause === undefined ? [] : [cause instanceof Error ? cause.message : String(cause)];
  const facts = errors.length > 0 ? errors : thrown;
  return new EspalierError("runtime", `LiteRT refuses the model: ${facts.slice(0, 3).join("; ")}`, {
    where,
    hint: errors.some((line) => /unresolved custom op|Op builtin_code out of range|Didn't find op/i.test(line))
      ? "Replace the operator: this runtime has no kernel for it."
      : "Check that the file runs in another TFLite runtime; the log above is the runtime's own.",
    ...(cause === undefined ? {} : { cause }),
  });
}
