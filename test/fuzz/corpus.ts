import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeOnnx } from "../../src/formats/onnx/index.ts";
import { shardFiles } from "../../src/formats/tfjs/index.ts";
import { emitTflite } from "../../src/formats/tflite/index.ts";
import { newBuilder, type OpType } from "../../src/ops/index.ts";
import { seededRandom } from "../../src/tensor/index.ts";
import { PROBLEMS as LOWERED } from "../conformance/tflite-problems.ts";
import { ONNX_SPECIMENS } from "../unit/onnx/specimens.ts";
import type { Problem } from "../unit/ops/infer-draw.ts";
import { PROBLEMS } from "../unit/ops/infer-problems.ts";
import type { Specimen } from "./attempt.ts";
import { tfjsSpecimens } from "./tfjs-specimens.ts";

const fixtures = fileURLToPath(new URL("../fixtures/tflite", import.meta.url));

function oneNode(op: OpType, problem: Problem): Specimen {
  const b = newBuilder(op);
  const fed = problem.fed ?? [0];
  const inputs = problem.inputs.map((t, i) => {
    if (t === null) return null;
    return fed.includes(i) ? b.input(`x${i}`, { dtype: t.dtype, shape: t.shape }) : b.constant(`c${i}`, t);
  });
  for (const id of b.nodes(op, inputs, problem.attrs, { outputs: problem.outputs ?? 1 })) b.output(id);
  return { name: `${op}.onnx`, format: "onnx", bytes: writeOnnx(b.build()), files: new Map() };
}

/** A file for each operator and for each way of using one in TFLite, the fixtures of the tests, and TensorFlow.js models. */
export function corpus(): Specimen[] {
  const operators = Object.entries(PROBLEMS).map(([op, draw]) => oneNode(op as OpType, draw(seededRandom(5, op))));
  const lowered = LOWERED.map(
    ({ name, graph }): Specimen => ({
      name: `${name}.tflite`,
      format: "tflite",
      bytes: emitTflite(graph).bytes,
      files: new Map(),
    }),
  );
  const whole = LOWERED.map(
    ({ name, graph }): Specimen => ({
      name: `${name}.onnx`,
      format: "onnx",
      bytes: writeOnnx(graph),
      files: new Map(),
    }),
  );
  // One in five is a TensorFlow.js model, though there are few of them.
  const tfjs = tfjsSpecimens();
  // Control flow, functions, external data and operators of other domains, which our writer does not write.
  const foreign = ONNX_SPECIMENS.map((specimen): Specimen => ({ ...specimen, format: "onnx" }));
  const files = [...operators, ...whole, ...foreign, ...foreign, ...lowered, ...folderCorpus(fixtures)];
  return [...files, ...Array.from({ length: Math.ceil(files.length / 4) }, (_, i) => tfjs[i % tfjs.length]!)];
}

/** Most that a model to be mutated may weigh: larger ones say nothing more, and slowly. */
const mostBytes = 512 * 1024;

/** The models of a folder and its sub-folders, small ones only. */
export function folderCorpus(folder: string): Specimen[] {
  const specimens: Specimen[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || statSync(path).size > mostBytes) continue;
    const specimen = specimenOf(path);
    if (specimen !== null) specimens.push(specimen);
  }
  return specimens.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function specimenOf(path: string): Specimen | null {
  const bytes = readFileSync(path);
  const name = `${basename(dirname(path))}/${basename(path)}`;
  if (path.endsWith(".onnx")) return { name, format: "onnx", bytes, files: new Map() };
  if (path.endsWith(".tflite")) return { name, format: "tflite", bytes, files: new Map() };
  if (basename(path) !== "model.json") return null;
  const files = new Map(shardFiles(bytes).map((shard) => [shard, readFileSync(join(dirname(path), shard))]));
  return { name, format: "tfjs", bytes, files };
}
