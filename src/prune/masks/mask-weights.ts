import { EspalierError, invariant, withContext } from "../../diagnostics/index.ts";
import { type Graph, valueById } from "../../ir/index.ts";
import { editGraph } from "../../ops/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import { checkMask, countZeros } from "./check-mask.ts";
import { chooseGlobally } from "./choose-globally.ts";
import { reasonAgainst } from "./eligible.ts";
import { INPUT_MEMORY, inputPasses, type MatrixLayer } from "./input-passes.ts";
import { type Feeds, gatherInputs, type LayerInputs, sizedGraph } from "./layer-inputs.ts";
import { type LayerMask, maskLayer } from "./mask-layer.ts";
import { type MaskLayer, maskLayers } from "./mask-layers.ts";
import {
  checkRequest,
  type KernelPatterns,
  type MaskCriterion,
  type MaskPattern,
  patternText,
} from "./mask-pattern.ts";
import type { MaskThresholds } from "./maskable-weights.ts";
import { type PatternLibrary, patternLibrary } from "./pattern-library.ts";
import { DAMPING } from "./sparse-gpt.ts";
import { matrixValues } from "./weight-matrix.ts";

/** How `maskWeights` chooses, and what it leaves alone. */
export interface MaskOptions {
  /** Default "magnitude". */
  readonly criterion?: MaskCriterion;
  /** Samples by input name, for the criteria that look at inputs; called once a pass over them. */
  readonly samples?: () => Iterable<Feeds>;
  readonly thresholds?: MaskThresholds;
  /** Why a layer that could be masked stays as it is; null to mask it. */
  readonly exclude?: (layer: MaskLayer) => string | null;
  /** Most bytes that measuring inputs takes at once; default 512 MiB. A layer that alone takes more is left alone, and its row says so. */
  readonly memory?: number;
  /** Share of the mean of the Hessian's diagonal that "sparsegpt" adds to it; default 0.01. */
  readonly damping?: number;
  /** Threads of ONNX Runtime; default all. */
  readonly threads?: number;
  readonly onLayer?: (done: number, layers: number) => void;
}

/** What became of one weight. */
export interface MaskRow {
  readonly node: string;
  readonly op: string;
  readonly weight: string;
  readonly weights: number;
  /** Zeros that the weight holds afterwards. */
  readonly zeros: number;
  readonly eligible: boolean;
  /** Why not, for a weight that was left alone. */
  readonly reason: string | null;
}

/** A graph with zeros where the pattern allows them. */
export interface MaskedWeights {
  readonly graph: Graph;
  /** 0 or 1 for each weight that was masked, float32, by weight name: what `train` takes to keep the zeros. */
  readonly masks: ReadonlyMap<string, Tensor<"float32">>;
  /** Every weight of a convolution, product or recurrent layer. */
  readonly layers: readonly MaskRow[];
}

/**
 * Sets weights to zero in a pattern: what cannot be cut. The least important go by the criterion; "sparsegpt" changes the weights that stay as well. The same graph,
 * samples and thread count give the same bytes. The zeros are never fewer than asked, in each layer that can hold the pattern (or over all, for a global share).
 * @throws EspalierError "usage" for a request that makes no sense, "budget" when no layer can hold the pattern or one would be left without any weight.
 */
export async function maskWeights(
  graph: Graph,
  pattern: MaskPattern,
  options: MaskOptions = {},
): Promise<MaskedWeights> {
  const { criterion = "magnitude", samples } = options;
  checkRequest(pattern, criterion);
  if (criterion !== "magnitude" && samples === undefined)
    throw new EspalierError("usage", `Criterion "${criterion}" looks at the inputs of layers and needs samples`, {
      hint: 'Give samples, or choose the criterion "magnitude".',
    });
  const all = maskLayers(graph);
  const reasons = new Map<string, string>();
  for (const layer of all) {
    const reason = reasonAgainst(layer, pattern, options.thresholds) ?? options.exclude?.(layer) ?? null;
    if (reason !== null) reasons.set(layer.name, reason);
  }
  const layers = all.filter((layer): layer is MatrixLayer => layer.matrix !== null && !reasons.has(layer.name));
  const chosen =
    pattern.kind === "unstructured" && pattern.scope === "global"
      ? chooseGlobally(graph, layers, pattern.sparsity)
      : await chooseByLayer(graph, layers, { pattern, criterion, options, reasons });
  if (chosen.size === 0) throw noneLeft(graph, pattern, all, reasons);
  return masked(graph, pattern, all, { chosen, reasons });
}

