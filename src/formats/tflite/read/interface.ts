import { EspalierError } from "../../../diagnostics/index.ts";
import type { FoldingBuilder } from "../../../fold/index.ts";
import { type Dim, type Graph, shapeText, type Value, type ValueId } from "../../../ir/index.ts";
import { DTYPES, sameShape, type Tensor } from "../../../tensor/index.ts";
import type { TfliteSubgraph, TfliteTensor } from "../codec/index.ts";
import type { StateVariables } from "./state.ts";
import { irDtypeOf } from "./stored.ts";
import type { TensorValues } from "./values.ts";

interface InputOptions {
  /** What an open first axis becomes. */
  readonly batch: Dim;
  readonly inputShapes?: Readonly<Record<string, readonly Dim[]>>;
  readonly inputValues?: Readonly<Record<string, Tensor>>;
}

/** Adds the inputs of the main subgraph to the graph; those with a value become constants. */
export function addInputs(
  builder: FoldingBuilder,
  values: TensorValues,
  main: TfliteSubgraph,
  options: InputOptions,
): void {
  for (const index of main.inputs) {
    const tensor = values.tensor(index);
    const bound = Object.hasOwn(options.inputValues ?? {}, tensor.name) ? options.inputValues![tensor.name]! : null;
    const dtype = irDtypeOf(tensor);
    if (bound === null) {
      values.putRaw(index, builder.input(values.name(index), { dtype, shape: inputShape(tensor, options) }));
      continue;
    }
    if (bound.dtype !== dtype)
      throw new EspalierError("usage", `Input "${tensor.name}" has type ${dtype}, its value ${bound.dtype}`);
    values.putRaw(index, builder.constant(values.name(index), bound));
  }
}

/** The shape of an input: as asked for, else the file's with an open batch as `batch`. */
function inputShape(tensor: TfliteTensor, options: InputOptions): readonly Dim[] {
  const { name, shape } = tensor;
  const stated = shape.map((dim, axis) => (tensor.shapeSignature?.[axis] === -1 ? -1 : dim));
  const given = Object.hasOwn(options.inputShapes ?? {}, name) ? options.inputShapes![name]! : null;
  if (given !== null) {
    if (given.length !== shape.length)
      throw new EspalierError("usage", `Input "${name}" has ${shape.length} axes, got the shape ${shapeText(given)}`);
    return given;
  }
  const open = stated.findIndex((dim, axis) => dim === -1 && axis > 0);
  if (open >= 0)
    throw new EspalierError("input", `Input "${name}" has an open size on axis ${open}`, {
      hint: `State it: --input ${name}:${stated.map((dim, axis) => (dim === -1 ? (axis === 0 ? 1 : "SIZE") : dim)).join(",")}`,
    });
  return stated.map((dim) => (dim === -1 ? options.batch : dim));
}

export interface Outputs {
  /** Name that each value that is an output gets. */
  readonly names: ReadonlyMap<ValueId, string>;
  /** Names of state inputs with those of the outputs that follow them. */
  readonly state: readonly { readonly input: string; readonly output: string }[];
}

/** Makes the tensors that the subgraph lists, and then the state after the run, outputs of the graph. */
export function addOutputs(
  builder: FoldingBuilder,
  values: TensorValues,
  main: TfliteSubgraph,
  state: StateVariables,
): Outputs {
  const names = new Map<ValueId, string>();
  const inputs = new Set<ValueId>([
    ...main.inputs.map((index) => values.raw(index)),
    ...state.pairs().map((pair) => pair.input),
  ]);
  const add = (value: ValueId, name: string): void => {
    // A graph's output is the result of a node of its own.
    const own = names.has(value) || inputs.has(value) ? builder.node("Identity", [value], {}, { name }) : value;
    names.set(own, name);
    builder.output(own);
  };
  for (const index of main.outputs) {
    const value = values.raw(index);
    const dtype = irDtypeOf(values.tensor(index));
    // Sizes are computed in int64, whatever integer the file has.
    add(builder.value(value).type.dtype === dtype ? value : cast(builder, value, dtype), values.name(index));
  }
  const pairs = state.pairs().map(({ input, value }) => {
    const before = builder.value(input);
    const after = builder.value(value).type;
    if (before.type.dtype !== after.dtype || !sameShape(before.type.shape as number[], after.shape as number[]))
      throw new EspalierError(
        "unsupported",
        `State "${before.name}" is ${before.type.dtype}${shapeText(before.type.shape)} before a run and ${after.dtype}${shapeText(after.shape)} after it`,
      );
    const output = `${before.name}.next`;
    add(value, output);
    return { input: before.name, output };
  });
  return { names, state: pairs };
}

function cast(builder: FoldingBuilder, value: ValueId, dtype: ReturnType<typeof irDtypeOf>): ValueId {
  return builder.node("Cast", [value], { to: DTYPES[dtype].onnx }, { name: `${builder.value(value).name}/${dtype}` });
}

/** The graph with its outputs under the given names; a value that has one of them already takes the other's. */
export function named(graph: Graph, names: ReadonlyMap<ValueId, string>): Graph {
  const values = new Map(graph.values);
  const byName = new Map<string, ValueId>([...values.values()].map((value) => [value.name, value.id]));
  const rename = (id: ValueId, name: string): void => {
    const value = values.get(id)!;
    values.set(id, { ...value, name } satisfies Value);
    byName.set(name, id);
  };
  for (const [id, name] of names) {
    const value = values.get(id);
    if (value === undefined || value.name === name) continue;
    const holder = byName.get(name);
    // An input keeps its name: the file calls two things alike.
    if (holder !== undefined && (graph.inputs.includes(holder) || names.has(holder))) continue;
    const freed = value.name;
    rename(id, name);
    if (holder !== undefined) rename(holder, freed);
  }
  return { ...graph, values };
}
