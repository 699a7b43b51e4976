/**
 * Every method of pruning while training on the ResNet-8 reference model at the same MACs and with the same number of updates, beside the original trained as long and a
 * network of the size of the one-shot result trained as long from scratch:
 * npm run bench -- prune-training [--only=one-shot,gradual] [--keep=0.5] [--steps=200] [--seeds=1] [--train=6000] [--test=2000]
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { holdOut, loadDataset, subset } from "../src/data/index.ts";
import { readOnnx } from "../src/formats/onnx/index.ts";
import type { Graph } from "../src/ir/index.ts";
import { importPipeline, runPasses } from "../src/passes/index.ts";
import {
  type Cut,
  cutShapes,
  findGroups,
  PRUNING_METHODS,
  type PruneTrainSettings,
  type PruningMethod,
  pruneWhileTraining,
} from "../src/prune/index.ts";
import { evaluate, initialised, shiftAndFlip, train } from "../src/train/index.ts";
import { totalMacs } from "../targets/index.ts";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

function setting(name: string, otherwise: number): number {
  const given = process.argv.find((text) => text.startsWith(`--${name}=`));
  return given === undefined ? otherwise : Number(given.slice(name.length + 3));
}

const only = process.argv
  .find((text) => text.startsWith("--only="))
  ?.slice(7)
  .split(",");
const [keep, steps, seeds] = [setting("keep", 0.5), setting("steps", 200), setting("seeds", 1)];
const [samples, judged] = [setting("train", 6000), setting("test", 2000)];

const folder = path.join(root, "data", "fashion-mnist");
const parts = holdOut(await loadDataset(folder, { split: "train" }));
const first = (count: number, length: number) => Int32Array.from({ length: Math.min(count, length) }, (_, i) => i);
const data = subset(parts.train, first(samples, parts.train.length));
const validation = subset(parts.heldOut, first(1000, parts.heldOut.length));
const whole = await loadDataset(folder, { split: "test" });
const test = subset(whole, first(judged, whole.length));
const original = runPasses(readOnnx(await readFile(path.join(root, "models", "resnet8.onnx"))), importPipeline);

const settings = {
  batch: 64,
  schedule: { kind: "cosine", rate: 0.05, warmUp: 0.05 },
  labelSmoothing: 0.05,
  augment: shiftAndFlip({ shift: 1, flip: true }),
} as const satisfies PruneTrainSettings;

/** What differs from a method's own settings: there are too few updates for the default strength of network slimming, and for so many rounds of adaptive pruning. */
const METHODS: readonly (readonly [name: string, method: PruningMethod])[] = PRUNING_METHODS.flatMap(
  (kind): [string, PruningMethod][] => {
    if (kind === "soft-masks")
      return [
        ["soft-masks, hard concrete", { kind }],
        ["soft-masks, sigmoid", { kind, gate: "sigmoid" }],
      ];
    if (kind === "rewinding")
      return [
        ["rewinding of weights", { kind }],
        ["rewinding of the rate", { kind, rewind: "rate" }],
      ];
    if (kind === "network-slimming") return [[kind, { kind, strength: 0.01 }]];
    return [[kind, kind === "adaptive" ? { kind, drop: 0.1, step: 0.2, rounds: 6 } : { kind }]];
  },
);

const groups = findGroups(original);
const macs = totalMacs(original);
const cost = (cut: Cut) => (cut.size === 0 ? macs : totalMacs(cutShapes(original, groups, cut)));
const within = { cost, limit: Math.floor(keep * macs), what: "MACs" };
const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

async function report(name: string, run: (seed: number) => Promise<Graph>): Promise<void> {
  const start = performance.now();
  const [accuracies, sizes]: [number[], number[]] = [[], []];
  for (let seed = 0; seed < seeds; seed++) {
    const graph = await run(seed);
    accuracies.push((await evaluate(graph, test)).accuracy);
    sizes.push(totalMacs(graph));
  }
  const seconds = (performance.now() - start) / 1000 / seeds;
  const each = seeds > 1 ? ` (${accuracies.map(percent).join(", ")})` : "";
  process.stdout.write(
    `${name.padEnd(26)} ${percent(mean(accuracies)).padStart(8)} ${(mean(sizes) / 1e6).toFixed(2).padStart(6)} M MACs ${seconds.toFixed(0).padStart(4)} s${each}\n`,
  );
}

process.stdout.write(
  `ResNet-8 on Fashion-MNIST at ${percent(keep)} of ${(macs / 1e6).toFixed(2)} M MACs: ${steps} updates of ${settings.batch} from ${data.length} samples, accuracy on ${test.length} test samples\n`,
);
if (only === undefined) {
  await report("original", async () => original);
  await report(
    "original, trained as long",
    async (seed) => (await train(original, data, { ...settings, steps, seed })).graph,
  );
}
let small: Graph | undefined;
for (const [name, method] of METHODS) {
  if (only !== undefined && !only.some((wanted) => name.startsWith(wanted))) continue;
  await report(name, async (seed) => {
    const judge = method.kind === "adaptive" ? { validation } : {};
    const options = { method, within, steps, seed, scope: "global", minimum: 4, train: settings, ...judge } as const;
    const { graph } = await pruneWhileTraining(original, data, options);
    if (method.kind === "one-shot") small = graph;
    return graph;
  });
}
if (small !== undefined)
  await report(
    "from scratch",
    async (seed) => (await train(initialised(small!, seed), data, { ...settings, steps, seed })).graph,
  );
