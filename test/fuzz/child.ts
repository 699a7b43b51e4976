/** Runs a range of mutations and prints each number before it is tried, so that a hang can be named; the last line is the result as JSON. */
import { writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { corpus, folderCorpus } from "./corpus.ts";
import { fuzz } from "./run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    from: { type: "string" },
    count: { type: "string" },
    corpus: { type: "string" },
  },
});
const specimens = values.corpus === undefined ? corpus() : [...corpus(), ...folderCorpus(values.corpus)];
const result = fuzz(specimens, {
  seed: Number(values.seed ?? 1),
  from: Number(values.from ?? 0),
  count: Number(values.count ?? 1000),
  onStart: (index, specimen) => writeSync(1, `${index} ${specimen.name}\n`),
});
const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
writeSync(1, `${JSON.stringify({ ...result, specimens: specimens.length, megabytes })}\n`);
