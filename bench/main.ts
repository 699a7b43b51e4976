/** Runs the benchmarks, each a ratio to a baseline measured in the same run: npm run bench [-- train sensitivity emission coupling convert criteria prune-training] */
import { EspalierError, suggestion } from "../src/diagnostics/index.ts";

const BENCHES: Readonly<Record<string, () => Promise<unknown>>> = {
  train: () => import("./train.ts"),
  sensitivity: () => import("./sensitivity.ts"),
  emission: () => import("./emission.ts"),
  coupling: () => import("./coupling.ts"),
  convert: () => import("./convert.ts"),
  recover: () => import("./recover.ts"),
  masks: () => import("./masks.ts"),
  criteria: () => import("./criteria.ts"),
  "prune-training": () => import("./prune-training.ts"),
};

// What begins with two dashes is for the benchmarks themselves.
const asked = process.argv.slice(2).filter((text) => !text.startsWith("--"));
try {
  for (const name of asked) {
    if (!Object.hasOwn(BENCHES, name))
      throw new EspalierError("usage", `There is no benchmark "${name}"`, {
        hint: suggestion(name, Object.keys(BENCHES)),
      });
  }
  // A script runs when it is imported; one after the other, because they would disturb each other's clocks.
  for (const name of asked.length === 0 ? Object.keys(BENCHES) : asked) await BENCHES[name]!();
} catch (error) {
  if (!(error instanceof EspalierError)) throw error;
  process.stderr.write(`${error.render()}\n`);
  process.exitCode = 1;
}
