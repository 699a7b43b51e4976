/** The child process of the zoo runner: tries one model after the other, so that a crash or a hang costs one line. */
import { serveEntries } from "./in-workers.ts";
import { tryModel } from "./try-model.ts";

serveEntries(tryModel);
