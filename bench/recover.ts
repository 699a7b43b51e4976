/** Accuracy of the example models after channels were cut, by l1 and by obs, and recovered without labels: npm run bench -- recover */
import { readFileSync } from "node:fs";
import { holdOut, loadDataset } from "../src/data/index.ts";
import { readOnnx } from "../src/formats/onnx/index.ts";
import {
  chooseCut,
  findGroups,
  gatherEvidence,
  RECOVERY_METHODS,
  type RecoveryMethod,
  recover,
  scoreGroups,
} from "../src/prune/index.ts";
import { evaluate } from "../src/train/index.ts";

const MODELS = ["resnet8", "ds_cnn"];
const KEEP = [0.7, 0.5, 0.3];
const SAMPLES = 512;
const DATA = "data/fashion-mnist";
const sampleShape = [1, 28, 28];
const { train } = holdOut(await loadDataset(DATA, { split: "train", sampleShape }));
const test = await loadDataset(DATA, { split: "test", sampleShape });

const lines = [
  `| model | criterion | channels cut | ${RECOVERY_METHODS.join(" | ")} |`,
  `|---|---|---|${RECOVERY_METHODS.map(() => "---|").join("")}`,
];
let slowest = 0;
for (const model of MODELS) {
  const graph = readOnnx(readFileSync(`models/${model}.onnx`));
  const groups = findGroups(graph);
  const channels = groups.groups.filter(({ kind }) => kind === "channels");
  const whole = await evaluate(graph, test);
  console.log(`${model}: ${(100 * whole.accuracy).toFixed(2)} % of ${whole.n} test images`);
  for (const criterion of ["l1", "obs"] as const) {
    const evidence = await gatherEvidence(graph, groups, criterion, train);
    const scores = scoreGroups(graph, groups, criterion, { ...evidence, otherwise: "l1" });
    for (const keep of KEEP) {
      const cut = chooseCut(channels, scores, { keep, scope: "local" });
      const accuracyOf = async (method: RecoveryMethod) => {
        const start = process.cpuUsage();
        const found = await recover(graph, groups, cut, train, { method, samples: SAMPLES });
        const { user, system } = process.cpuUsage(start);
        slowest = Math.max(slowest, (user + system) / 1e6);
        return (100 * (await evaluate(found.graph, test)).accuracy).toFixed(1);
      };
      const row = [model, criterion, `${Math.round(100 * (1 - keep))} %`];
      for (const method of RECOVERY_METHODS) row.push(await accuracyOf(method));
      lines.push(`| ${row.join(" | ")} |`);
    }
  }
}
console.log(lines.join("\n"));
console.log(`${SAMPLES} samples; the slowest recovery took ${slowest.toFixed(1)} s of processor time`);
