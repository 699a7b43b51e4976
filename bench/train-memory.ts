/** Whether training steps leak: resident memory over 2,000 steps of ResNet-8 (32x32x3, batch 16): npx tsx bench/train-memory.ts [STEPS] */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { resnet8 } from "../src/architectures/index.ts";
import { float32, seededRandom } from "../src/tensor/index.ts";
import { shiftAndFlip, type TrainingData, train } from "../src/train/index.ts";

const STEPS = Number(process.argv[2] ?? 2000);
const BATCH = 16;
const IMAGES = 256;
const [SIZE, SHAPE] = [3 * 32 * 32, [3, 32, 32]];
/** How much resident memory may grow from the first quarter to the last. */
const TOLERANCE = 0.05;
/** Until then ONNX Runtime's arena and the heap find their size. */
const WARM_UP = 0.1;

// Batches that wait for the garbage collector would hide a leak, or look like one.
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const random = seededRandom(1, "memory");
const pixels = Float32Array.from({ length: IMAGES * SIZE }, () => random.normal());
const data: TrainingData = {
  name: "noise",
  sampleShape: SHAPE,
  length: IMAGES,
  labels: Int32Array.from({ length: IMAGES }, (_, i) => i % 10),
  batch: (indices) => {
    const out = new Float32Array(indices.length * SIZE);
    for (let i = 0; i < indices.length; i++)
      out.set(pixels.subarray(indices[i]! * SIZE, (indices[i]! + 1) * SIZE), i * SIZE);
    return float32([indices.length, ...SHAPE], out);
  },
};

const resident: { step: number; bytes: number }[] = [];
const start = performance.now();
await train(resnet8(1, [3, 32, 32]), data, {
  steps: STEPS,
  batch: BATCH,
  augment: shiftAndFlip({ shift: 2, flip: true }),
  schedule: { kind: "constant", rate: 0.01 },
  onProgress: ({ step }) => {
    if (step <= STEPS * WARM_UP || step % Math.ceil(STEPS / 100) !== 0) return;
    collect();
    resident.push({ step, bytes: process.memoryUsage.rss() });
  },
});

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
const quarter = Math.ceil(resident.length / 4);
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
console.log(`${STEPS} steps in ${((performance.now() - start) / 1000).toFixed(0)} s`);
const medians = [0, 1, 2, 3].map((i) => {
  const part = resident.slice(i * quarter, (i + 1) * quarter);
  const bytes = median(part.map((sample) => sample.bytes));
  console.log(`steps ${part[0]!.step} to ${part.at(-1)!.step}: median ${mebibytes(bytes)} resident`);
  return bytes;
});
const growth = medians[3]! / medians[0]! - 1;
const most = Math.max(...resident.map(({ bytes }) => bytes));
console.log(`growth ${(100 * growth).toFixed(2)} %, most ${mebibytes(most)}`);
if (growth > TOLERANCE) {
  console.log(`more than ${100 * TOLERANCE} %: steps leak`);
  process.exitCode = 1;
}
