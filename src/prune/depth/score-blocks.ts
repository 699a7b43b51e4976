import { EspalierError } from "../../diagnostics/index.ts";
import { type Graph, type ValueId, valueById } from "../../ir/index.ts";
import { editGraph } from "../../ops/index.ts";
import { openOrt } from "../../runtimes/index.ts";
import { type Tensor, toFloat32 } from "../../tensor/index.ts";
import { evaluate, reestimateBatchNorm, type TrainingData } from "../../train/index.ts";
import { dataBatches } from "../observe-units.ts";
import type { PruneBlock } from "./block-types.ts";
import { removeBlocks } from "./remove-blocks.ts";

/** How blocks are scored, and on how many samples. */
export interface BlockScoreOptions {
  /**
   * "influence" (default): 1 - mean cosine of what enters and what leaves a block, one run for all blocks. "loss": rise of the loss when the block
   * alone is removed, one measurement a block, batch-norm statistics measured anew.
   */
  readonly by?: "influence" | "loss";
  /** Samples that are run; default 256. */
  readonly samples?: number;
  readonly threads?: number;
}

/**
 * How much each block matters, by id: higher matters more. Block influence after Men et al. 2024 (ShortGPT, equation 1): cosines of the vectors of
 * each token where values are [batch, tokens, features], of each sample's whole value otherwise.
 */
export async function scoreBlocks(
  graph: Graph,
  blocks: readonly PruneBlock[],
  data: TrainingData,
  options: BlockScoreOptions = {},
): Promise<Map<number, number>> {
  if (blocks.length === 0) return new Map();
  const samples = Math.min(options.samples ?? 256, data.length);
  if (samples < 1) throw new EspalierError("input", "Scoring blocks needs at least one sample, got none");
  return options.by === "loss"
    ? lossesWithout(graph, blocks, data, samples, options)
    : influences(graph, blocks, data, samples, options);
}

async function lossesWithout(
  graph: Graph,
  blocks: readonly PruneBlock[],
  data: TrainingData,
  samples: number,
  options: BlockScoreOptions,
): Promise<Map<number, number>> {
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const judged = firstOf(data, samples);
  const whole = await evaluate(graph, judged, threads);
  const scores = new Map<number, number>();
  for (const block of blocks) {
    const left = await reestimateBatchNorm(removeBlocks(graph, [block]), data, threads);
    scores.set(block.id, (await evaluate(left, judged, threads)).loss - whole.loss);
  }
  return scores;
}

function firstOf(data: TrainingData, samples: number): TrainingData {
  return samples >= data.length ? data : { ...data, length: samples, labels: data.labels.subarray(0, samples) };
}

async function influences(
  graph: Graph,
  blocks: readonly PruneBlock[],
  data: TrainingData,
  samples: number,
  options: BlockScoreOptions,
): Promise<Map<number, number>> {
  const watched = [...new Set(blocks.flatMap(({ input, output }) => [input, output]))];
  const builder = editGraph(graph);
  builder.setOutputs(watched.filter((id) => !graph.inputs.includes(id)));
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const session = await openOrt(builder.build(), { spinning: false, ...threads });
  const sums = blocks.map(() => ({ total: 0, count: 0 }));
  try {
    for (const { feeds } of dataBatches(graph, data, samples)) {
      const results = { ...feeds, ...(await session.run(feeds)) };
      const at = (id: ValueId) => results[valueById(graph, id).name]!;
      blocks.forEach(({ input, output }, i) => {
        for (const cosine of cosines(at(input), at(output))) {
          sums[i]!.total += cosine;
          sums[i]!.count++;
        }
      });
    }
  } finally {
    await session.close();
  }
  return new Map(blocks.map(({ id }, i) => [id, 1 - sums[i]!.total / Math.max(1, sums[i]!.count)]));
}

/** The cosine of each token, or of each sample, of two values of one shape; 1 for two zero vectors and 0 for one. */
function cosines(a: Tensor, b: Tensor): number[] {
  const { shape } = a;
  const rows = shape.length === 3 ? shape[0]! * shape[1]! : (shape[0] ?? 1);
  const [x, y] = [toFloat32(a), toFloat32(b)];
  const width = x.length / rows;
  return Array.from({ length: rows }, (_, row) => {
    let [xx, yy, xy] = [0, 0, 0];
    for (let i = row * width; i < (row + 1) * width; i++) {
      xx += x[i]! * x[i]!;
      yy += y[i]! * y[i]!;
      xy += x[i]! * y[i]!;
    }
    if (xx === 0 || yy === 0) return xx === yy ? 1 : 0;
    return xy / Math.sqrt(xx * yy);
  });
}
