import { EspalierError } from "../../src/diagnostics/index.ts";
import { paint } from "./progress.ts";

/** Commander has printed its message; only the exit code is left to give. */
export class UsageExit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("usage");
    this.exitCode = exitCode;
  }
}

/** An error as a person reads it: fact, place, remedy. A stack only for a bug of ours, or with --debug. */
export function renderFailure(error: unknown, debug: boolean): string {
  if (!(error instanceof EspalierError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${paint("red", "internal error:")} ${stack}\n  This is a bug of Espalier: report it with the command that you ran.\n`;
  }
  const text = `${paint("red", "error:")} ${error.render()}\n`;
  if (error.code === "internal")
    return `${text}${error.stack ?? ""}\n  This is a bug of Espalier: report it with the command that you ran.\n`;
  if (!debug) return text;
  const cause = error.cause instanceof Error ? `caused by: ${error.cause.stack ?? error.cause.message}\n` : "";
  return `${text}${error.stack ?? ""}\n${cause}`;
}
