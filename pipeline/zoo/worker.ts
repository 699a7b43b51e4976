/** The child process of the zoo runner: tries one model after the other, so that a crash or a hang costs one line. */
import type { ZooEntry } from "./find-models.ts";
import { tryModel } from "./try-model.ts";

process.on("message", (entry: ZooEntry) => {
  void tryModel(entry).then((row) => {
    process.send?.({ row, memory: process.memoryUsage().rss });
  });
});
// Without its parent there is nobody to answer.
process.on("disconnect", () => process.exit(0));
