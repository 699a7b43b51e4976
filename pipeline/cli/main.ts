#!/usr/bin/env node
import { EspalierError } from "../../src/diagnostics/index.ts";
import { renderFailure, UsageExit } from "./failure.ts";
import { buildProgram } from "./program.ts";

/** Exit codes: 0 every requirement holds, 2 one does not, 1 an error of use or input, 70 a bug of ours (sysexits.h, EX_SOFTWARE). */
async function main(): Promise<number> {
  const outcome = { exitCode: 0 };
  const program = buildProgram(outcome);
  try {
    await program.parseAsync(process.argv);
    return outcome.exitCode;
  } catch (error) {
    if (error instanceof UsageExit) return error.exitCode;
    process.stderr.write(renderFailure(error, process.argv.includes("--debug")));
    if (error instanceof EspalierError) return error.code === "internal" ? 70 : error.code === "budget" ? 2 : 1;
    return 70;
  }
}

// A reader that closes the pipe early (head, jq -e) is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
  throw error;
});
process.exitCode = await main();
