/** The child process of `npm run test:prune-zoo`: prunes one model after the other, so that a crash or a hang costs one line. */
import { serveEntries } from "../zoo/in-workers.ts";
import { tryPrune } from "./try-prune.ts";

serveEntries(tryPrune);
