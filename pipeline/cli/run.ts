import { EspalierError } from "../../src/diagnostics/index.ts";
import { renderFailure, UsageExit } from "./failure.ts";
import { buildProgram } from "./program.ts";

/** Exit code of a bug of ours (sysexits.h, EX_SOFTWARE). */
const INTERNAL_ERROR = 70;

/**
 * Runs one command line (`argv` as in process.argv). Results go to standard output, everything else to standard error; nothing is thrown.
 * Exit codes: 0 every requirement holds, 2 one does not or the budget cannot be met, 1 an error of use or input, 70 a bug of ours.
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  const outcome = { exitCode: 0 };
  const program = buildProgram(outcome);
  try {
    await program.parseAsync(argv);
    return outcome.exitCode;
  } catch (error) {
    if (error instanceof UsageExit) return error.exitCode;
    process.stderr.write(renderFailure(error, argv.includes("--debug")));
    if (!(error instanceof EspalierError) || error.code === "internal") return INTERNAL_ERROR;
    return error.code === "budget" ? 2 : 1;
  }
}
