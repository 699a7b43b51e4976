import { invariant } from "../../diagnostics/index.ts";
import { type Graph, type ValueId, valueById } from "../../ir/index.ts";
import { editGraph } from "../../ops/index.ts";
import { type OrtSession, openOrt } from "../../runtimes/index.ts";
import { seededRandom, type Tensor, toFloat32 } from "../../tensor/index.ts";
import { compact } from "../compact.ts";
import type { ResolvedCut } from "../cut.ts";
import type { Calibration, Feeds } from "./calibration.ts";
import { emptyGram, type Gram } from "./gram.ts";
import { type GramAdder, openAdder } from "./gram-adder.ts";
import { type LinearLayer, type RowReader, spreadRows } from "./linear-layer.ts";

/** Sums over the rows that a layer is fitted to and over those that are held back, one for each of its groups. */
export interface Collected {
  readonly fit: readonly Gram[];
  readonly held: readonly Gram[];
}

export interface CollectOptions {
  readonly calibration: Calibration;
  /** Rows to look at in all, at most; spread over batches and positions. */
  readonly rows: (layer: LinearLayer) => number;
  readonly seed: number;
  readonly threads: { readonly threads?: number };
}

/** Rows that are laid out before their products are taken. */
const BLOCK = 256;

/**
 * Runs the original graph for what the layers gave, and `fed` for what they are given now (the original graph itself: for what they were given, less what
 * the cut takes). `layers` are those of the cut graph.
 */
export async function collect(
  original: Graph,
  fed: Graph,
  cut: ResolvedCut,
  layers: readonly LinearLayer[],
  options: CollectOptions,
): Promise<Collected[]> {
  const { calibration, seed } = options;
  const sums = layers.map(
    ({ groups, features, outputs }): Collected => ({
      fit: Array.from({ length: groups }, () => emptyGram(features, outputs)),
      held: Array.from({ length: groups }, () => emptyGram(features, outputs)),
    }),
  );
  const same = fed === original;
  const [ys, xs] = [layers.map(({ y }) => y), layers.map(({ x }) => x)];
  const open: { readonly close: () => Promise<void> }[] = [];
  const opened = async <T extends (typeof open)[number]>(opening: Promise<T>): Promise<T> => {
    const resource = await opening;
    open.push(resource);
    return resource;
  };
  try {
    const before = await opened(openWatched(original, same ? [...ys, ...xs] : ys, options.threads));
    const after = same ? before : await opened(openWatched(fed, xs, options.threads));
    const adders: GramAdder[] = [];
    for (const layer of layers) adders.push(await opened(openAdder(layer, options.threads)));
    for (const [batch, feeds] of calibration.batches.entries()) {
      const gave = await before.run(feeds);
      const given = same ? gave : await after.run(feeds);
      for (const [i, layer] of layers.entries()) {
        const x = same ? left(cut, layer.x, given(layer.x)) : given(layer.x);
        const y = left(cut, layer.y, gave(layer.y));
        invariant(
          y.shape[layer.axis] === layer.groups * layer.outputs,
          `"${layer.node.name}" has ${layer.groups * layer.outputs} outputs, what is left of the original's is [${y.shape.join()}]`,
        );
        const reader = layer.reader(x.shape, y.shape);
        const quota = Math.ceil(options.rows(layer) / calibration.batches.length);
        const random = seededRandom(seed, `recover/${layer.node.name}/${batch}`);
        const grams = calibration.heldBack(batch) ? sums[i]!.held : sums[i]!.fit;
        const rows = spreadRows(reader.rows, quota, random);
        await addBatch({ grams, adder: adders[i]!, layer, reader, rows }, toFloat32(x), toFloat32(y));
      }
    }
  } finally {
    for (const resource of open) await resource.close();
  }
  return sums;
}

/** What a cut leaves of a value. */
function left(cut: ResolvedCut, value: ValueId, t: Tensor): Tensor {
  const kept = cut.kept.get(value);
  return kept === undefined ? t : compact(t, kept);
}

interface Watched {
  /** Runs the graph; the result reads the watched values. */
  readonly run: (feeds: Feeds) => Promise<(value: ValueId) => Tensor>;
  readonly close: () => Promise<void>;
}

/** A session with the given values as outputs; inputs of the graph are read from the feeds. */
async function openWatched(
  graph: Graph,
  values: readonly ValueId[],
  threads: CollectOptions["threads"],
): Promise<Watched> {
  const computed = [...new Set(values)].filter((id) => !graph.inputs.includes(id));
  const name = (id: ValueId) => valueById(graph, id).name;
  if (computed.length === 0) return { run: async (feeds) => (id) => feeds[name(id)]!, close: async () => {} };
  const builder = editGraph(graph);
  builder.setOutputs(computed);
  const session: OrtSession = await openOrt(builder.build(), { spinning: false, ...threads });
  return {
    run: async (feeds) => {
      const results = await session.run(feeds);
      return (id) => results[name(id)] ?? feeds[name(id)]!;
    },
    close: () => session.close(),
  };
}

interface Adding {
  /** One for each group. */
  readonly grams: readonly Gram[];
  readonly adder: GramAdder;
  readonly layer: LinearLayer;
  readonly reader: RowReader;
  /** Those to look at. */
  readonly rows: Int32Array;
}

/** Adds rows of a batch to each group's sums. */
async function addBatch(
  { grams, adder, layer, reader, rows }: Adding,
  x: Float32Array,
  y: Float32Array,
): Promise<void> {
  const width = layer.features + 1 + layer.outputs;
  const most = Math.min(BLOCK, rows.length);
  const block = new Float64Array(most * width * layer.groups);
  for (let first = 0; first < rows.length; first += BLOCK) {
    const own = rows.subarray(first, first + BLOCK);
    own.forEach((row, r) => {
      reader.seek(row);
      for (let group = 0; group < layer.groups; group++) {
        const at = (group * most + r) * width;
        reader.features(x, group, block, at);
        block[at + layer.features] = 1;
        reader.outputs(y, group, block, at + layer.features + 1);
      }
    });
    for (const [group, gram] of grams.entries())
      await adder.add(gram, block.subarray(group * most * width, (group + 1) * most * width), own.length);
  }
}
