/** Training throughput of ResNet-8 (32x32x3, batch 32) against three bare forward passes, which do the same number of MACs: npx tsx bench/train.ts */
import { resnet8 } from "../src/architectures/index.ts";
import { macsOf } from "../src/ops/index.ts";
import { openOrt } from "../src/runtimes/onnxruntime.ts";
import { float32, seededRandom } from "../src/tensor/index.ts";
import { openStepper, smoothedTargets, trainingGraph } from "../src/train/index.ts";

const BATCH = 32;
const ROUNDS = 30;
const WARM_UP = 3;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

async function milliseconds(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

const graph = resnet8(1, [3, 32, 32]);
const macs = graph.nodes.reduce((sum, node) => sum + macsOf(graph, node), 0);
const random = seededRandom(1, "bench");
const samples = float32(
  [BATCH, 3, 32, 32],
  Float32Array.from({ length: BATCH * 3 * 32 * 32 }, () => random.next()),
);
const target = smoothedTargets(
  Array.from({ length: BATCH }, (_, i) => i % 10),
  10,
  0,
);
const forward = await openOrt(graph);
const stepper = await openStepper(trainingGraph(graph, { batch: BATCH, optimiser: { kind: "sgd" } }));
const forwardMs: number[] = [];
const stepMs: number[] = [];
const ratios: number[] = [];
for (let round = 0; round < WARM_UP + ROUNDS; round++) {
  // Interleaved, so that whatever else the machine does falls on both.
  const passes = await milliseconds(async () => {
    for (let i = 0; i < 3; i++) await forward.run({ input: samples });
  });
  const step = await milliseconds(() => stepper.step({ samples, target, rate: 0.01, corrections: [] }));
  if (round < WARM_UP) continue;
  forwardMs.push(passes / 3);
  stepMs.push(step);
  ratios.push(step / passes);
}
await forward.close();
await stepper.close();

/** The median, and the best round: what the machine does when nothing else runs on it. */
const lines = (what: string, ms: readonly number[], macsPerImage: number) =>
  [line(`${what}, median`, median(ms), macsPerImage), line(`${what}, best`, Math.min(...ms), macsPerImage)].join("\n");
const line = (what: string, ms: number, macsPerImage: number) => {
  const images = (1000 * BATCH) / ms;
  const gflops = (2 * macsPerImage * images) / 1e9;
  return `${what.padEnd(34)} ${ms.toFixed(1).padStart(7)} ms  ${images.toFixed(0).padStart(6)} images/s  ${gflops.toFixed(1).padStart(6)} GFLOP/s`;
};
process.stdout.write(
  [
    `ResNet-8, 32x32x3, batch ${BATCH}, ${(macs / 1e6).toFixed(2)} M MACs an image, ${ROUNDS} interleaved rounds`,
    lines("forward pass (inference)", forwardMs, macs),
    lines("training step", stepMs, 3 * macs),
    `training step / (3 forward passes): median ${median(ratios).toFixed(2)}, of the best rounds ${(Math.min(...stepMs) / Math.min(...forwardMs) / 3).toFixed(2)}`,
    "",
  ].join("\n"),
);
