import { EspalierError } from "../../src/diagnostics/index.ts";

/** What an action gave, or what it threw. */
export type Attempt<T> =
  | { readonly value: T; readonly error?: never }
  | { readonly value?: never; readonly error: unknown };

/** Runs an action and keeps what it throws. */
export async function attempt<T>(action: () => Promise<T> | T): Promise<Attempt<T>> {
  try {
    return { value: await action() };
  } catch (error) {
    return { error };
  }
}

/** An error in one line, with its place inside the file: the line starts with the file's name already. */
export function messageOf(error: unknown, path = ""): string {
  if (!(error instanceof EspalierError))
    return `crash: ${error instanceof Error ? (error.stack ?? error.message) : error}`;
  const place = error.where?.replace(path, "").replace(/^, /, "") ?? "";
  return `${error.message}${place === "" ? "" : ` (at ${place})`}`;
}
