/** Mutates models and reads them: npm run fuzz -- --count 100000 --seed 7 [--from N] [--corpus FOLDER] */
import { parseArgs } from "node:util";
import { supervise } from "../test/fuzz/supervise.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    count: { type: "string", default: "100000" },
    corpus: { type: "string" },
  },
});
const [seed, from, count] = [values.seed, values.from, values.count].map(Number) as [number, number, number];
const result = await supervise({
  seed,
  from,
  count,
  ...(values.corpus === undefined ? {} : { corpus: values.corpus }),
  onProgress: (index) => {
    if (index > from && (index - from) % 5000 === 0) console.log(`${index - from} of ${count}`);
  },
});
for (const { index, specimen, error } of result.escapes) console.log(`mutation ${index} of ${specimen}: ${error}\n`);
console.log(
  `${count} mutations of ${result.specimens} models: ${result.outcomes.read} read, ${result.outcomes.refused} refused, ` +
    `${result.escapes.length} escaped; slowest ${result.slowest.ms.toFixed(0)} ms (mutation ${result.slowest.index}, ${result.slowest.specimen}); ` +
    `${result.megabytes} MiB resident at most`,
);
process.exitCode = result.escapes.length > 0 ? 1 : 0;
