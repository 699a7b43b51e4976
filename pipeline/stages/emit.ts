import { planArena } from "../../src/cost/index.ts";
import { EspalierError } from "../../src/diagnostics/index.ts";
import { arenaHeader, modelDataSource, opResolverHeader } from "../../src/formats/c/index.ts";
import { writeOnnx } from "../../src/formats/onnx/index.ts";
import { decodeTflite } from "../../src/formats/tflite/codec/index.ts";
import { emitTflite } from "../../src/formats/tflite/write.ts";
import type { Graph } from "../../src/ir/index.ts";
import { convertFloat16, deployPipeline, runPasses } from "../../src/passes/index.ts";
import type { ArtifactKind } from "../../targets/index.ts";
import { type RunContext, runStage, type Staged } from "../context.ts";

export interface EmittedFile {
  readonly file: string;
  readonly kind: ArtifactKind;
  readonly what: string;
}

export interface Emitted {
  readonly files: readonly EmittedFile[];
  /** Work that TFLite needs and the graph does not have: transposes, pads. */
  readonly notes: readonly string[];
}

export interface EmitSources {
  /** The tuned float graph. */
  readonly float: Graph;
  /** Its QDQ form; null when no int8 artifact is asked for. */
  readonly int8: Graph | null;
  readonly from: string;
  readonly name: string;
}

/** Writes the artifacts of the target; they are put into the run directory only after they were verified. */
export async function emitStage(context: RunContext, sources: EmitSources): Promise<Staged<Emitted>> {
  const { config } = context;
  return runStage(context, {
    name: "emit",
    what: config.artifacts.join(", "),
    inputs: { from: sources.from, artifacts: config.artifacts, profile: config.profile.name, name: sources.name },
    compute: async () => {
      const files: Record<string, Uint8Array> = {};
      const listed: EmittedFile[] = [];
      const notes: string[] = [];
      const add = (file: string, kind: ArtifactKind, what: string, bytes: Uint8Array | string) => {
        files[file] = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
        listed.push({ file, kind, what });
      };
      const folded = runPasses(sources.float, deployPipeline);
      for (const kind of config.artifacts) emitOne(kind, { context, sources, folded, add, notes, files });
      return { files, json: { files: listed, notes } };
    },
    summary: ({ files }) => files.map(({ file }) => file).join(", "),
  });
}

interface Emission {
  readonly context: RunContext;
  readonly sources: EmitSources;
  readonly folded: Graph;
  readonly notes: string[];
  readonly files: Readonly<Record<string, Uint8Array>>;
  add(file: string, kind: ArtifactKind, what: string, bytes: Uint8Array | string): void;
}

function emitOne(kind: ArtifactKind, e: Emission): void {
  const { name, int8 } = e.sources;
  const quantized = (): Graph => {
    if (int8 === null)
      throw new EspalierError("internal", `internal: ${kind} is to be emitted, but nothing was quantised`);
    return int8;
  };
  switch (kind) {
    case "onnx-float32":
      e.add(`${name}.float32.onnx`, kind, "ONNX, float32", writeOnnx(e.folded));
      return;
    case "onnx-float16":
      e.add(
        `${name}.float16.onnx`,
        kind,
        "ONNX, float16 inside, float32 at the borders",
        writeOnnx(runPasses(e.folded, [convertFloat16])),
      );
      return;
    case "onnx-int8":
      e.add(`${name}.int8.onnx`, kind, "ONNX, int8 as QuantizeLinear/DequantizeLinear", writeOnnx(quantized()));
      return;
    case "tflite-float32":
      e.add(`${name}.float32.tflite`, kind, "TFLite, float32", tflite(e, e.folded));
      return;
    case "tflite-int8":
      e.add(`${name}.int8.tflite`, kind, "TFLite, full int8 with int8 input and output", tflite(e, quantized()));
      return;
    case "c":
      emitSources(e, tflite(e, quantized()));
      return;
    default:
      kind satisfies never;
  }
}

function tflite(e: Emission, graph: Graph): Uint8Array {
  const { data, config } = e.context;
  const metadata = { labels: data.test.classes, normalisation: data.test.normalisation };
  // A microcontroller reads the file from its flash: labels would take room there that no one reads.
  const described = config.profile.class === "mcu" ? {} : { metadata };
  const emitted = emitTflite(graph, { name: e.sources.name, ...described });
  for (const note of emitted.notes) if (!e.notes.includes(note.message)) e.notes.push(note.message);
  return emitted.bytes;
}

function emitSources(e: Emission, bytes: Uint8Array): void {
  const { profile } = e.context.config;
  if (profile.class !== "mcu") throw new EspalierError("internal", "internal: C sources are for microcontrollers");
  const model = decodeTflite(bytes);
  const opcodes = model.subgraphs.flatMap((subgraph) => subgraph.operators.map((operator) => operator.opcode));
  const { cc, h } = modelDataSource(bytes, "model_data");
  const arena = planArena(model, { abi: profile.tflm.abi, kernels: profile.tflm.kernels, simd: profile.tflm.simd });
  e.add("model_data.cc", "c", "The int8 model as a C array", cc);
  e.add("model_data.h", "c", "Its declaration", h);
  e.add(
    "op_resolver.h",
    "c",
    "MicroMutableOpResolver with exactly the model's operators",
    opResolverHeader(opcodes, "model"),
  );
  e.add("arena.h", "c", "The tensor arena's size", arenaHeader(arena.minArena));
}
