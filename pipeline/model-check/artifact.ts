import { EspalierError } from "../../src/diagnostics/index.ts";
import { writeOnnx } from "../../src/formats/onnx/index.ts";
import type { Lowered } from "../../src/formats/tflite/index.ts";
import { type Graph, type ValueId, valueById } from "../../src/ir/index.ts";
import {
  type ModelRunner,
  onnxRuntimeVersion,
  openOrt,
  openTfliteRunner,
  type RunnerPort,
} from "../../src/runtimes/index.ts";
import { allocate, permute, sizeOf, type Tensor, tensor } from "../../src/tensor/index.ts";
import { levelFor } from "./open-original.ts";
import { type StatePair, stateOf } from "./state.ts";

/** An input or output of an artifact, with the graph's axes. */
export interface ArtifactPort extends RunnerPort {
  /** Axis i of the file's tensor is axis layout[i] of the graph's value. */
  readonly layout: readonly number[];
}

/** A written model with what is needed to run it as its graph, which need not be kept. Ports are in the order of the graph. */
export interface Artifact {
  readonly format: "onnx" | "tflite";
  readonly bytes: Uint8Array;
  readonly inputs: readonly ArtifactPort[];
  readonly outputs: readonly ArtifactPort[];
  readonly state: readonly StatePair[];
}

function portOf(graph: Graph, id: ValueId): ArtifactPort {
  const { name, type } = valueById(graph, id);
  return { name, dtype: type.dtype, shape: type.shape, layout: type.shape.map((_, axis) => axis) };
}

/** A graph as an ONNX file. */
export function onnxArtifact(graph: Graph): Artifact {
  const ports = (ids: readonly ValueId[]) => ids.map((id) => portOf(graph, id));
  const [inputs, outputs] = [ports(graph.inputs), ports(graph.outputs)];
  return { format: "onnx", bytes: writeOnnx(graph), inputs, outputs, state: stateOf(graph) };
}

/** A graph that was lowered, as a .tflite file. */
export function tfliteArtifact(
  graph: Graph,
  lowered: Pick<Lowered, "inputs" | "outputs">,
  bytes: Uint8Array,
): Artifact {
  const ports = (ids: readonly ValueId[], sides: Lowered["inputs"]) =>
    ids.map((id, i) => ({ ...portOf(graph, id), layout: sides[i]!.layout }));
  const [inputs, outputs] = [ports(graph.inputs, lowered.inputs), ports(graph.outputs, lowered.outputs)];
  return { format: "tflite", bytes, inputs, outputs, state: stateOf(graph) };
}

type Run = (values: readonly Tensor[]) => Promise<Tensor[]>;

interface Opened {
  readonly engine: string;
  readonly run: Run;
  close(): Promise<void>;
}

async function openOnnx({ bytes, inputs, outputs }: Artifact, fused: boolean): Promise<Opened> {
  const session = await openOrt(bytes, { optimise: fused ? levelFor(bytes.length) : "disabled" });
  return {
    engine: `ONNX Runtime ${onnxRuntimeVersion()}${fused ? "" : " without fusion"}`,
    run: async (values) => {
      const results = await session.run(Object.fromEntries(inputs.map(({ name }, i) => [name, values[i]!])));
      return outputs.map(({ name }) => results[name]!);
    },
    close: () => session.close(),
  };
}

async function openTflite({ bytes, inputs, outputs }: Artifact): Promise<Opened> {
  const runner = await openTfliteRunner(bytes);
  return {
    engine: runner.engine,
    run: async (values) => {
      const results = await runner.run(values.map((value, i) => permute(value, inputs[i]!.layout)));
      return results.map((result, i) => permute(result, inverse(outputs[i]!.layout)));
    },
    close: () => runner.close(),
  };
}

function inverse(layout: readonly number[]): number[] {
  return layout.map((_, axis) => layout.indexOf(axis));
}

/**
 * An artifact in its own runtime, with the graph's axes. State that the original keeps out of sight starts at zero here and
 * goes from run to run unseen. Without `fused`, ONNX Runtime computes operator by operator as the graph has them. Throws
 * EspalierError "runtime" when the runtime refuses it.
 */
export async function openArtifact(artifact: Artifact, { fused = true } = {}): Promise<ModelRunner> {
  const { inputs, outputs, state } = artifact;
  const opened = await (artifact.format === "onnx" ? openOnnx(artifact, fused) : openTflite(artifact));
  const fed = new Set(state.map(({ input }) => input));
  const kept = new Set(state.map(({ output }) => output));
  const seen = inputs.filter(({ name }) => !fed.has(name));
  const held = new Map<string, Tensor>();
  return {
    engine: opened.engine,
    inputs: seen,
    outputs: outputs.filter(({ name }) => !kept.has(name)),
    run: async (values) => {
      if (values.length !== seen.length)
        throw new EspalierError("usage", `The model has ${seen.length} inputs, got ${values.length} tensors`);
      const batch = values[0]?.shape[0] ?? 1;
      const all = inputs.map((port) =>
        fed.has(port.name) ? (held.get(port.name) ?? zeros(port, batch)) : values[seen.indexOf(port)]!,
      );
      const results = await opened.run(all);
      for (const { input, output } of state)
        held.set(input, results[outputs.findIndex(({ name }) => name === output)]!);
      return results.filter((_, i) => !kept.has(outputs[i]!.name));
    },
    close: opened.close,
  };
}

function zeros({ dtype, shape }: RunnerPort, batch: number): Tensor {
  const sizes = shape.map((dim) => (typeof dim === "number" ? dim : batch));
  return tensor(dtype, sizes, allocate(dtype, sizeOf(sizes)) as never);
}
