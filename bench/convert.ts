/**
 * Time and memory of converting a 100 MB ONNX file to TFLite and to ONNX, each in a fresh process, beside a process that
 * loads the same code and converts nothing: npx tsx bench/convert.ts
 */
import { fork } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { writeOnnx } from "../src/formats/onnx/index.ts";
import type { Graph, ValueId } from "../src/ir/index.ts";
import { newBuilder } from "../src/ops/index.ts";
import { float32, seededRandom, sizeOf } from "../src/tensor/index.ts";
import type { Measured } from "./convert-child.ts";

/** Convolutions with batch norms and residual sums, and two matrix products: about 26 million parameters. */
function largeModel(): Graph {
  const b = newBuilder("large");
  const random = seededRandom(1, "weights");
  let count = 0;
  const weight = (...shape: number[]): ValueId => {
    const data = new Float32Array(sizeOf(shape));
    for (let i = 0; i < data.length; i++) data[i] = random.next() - 0.5;
    return b.constant(`w${count++}`, float32(shape, data));
  };
  const positive = (size: number) => b.constant(`v${count++}`, float32([size], new Float32Array(size).fill(1.5)));
  const layer = (x: ValueId, from: number, to: number, stride: number): ValueId => {
    const y = b.node("Conv", [x, weight(to, from, 3, 3)], { pads: [1, 1, 1, 1], strides: [stride, stride] });
    return b.node("Relu", [b.node("BatchNormalization", [y, weight(to), weight(to), weight(to), positive(to)])]);
  };
  let x = layer(b.input("image", { dtype: "float32", shape: ["N", 3, 64, 64] }), 3, 512, 2);
  for (let i = 0; i < 7; i++) x = b.node("Add", [x, layer(x, 512, 512, 1)]);
  const rows = b.node("Flatten", [b.node("GlobalAveragePool", [x])]);
  const hidden = b.node("Relu", [b.node("MatMul", [rows, weight(512, 8192)])]);
  b.output(b.node("Gemm", [hidden, weight(640, 8192), weight(640)], { transB: 1 }));
  return b.build();
}

function measure(mode: string, file: string): Promise<Measured> {
  const script = path.join(import.meta.dirname, "convert-child.ts");
  return new Promise((resolve, reject) => {
    const child = fork(script, [mode, file]);
    child.once("message", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the conversion to ${mode} ended with exit code ${code}`)));
  });
}

const folder = await mkdtemp(path.join(tmpdir(), "espalier-convert-"));
try {
  const file = path.join(folder, "large.onnx");
  await writeFile(file, writeOnnx(largeModel()));
  const { size } = await stat(file);
  const idle = await measure("nothing", file);
  process.stdout.write(
    `Conversion of ${(size / 1e6).toFixed(1)} MB (a process that converts nothing: ${(idle.peak / 1e6).toFixed(0)} MB)\n`,
  );
  for (const mode of ["tflite", "onnx"]) {
    const { milliseconds, peak } = await measure(mode, file);
    const memory = (peak - idle.peak) / size;
    const seconds = (milliseconds / 1000).toFixed(2);
    process.stdout.write(
      `  to ${mode.padEnd(6)} ${seconds.padStart(6)} s  ${memory.toFixed(2)} x the file in memory\n`,
    );
  }
} finally {
  await rm(folder, { recursive: true });
}
