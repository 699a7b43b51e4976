import { loadDataset, subset } from "../../src/data/index.ts";
import { readFileSync } from "node:fs";
import { readOnnx } from "../../src/formats/onnx/index.ts";
import { importPipeline, deployPipeline, runPasses } from "../../src/passes/index.ts";
import { MCU_SCHEME, MOBILE_SCHEME, quantizationAwareTrain, quantizeGraph } from "../../src/quantize/index.ts";
import { evaluate } from "../../src/train/index.ts";
const data = await loadDataset("data/fashion-mnist", { split: "train" });
const test = await loadDataset("data/fashion-mnist", { split: "test" });
const some = subset(data, Int32Array.from({ length: 2000 }, (_, i) => i));
const judged = subset(test, Int32Array.from({ length: 2000 }, (_, i) => i));
const g = runPasses(readOnnx(readFileSync("models/ds_cnn.onnx")), importPipeline);
console.log("float", (await evaluate(g, judged)).accuracy);
for (const [bits, rate] of [[8, 0.001], [8, 0.01], [4, 0.01], [3, 0.01], [3, 0.03]] as const) {
  const scheme = { ...MCU_SCHEME, weightBits: bits };
  const t = performance.now();
  const r = await quantizationAwareTrain(g, some, { scheme, epochs: 1, seed: 1, schedule: { kind: "cosine", rate, warmUp: 0.05 } });
  const ev = async (x: any) => { const e = await evaluate(x, judged); return `${e.accuracy.toFixed(4)} loss ${e.loss.toFixed(4)}`; };
  console.log(bits, rate, "ptq", await ev(r.untrained), "qat", await ev(r.graph), "float after", await ev(r.float), JSON.stringify(r.history), ((performance.now() - t) / 1000).toFixed(1));
}
