import { EspalierError } from "../../diagnostics/index.ts";
import type { Graph } from "../../ir/index.ts";
import { validateGraph } from "../../ops/index.ts";
import { reestimateBatchNorm, type TrainingData } from "../../train/index.ts";
import { resolveCut } from "../cut.ts";
import { type PruneBlock, removeBlocks } from "../depth/index.ts";
import type { Cut, PruneGroups } from "../group-types.ts";
import { cutGraph } from "../rewrite.ts";
import { calibrationOf, type Feeds, isData } from "./calibration.ts";
import { fitLayers, type RecoveredLayer } from "./fit-layers.ts";

/** Ways to bring back what a cut loses, without labels. */
export const RECOVERY_METHODS = ["none", "batch-norm", "bias", "least-squares", "least-squares+batch-norm"] as const;

/** The name of a way. */
export type RecoveryMethod = (typeof RECOVERY_METHODS)[number];

/** How a cut graph is recovered. */
export interface RecoverOptions {
  readonly method: RecoveryMethod;
  /** Samples that layers are fitted to and judged by; default 256. */
  readonly samples?: number;
  /** Share of the mean square of a layer's inputs that holds its weights to what they were; default 1e-3. */
  readonly ridge?: number;
  /**
   * True (default): layers are fitted in graph order to what they are given in the cut graph, after the layers before them were fitted, and so are linear
   * layers that only lie behind (He et al. 2017). False: each to what it was given in the original graph, less the units that go (Luo et al. 2017).
   */
  readonly sequential?: boolean;
  /** Whole blocks that go too (`findBlocks`); layers behind them are fitted only in sequence. */
  readonly blocks?: readonly PruneBlock[];
  /** Whether a layer without a bias may get one; default true. */
  readonly addBias?: boolean;
  /** Output positions that are looked at in a layer, at most; default 8 for each of its inputs and kernel positions, at least 4096. */
  readonly rows?: number;
  /** Bytes that the sums of products of a layer may take; default 512 MiB. A larger layer is left alone. */
  readonly memory?: number;
  /** Which samples and positions; default 0. */
  readonly seed?: number;
  readonly threads?: number;
}

/** A recovered graph, and what became of each layer. */
export interface Recovered {
  readonly graph: Graph;
  /** In graph order; empty for methods that fit no layer. */
  readonly layers: readonly RecoveredLayer[];
}

/**
 * Cuts a graph and brings back what that loses, without labels. A fit is kept for a layer only where it makes less error on samples that are held back.
 * "bias": what cut units added on average goes into the biases of what reads them: exact for a unit that is constant (but at the border of a
 * convolution with padding, where the mean over all positions is taken). "least-squares": weights and biases of what reads cut units are solved for.
 * "batch-norm": running statistics are measured anew; with "least-squares" layer by layer, so that later layers are fitted to what they then see.
 * The shapes are those of `cutGraph` (and `removeBlocks`); the result is validated.
 * @throws EspalierError "usage" for a method that does not exist, and for a batch-norm method without a data set.
 */
export async function recover(
  original: Graph,
  groups: PruneGroups,
  cut: Cut,
  data: TrainingData | readonly Feeds[],
  options: RecoverOptions,
): Promise<Recovered> {
  const { method, samples = 256, seed = 0 } = options;
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  if (!RECOVERY_METHODS.includes(method))
    throw new EspalierError("usage", `There is no way "${method}" to recover a graph`, {
      hint: `Choose one of ${RECOVERY_METHODS.join(", ")}.`,
    });
  for (const [name, value] of Object.entries({ samples, ridge: options.ridge ?? 0 }))
    if (!(value >= 0)) throw new EspalierError("usage", `The ${name} of a recovery must be at least 0, got ${value}`);
  const { blocks = [] } = options;
  let graph = removeBlocks(cutGraph(original, groups, cut), blocks);
  let layers: readonly RecoveredLayer[] = [];
  const fits = method.startsWith("bias") ? "bias" : method.startsWith("least-squares") ? "least-squares" : null;
  if (fits !== null && cut.size + blocks.length > 0) {
    const calibration = calibrationOf(original, data, samples, seed);
    const { ridge = 1e-3, sequential = true, addBias = true, memory = 2 ** 29, rows } = options;
    ({ graph, layers } = await fitLayers(graph, {
      ...{ original, groups, cut: resolveCut(groups, cut), calibration, sequential, memory, seed, threads },
      ...(rows === undefined ? {} : { rows }),
      refit: { what: fits, ridge, addBias, variance: method === "least-squares+batch-norm" },
    }));
    validateGraph(graph);
  }
  if (method === "batch-norm") {
    if (!isData(data))
      throw new EspalierError("usage", "Batch normalisation is measured on a data set, batches of feeds were given", {
        hint: "Give a data set, or a method without batch-norm.",
      });
    const batch = Math.min(64, samples, data.length);
    const batches = Math.max(1, Math.floor(samples / batch));
    graph = await reestimateBatchNorm(graph, data, { batches, batch, seed, ...threads });
  }
  return { graph, layers };
}