function noneLeft(
  graph: Graph,
  pattern: MaskPattern,
  all: readonly MaskLayer[],
  reasons: ReadonlyMap<string, string>,
): EspalierError {
  if (all.length === 0 && graph.nodes.some(({ op }) => op === "DequantizeLinear"))
    return new EspalierError("unsupported", "The weights of the model are quantised, masks need real numbers", {
      hint: "Mask the float model, then quantise: zeros stay zeros.",
    });
  const first = all.find(({ name }) => reasons.has(name));
  const why = first === undefined ? "there is no weight at all" : `"${first.name}": ${reasons.get(first.name)}`;
  return new EspalierError(
    "budget",
    `No layer can hold ${patternText(pattern)}: ${all.length} weights were looked at`,
    {
      hint: `The first one's reason: ${why}.`,
    },
  );
}

interface LayerwiseRequest {
  readonly pattern: MaskPattern;
  readonly criterion: MaskCriterion;
  readonly options: MaskOptions;
  /** Gets the layers that are too large to be measured. */
  readonly reasons: Map<string, string>;
}

async function chooseByLayer(
  graph: Graph,
  layers: readonly MatrixLayer[],
  { pattern, criterion, options, reasons }: LayerwiseRequest,
): Promise<Map<string, LayerMask>> {
  const { samples, memory = INPUT_MEMORY, damping = DAMPING, onLayer } = options;
  const libraries = pattern.kind === "pattern" ? librariesOf(graph, layers, pattern) : null;
  const chosen = new Map<string, LayerMask>();
  const choose = (layer: MatrixLayer, inputs: LayerInputs | null) => {
    const library = libraries?.get(layer.matrix.kernel.join()) ?? null;
    const weight = valueById(graph, layer.value).data!;
    try {
      chosen.set(layer.name, maskLayer(layer, weight, { pattern, criterion, inputs, library, damping }));
    } catch (error) {
      throw withContext(error, `weight "${layer.name}"`);
    }
    onLayer?.(chosen.size, layers.length);
  };
  if (criterion === "magnitude" || layers.length === 0) {
    for (const layer of layers) choose(layer, null);
    return chosen;
  }
  const [first] = samples!();
  if (first === undefined) throw new EspalierError("input", "No samples were given to measure the inputs of layers on");
  const kind = criterion === "wanda" ? "squares" : "products";
  const { passes, tooLarge } = inputPasses(sizedGraph(graph, first), layers, kind, memory);
  const mebibytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
  for (const [name, bytes] of tooLarge)
    reasons.set(name, `measuring its inputs takes ${mebibytes(bytes)}, ${mebibytes(memory)} are allowed`);
  const { threads } = options;
  for (const pass of passes) {
    const inputs = await gatherInputs(graph, pass, samples!(), kind, threads === undefined ? {} : { threads });
    for (const layer of pass) choose(layer, inputs.get(layer.name)!);
  }
  return chosen;
}

/** One library for each window size, from all layers that have it. */
function librariesOf(
  graph: Graph,
  layers: readonly MatrixLayer[],
  pattern: KernelPatterns,
): ReadonlyMap<string, PatternLibrary> {
  const windows = new Set(layers.map(({ matrix }) => matrix.kernel.join()));
  const weights = layers.map(({ matrix, value }) => ({
    matrix,
    values: matrixValues(matrix, valueById(graph, value).data!),
  }));
  return new Map(
    [...windows].map((window) => [
      window,
      patternLibrary(
        weights.filter(({ matrix }) => matrix.kernel.join() === window),
        pattern,
      ),
    ]),
  );
}

function masked(
  graph: Graph,
  pattern: MaskPattern,
  all: readonly MaskLayer[],
  {
    chosen,
    reasons,
  }: { readonly chosen: ReadonlyMap<string, LayerMask>; readonly reasons: ReadonlyMap<string, string> },
): MaskedWeights {
  const builder = editGraph(graph);
  const masks = new Map<string, Tensor<"float32">>();
  for (const { name, value } of all) {
    const mask = chosen.get(name);
    if (mask === undefined) continue;
    builder.setConstant(value, mask.weight);
    masks.set(name, mask.mask);
  }
  const result = builder.build();
  const nodes = new Set(all.filter(({ name }) => chosen.has(name)).map(({ node }) => node.name));
  const { violations } = checkMask(result, pattern, nodes);
  invariant(violations === 0, `a mask of ${patternText(pattern)} breaks its own pattern in ${violations} places`);
  const rows = all.map(
    ({ node, name, size, value }): MaskRow => ({
      node: node.name,
      op: node.op,
      weight: name,
      weights: size,
      zeros: zerosOf(valueById(result, value).data!),
      eligible: chosen.has(name),
      reason: reasons.get(name) ?? null,
    }),
  );
  return { graph: result, masks, layers: rows };
}

function zerosOf(weight: Tensor): number {
  // float16 is stored as bits, and minus zero has one set.
  return weight.dtype === "float16"
    ? countZeros(Array.from(weight.data as Uint16Array, (bits) => bits & 0x7fff))
    : countZeros(weight.data as Float32Array);
}
