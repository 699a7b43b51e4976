/** Time of emitting a 5 M parameter model as ONNX and TFLite beside ONNX Runtime's own time to load it: npx tsx bench/emission.ts */
import { resnet10Wide } from "../src/architectures/index.ts";
import { readOnnx, writeOnnx } from "../src/formats/onnx/index.ts";
import { decodeTflite } from "../src/formats/tflite/codec/index.ts";
import { writeTflite } from "../src/formats/tflite/write.ts";
import { convertFloat16, deployPipeline, runPasses } from "../src/passes/index.ts";
import { openOrt } from "../src/runtimes/index.ts";
import { interleave } from "./interleave.ts";

const graph = resnet10Wide(1);
const folded = runPasses(graph, deployPipeline);
const onnx = writeOnnx(folded);
const tflite = writeTflite(folded);

await interleave(`Emission, wide ResNet-10, ${(onnx.length / 1e6).toFixed(1)} MB`, [
  { name: "ONNX Runtime loads the file", run: async () => (await openOrt(onnx)).close() },
  { name: "fold batch norms (deploy pipeline)", run: () => runPasses(graph, deployPipeline) },
  { name: "write ONNX", run: () => writeOnnx(folded) },
  { name: "read ONNX", run: () => readOnnx(onnx) },
  { name: "convert to float16 and write ONNX", run: () => writeOnnx(runPasses(folded, [convertFloat16])) },
  { name: "lower and write TFLite", run: () => writeTflite(folded) },
  { name: "read TFLite", run: () => decodeTflite(tflite) },
]);
