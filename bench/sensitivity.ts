/** Time of one sensitivity measurement (cut, re-estimate batch norms, evaluate) beside a bare evaluation of the same samples: npx tsx bench/sensitivity.ts */
import { resnet8 } from "../src/architectures/index.ts";
import { datasetOf, UNIT_NORMALISATION } from "../src/data/index.ts";
import { cutGraph, cutOf, findGroups, scoreGroups, selectUnits } from "../src/prune/index.ts";
import { seededRandom } from "../src/tensor/index.ts";
import { evaluate, reestimateBatchNorm } from "../src/train/index.ts";
import { interleave } from "./interleave.ts";

const SAMPLES = 1000;
const random = seededRandom(1, "bench");
const data = datasetOf({
  name: "noise",
  sampleShape: [1, 28, 28],
  classes: Array.from({ length: 10 }, (_, i) => String(i)),
  labels: Int32Array.from({ length: SAMPLES }, (_, i) => i % 10),
  samples: Uint8Array.from({ length: SAMPLES * 784 }, () => random.below(256)),
  normalisation: UNIT_NORMALISATION,
});
const graph = resnet8(1);
const groups = findGroups(graph);
const group = groups.groups[0]!;
const scores = scoreGroups(graph, groups, "l2");
const cut = () => cutGraph(graph, groups, cutOf(group, selectUnits(group, scores.get(group.id)!, group.size / 2)));

await interleave(`Sensitivity, ResNet-8 at 28x28, ${SAMPLES} samples`, [
  { name: "bare evaluation of the original", run: () => evaluate(graph, data) },
  { name: "find groups and score them (once a model)", run: () => scoreGroups(graph, findGroups(graph), "l2") },
  { name: "cut one group to half", run: cut },
  {
    name: "whole measurement: cut, re-estimate on 256, evaluate",
    run: async () => evaluate(await reestimateBatchNorm(cut(), data, { batches: 4, batch: 64 }), data),
  },
]);
