#!/usr/bin/env node
import { runCli } from "./run.ts";

// A reader that closes the pipe early (head, jq -e) is no failure of ours: the run goes on, its files and its exit code are what counts.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
process.exitCode = await runCli(process.argv);
