import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeTflite } from "../src/formats/tflite/codec/index.ts";

// Writes test/fixtures/tflm/arena.json: the memory structure of a few models (no weights) and the figures measured with TFLM itself.
// npx tsx scripts/generate-tflm-fixture.ts <folder of models> <tflm-arena.json>

const MODELS = [
  ...[
    "mlperf_ic_resnet8_int8",
    "mlperf_kws_dscnn_int8",
    "mlperf_ad_autoencoder_int8",
    "mlperf_streaming_wakeword_int8",
  ],
  ...["tflm_hello_world_int8", "tflm_keyword_scrambled_int8", "tflm_mnist_lstm_int8"],
].map((name) => `tflite/${name}.tflite`);
const SYNTHETIC = [
  ...[
    "rand00",
    "rand02",
    "rand12",
    "rand23",
    "rand36",
    "if",
    "while",
    "variable",
    "unused_tensor_in_is_out",
    "scalar",
    "quant_dequant",
  ],
  ...[
    "conv5x5s2v_int8",
    "conv3dil2_int8",
    "conv1xn_int16",
    "conv1x1s2_int8",
    "conv_int4",
    "dw_one_in_int8",
    "dw_big_int16",
  ],
  ...[
    "fc3d_int8",
    "fc_int4",
    "fc_perch_float32",
    "tconv_int8",
    "bmm_ax_float32",
    "bmm_int8",
    "mean_int8",
    "mirror_int8",
  ],
  ...["avgpool_int8", "softmax_float32", "split_int8", "d2s_float32"],
].map((name) => `tflm-synth/${name}.tflite`);

interface Row {
  readonly model: string;
  readonly build: string;
  readonly arena_used?: number;
  readonly head?: number;
  readonly tail?: number;
  readonly min_arena?: number;
  readonly plan?: readonly { readonly offset: number }[];
}

const [folder, file] = process.argv.slice(2);
if (folder === undefined || file === undefined)
  throw new Error("usage: generate-tflm-fixture.ts <models> <tflm-arena.json>");
const rows = (JSON.parse(readFileSync(file, "utf8")) as Row[]).filter((row) => row.arena_used !== undefined);
const entries = [...MODELS, ...SYNTHETIC].map((name) => {
  const model = decodeTflite(readFileSync(join(folder, name)));
  const subgraphs = model.subgraphs.map((g) => ({
    tensors: g.tensors.map((t) => [
      t.dtype,
      t.shape,
      (model.buffers[t.buffer]?.byteLength ?? 0) > 0 ? 1 : 0,
      t.isVariable === true ? 1 : 0,
      t.quantization?.scales.length ?? 0,
      t.quantization?.zeroPoints.length ?? 0,
    ]),
    operators: g.operators.map((o) => [o.opcode, o.inputs, o.outputs, o.options ?? null]),
    inputs: g.inputs,
    outputs: g.outputs,
  }));
  const measured = rows
    .filter((row) => row.model === name)
    .map((row) => ({
      build: row.build,
      head: row.head,
      tail: row.tail,
      arenaUsed: row.arena_used,
      minArena: row.min_arena,
      offsets: row.plan?.map((p) => p.offset),
    }));
  return `${JSON.stringify({ model: name, subgraphs, measured })}`;
});
const target = join(dirname(fileURLToPath(import.meta.url)), "..", "test", "fixtures", "tflm", "arena.json");
writeFileSync(target, `[\n${entries.join(",\n")}\n]\n`);
process.stdout.write(`${target}: ${entries.length} models\n`);
