/** Small TFLite models from a few lines, and what LiteRT and Espalier make of them. */
import {
  type BuiltinOperator,
  encodeTflite,
  type TfliteDType,
  type TfliteModel,
  type TfliteOptions,
  type TfliteTensor,
} from "../../../src/formats/tflite/codec/index.ts";
import { readTflite } from "../../../src/formats/tflite/read/index.ts";
import { irDtype } from "../../../src/formats/tflite/read/stored.ts";
import { type Graph, valueById } from "../../../src/ir/index.ts";
import { validateGraph } from "../../../src/ops/index.ts";
import { openOrt } from "../../../src/runtimes/index.ts";
import { loadLiteRt } from "../../../src/runtimes/litert.ts";
import {
  bytesOf,
  DTYPES,
  type DType,
  fromNumbers,
  seededRandom,
  sizeOf,
  type Tensor,
  toNumbers,
} from "../../../src/tensor/index.ts";

export interface TensorSpec {
  readonly shape?: readonly number[];
  readonly dtype?: TfliteDType;
  /** Values of a constant. */
  readonly data?: ArrayLike<number>;
  /** Bytes of a constant, for types and layouts that numbers do not spell. */
  readonly bytes?: Uint8Array;
  readonly rest?: Partial<TfliteTensor>;
}

export interface OperatorSpec {
  readonly op: keyof typeof BuiltinOperator;
  readonly inputs: readonly (string | null)[];
  readonly outputs: readonly string[];
  readonly options?: TfliteOptions;
  readonly customCode?: string;
  readonly customOptions?: Uint8Array;
}

export interface ModelSpec {
  readonly tensors: Readonly<Record<string, TensorSpec>>;
  readonly operators: readonly OperatorSpec[];
  readonly inputs: readonly string[];
  /** Default: all that the operators give. */
  readonly outputs?: readonly string[];
}

export const quantization = (scale: number, zeroPoint: number) => ({
  quantization: { scales: [Math.fround(scale)], zeroPoints: [zeroPoint], quantizedDimension: 0 },
});

function assembled(spec: ModelSpec, shapes: ReadonlyMap<string, readonly number[]>): TfliteModel {
  const names = [...new Set([...Object.keys(spec.tensors), ...spec.operators.flatMap(({ outputs }) => outputs)])];
  const buffers: Uint8Array[] = [new Uint8Array(0)];
  const tensors = names.map((name): TfliteTensor => {
    const { shape, dtype = "float32", data, bytes, rest = {} } = spec.tensors[name] ?? {};
    const size = shape ?? shapes.get(name) ?? (data === undefined ? [] : [data.length]);
    const stored = bytes ?? (data === undefined ? undefined : bytesOf(fromNumbers(irDtype(dtype)!, size, data)));
    if (stored !== undefined) buffers.push(stored);
    return { name, shape: size, dtype, buffer: stored === undefined ? 0 : buffers.length - 1, ...rest };
  });
  const at = (name: string | null) => (name === null ? -1 : names.indexOf(name));
  const operators = spec.operators.map(({ op, inputs, outputs, ...others }) => ({
    opcode: op as BuiltinOperator,
    inputs: inputs.map(at),
    outputs: outputs.map(at),
    ...others,
  }));
  const outputs = (spec.outputs ?? spec.operators.flatMap((operator) => operator.outputs)).map(at);
  return {
    version: 3,
    description: "",
    buffers,
    metadata: [],
    signatures: [],
    subgraphs: [{ name: "main", tensors, operators, inputs: spec.inputs.map(at), outputs }],
  };
}

/** The model with the shapes of its outputs as the reader infers them: LiteRT refuses the file when it computes others. */
export function modelOf(spec: ModelSpec): TfliteModel {
  const first = readTflite(encodeTflite(assembled(spec, new Map())));
  const shapes = first.outputs.map((id): [string, readonly number[]] => {
    const { name, type } = valueById(first, id);
    return [name, type.shape.map((dim) => (typeof dim === "number" ? dim : 1))];
  });
  return assembled(spec, new Map(shapes));
}

/** The bytes of a model as it is stated, without asking the reader for shapes. */
export function bytesAsStated(spec: ModelSpec): Uint8Array {
  return encodeTflite(assembled(spec, new Map()));
}

/** Seeded values for an input: names that start with "positive" get positive numbers, integers stay small where they are no codes of a scale. */
export function sample(name: string, dtype: DType, shape: readonly number[], quantized: boolean): Tensor {
  const random = seededRandom(5, name);
  const { float, bytes, signed } = DTYPES[dtype];
  const values = Float64Array.from({ length: sizeOf(shape) }, () => {
    if (float) return name.startsWith("positive") ? random.next() * 2 + 0.1 : random.next() * 4 - 2;
    if (quantized) return random.below(2 ** (8 * bytes)) - (signed ? 2 ** (8 * bytes - 1) : 0);
    return random.below(dtype === "bool" ? 2 : 3);
  });
  return fromNumbers(dtype, shape, values);
}

/** Runs a graph in ONNX Runtime on tensors in the order of its inputs. */
export async function runGraph(
  graph: Graph,
  feeds: readonly Tensor[],
  optimise: "all" | "disabled" = "all",
): Promise<Tensor[]> {
  const session = await openOrt(graph, { threads: 1, optimise });
  try {
    const named = Object.fromEntries(graph.inputs.map((id, i) => [valueById(graph, id).name, feeds[i]!]));
    const results = await session.run(named);
    return graph.outputs.map((id) => results[valueById(graph, id).name]!);
  } finally {
    await session.close();
  }
}

/** Largest difference of each output between LiteRT on the file and ONNX Runtime on what was read: relative to its largest number for floats, else in integer steps. */
export async function differences(spec: ModelSpec): Promise<Record<string, number>> {
  const bytes = encodeTflite(modelOf(spec));
  const graph = readTflite(bytes);
  validateGraph(graph);
  const session = await loadLiteRt(bytes);
  const feeds = session.inputs.map(({ name, dtype, shape }) => {
    const isQuantized = (spec.tensors[name]?.rest?.quantization?.scales.length ?? 0) > 0;
    return sample(name, dtype, shape, isQuantized);
  });
  const expected = await session.run(feeds);
  session.close();
  const actual = await runGraph(graph, feeds);
  const result: Record<string, number> = {};
  for (const [o, want] of expected.entries()) {
    const got = actual[o]!;
    const name = valueById(graph, graph.outputs[o]!).name;
    if (got.dtype !== want.dtype || got.shape.join() !== want.shape.join())
      throw new Error(`${name}: ${got.dtype}[${got.shape}] instead of ${want.dtype}[${want.shape}]`);
    result[name] = distance(toNumbers(got), toNumbers(want), DTYPES[want.dtype].float);
  }
  return result;
}

/** max |a - b|, for floats over max |b|. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>, relative: boolean): number {
  let most = 0;
  let size = 1e-6;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= most)) most = difference;
    size = Math.max(size, Math.abs(b[i]!));
  }
  return relative ? most / size : most;
}

/** The names of outputs whose difference is above the bound, with it. */
export function above(found: Readonly<Record<string, number>>, bound: number): Record<string, number> {
  return Object.fromEntries(Object.entries(found).filter(([, difference]) => !(difference <= bound)));
}
