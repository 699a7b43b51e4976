/**
 * Accuracy of the ResNet-8 example with zeros that cannot be cut, by pattern and criterion, without any fine-tuning: npm run bench -- masks
 * [--model=models/resnet8.onnx] [--samples=256] [--seconds]. The table is that of docs/pruning.md.
 */
import { importModel } from "../pipeline/stages/import.ts";
import { loadDataset } from "../src/data/index.ts";
import { MASK_CRITERIA, type MaskPattern, maskSamples, maskWeights, patternText } from "../src/prune/index.ts";
import { evaluate } from "../src/train/index.ts";

const PATTERNS: readonly MaskPattern[] = [
  { kind: "unstructured", sparsity: 0.5, scope: "layer" },
  { kind: "unstructured", sparsity: 0.5, scope: "global" },
  { kind: "unstructured", sparsity: 0.7, scope: "layer" },
  { kind: "n-of-m", n: 1, m: 4 },
  { kind: "n-of-m", n: 2, m: 4 },
  { kind: "n-of-m", n: 4, m: 8 },
  { kind: "block", rows: 4, columns: 4, sparsity: 0.5 },
  { kind: "stripe", sparsity: 0.5 },
  { kind: "pattern", sparsity: 0.5, library: 8 },
  { kind: "kernel", sparsity: 1 / 3 },
  { kind: "kernel", sparsity: 0.5 },
];

const options = process.argv.filter((text) => text.startsWith("--"));
const given = new Map(options.map((text) => [text.slice(2).split("=")[0]!, text.split("=")[1] ?? ""] as const));
const path = given.get("model") ?? "models/resnet8.onnx";
const samples = Number(given.get("samples") ?? 256);
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

const { graph, sampleShape } = await importModel(path);
const training = await loadDataset("data/fashion-mnist", { split: "train", sampleShape });
const test = await loadDataset("data/fashion-mnist", { split: "test", sampleShape });
const original = (await evaluate(graph, test)).accuracy;
const print = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(" | ")} |\n`);

process.stdout.write(`${path}: ${percent(original)} on ${test.length} test samples; ${samples} samples looked at\n`);
print(["pattern", "zeros in masked layers", "of all weights", ...MASK_CRITERIA]);
print(["---", "---:", "---:", ...MASK_CRITERIA.map(() => "---:")]);
for (const pattern of PATTERNS) {
  const cells: string[] = [];
  let shares = ["", ""];
  for (const criterion of MASK_CRITERIA) {
    if (pattern.kind === "unstructured" && pattern.scope === "global" && criterion !== "magnitude") {
      cells.push("-");
      continue;
    }
    const began = performance.now();
    const masked = await maskWeights(graph, pattern, { criterion, samples: maskSamples(graph, training, samples) });
    const seconds = (performance.now() - began) / 1000;
    const sum = (of: "zeros" | "weights", all: boolean) =>
      masked.layers.reduce((total, layer) => total + (all || layer.eligible ? layer[of] : 0), 0);
    shares = [sum("zeros", false) / sum("weights", false), sum("zeros", true) / sum("weights", true)].map(percent);
    const { accuracy } = await evaluate(masked.graph, test);
    cells.push(`${percent(accuracy)}${given.has("seconds") ? ` (${seconds.toFixed(1)} s)` : ""}`);
  }
  print([patternText(pattern), ...shares, ...cells]);
}
