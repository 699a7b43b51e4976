import { EspalierError } from "../../diagnostics/index.ts";
import { type Graph, valueById } from "../../ir/index.ts";
import { editGraph } from "../../ops/index.ts";
import { openOrt } from "../../runtimes/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import { addInputProducts, type InputKind } from "./input-products.ts";
import type { MaskLayer } from "./mask-layers.ts";
import type { WeightMatrix } from "./weight-matrix.ts";

/** Tensors by input name. */
export type Feeds = Readonly<Record<string, Tensor>>;

/** What the inputs of a layer were like, by group, over all samples and places where the weight is read. */
export interface LayerInputs {
  /** Σ x² of each column of the matrix. */
  readonly squares: readonly Float64Array[];
  /** X Xᵀ, columns x columns; only where products were asked for. */
  readonly grams: readonly Float64Array[] | null;
}

/** The graph with the sizes that the feeds have, everywhere. */
export function sizedGraph(graph: Graph, feeds: Feeds): Graph {
  const builder = editGraph(graph);
  for (const id of graph.inputs) {
    const { name, type } = valueById(graph, id);
    const given = feeds[name];
    if (given === undefined)
      throw new EspalierError("input", `The samples have no tensor for input "${name}"`, { where: graph.name });
    builder.setInputType(id, { dtype: type.dtype, shape: given.shape });
  }
  return builder.build({ reinfer: true });
}

/**
 * Runs the graph over all feeds and adds up the inputs of layers, unfolded as their operators see them, in float64 and inside ONNX Runtime: of each run only the
 * sums come back. Throws EspalierError "input" without any feeds.
 */
export async function gatherInputs(
  graph: Graph,
  layers: readonly (MaskLayer & { readonly matrix: WeightMatrix })[],
  feeds: Iterable<Feeds>,
  kind: InputKind,
  options: { readonly threads?: number } = {},
): Promise<Map<string, LayerInputs>> {
  const sums = new Map<string, Float64Array>();
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const opened = new Map<string, Opened>();
  let runs = 0;
  try {
    for (const batch of feeds) {
      const key = JSON.stringify(Object.entries(batch).map(([name, { shape }]) => [name, shape]));
      const session = opened.get(key) ?? (await open(graph, layers, batch, kind, threads));
      opened.set(key, session);
      const results = await session.run(batch);
      for (const { layer, output } of session.outputs) addTo(sums, layer, results[output]!.data as Float64Array);
      runs++;
    }
  } finally {
    for (const session of opened.values()) await session.close();
  }
  if (runs === 0) throw new EspalierError("input", "No samples were given to measure the inputs of layers on");
  const inputs = new Map<string, LayerInputs>();
  for (const { name, matrix } of layers) {
    inputs.set(name, inMatrixOrder(matrix, sums.get(name)!, kind));
    sums.delete(name); // large: one layer at a time is there twice
  }
  return inputs;
}

interface Opened {
  readonly outputs: readonly { readonly layer: string; readonly output: string }[];
  run(feeds: Feeds): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

async function open(
  graph: Graph,
  layers: readonly (MaskLayer & { readonly matrix: WeightMatrix })[],
  feeds: Feeds,
  kind: InputKind,
  threads: { readonly threads?: number },
): Promise<Opened> {
  const builder = editGraph(sizedGraph(graph, feeds));
  const ids = layers.flatMap(({ name, uses, matrix }) =>
    uses.map((use) => ({ layer: name, id: addInputProducts(builder, use, matrix, kind) })),
  );
  builder.setOutputs(ids.map(({ id }) => id));
  const outputs = ids.map(({ layer, id }) => ({ layer, output: builder.value(id).name }));
  const session = await openOrt(builder.build(), { spinning: false, memoryPattern: false, ...threads });
  return { outputs, run: (given) => session.run(given), close: () => session.close() };
}

function addTo(sums: Map<string, Float64Array>, name: string, values: Float64Array): void {
  const known = sums.get(name);
  if (known === undefined) sums.set(name, values);
  else for (let i = 0; i < values.length; i++) known[i]! += values[i]!;
}

/** ONNX Runtime unfolds channel by channel, the matrix goes position by position. */
function inMatrixOrder(matrix: WeightMatrix, sums: Float64Array, kind: InputKind): LayerInputs {
  const { groups, columns, channels, positions } = matrix;
  const from = Int32Array.from(
    { length: columns },
    (_, column) => (column % channels) * positions + Math.floor(column / channels),
  );
  const of = (group: number) => sums.subarray((group * sums.length) / groups, ((group + 1) * sums.length) / groups);
  const all = Array.from({ length: groups }, (_, group) => of(group));
  if (kind === "squares") return { squares: all.map((own) => Float64Array.from(from, (at) => own[at]!)), grams: null };
  const grams = all.map((own) => {
    if (positions === 1) return own;
    const gram = new Float64Array(columns * columns);
    for (let i = 0, at = 0; i < columns; i++)
      for (let j = 0; j < columns; j++, at++) gram[at] = own[from[i]! * columns + from[j]!]!;
    return gram;
  });
  return { squares: grams.map((gram) => Float64Array.from(from, (_, i) => gram[i * (columns + 1)]!)), grams };
}
