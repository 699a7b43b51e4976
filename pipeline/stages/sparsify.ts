import { isSparse24Eligible, listWork } from "../../src/cost/index.ts";
import { type Graph, valueById } from "../../src/ir/index.ts";
import { checkNofM, type MaskableWeight, maskableWeights, maskSamples, maskWeights } from "../../src/prune/index.ts";
import { type Tensor, toNumbers } from "../../src/tensor/index.ts";
import type { TrainingData } from "../../src/train/index.ts";
import type { DeployConfig } from "../config.ts";

/** A layer as far as N:M sparsity is concerned. */
export interface SparseLayer {
  readonly node: string;
  readonly eligible: boolean;
  /** Why not, for a layer that is not eligible. */
  readonly reason: string | null;
  /** Whether every run of the weights obeys the pattern. */
  readonly valid: boolean;
  readonly zeros: number;
  readonly weights: number;
}

/** The weights that will hold the pattern: those that can, in layers where sparse kernels win on the device. */
export function eligibleWeights(graph: Graph, config: Pick<DeployConfig, "target" | "profile">): MaskableWeight[] {
  const { profile, target } = config;
  if (target.sparsity === null || profile.class !== "gpu") return [];
  const { batch, precision } = profile.deploy;
  const work = new Map(
    listWork(graph, { precision, fuseResidual: target.fusesResidual }).map((layer) => [layer.node, layer]),
  );
  return maskableWeights(graph, { m: target.sparsity.m }).filter(({ node }) =>
    isSparse24Eligible(work.get(node.name)!, profile, batch, precision),
  );
}

/** Names of the nodes whose weights will hold the pattern. */
export function sparseNodes(config: DeployConfig): (graph: Graph) => ReadonlySet<string> {
  return (graph) => new Set(eligibleWeights(graph, config).map(({ node }) => node.name));
}

/** The graph with its eligible weights masked, and the masks (0 or 1, float32) by weight name for training. Criteria that look at inputs see the first samples of `data`. */
export async function sparsify(
  graph: Graph,
  config: DeployConfig,
  data: TrainingData,
): Promise<{ readonly graph: Graph; readonly masks: ReadonlyMap<string, Tensor> }> {
  const { n, m } = config.target.sparsity!;
  const eligible = sparseNodes(config)(graph);
  if (eligible.size === 0) return { graph, masks: new Map() };
  return maskWeights(
    graph,
    { kind: "n-of-m", n, m },
    {
      criterion: config.sparsityCriterion,
      samples: maskSamples(graph, data),
      exclude: ({ node }) => (eligible.has(node.name) ? null : "sparse kernels do not win"),
    },
  );
}

/** Every layer with a weight: whether the pattern was asked of it, why not, and whether its emitted weights obey. */
export function sparsityOf(graph: Graph, config: DeployConfig): SparseLayer[] {
  const { n, m } = config.target.sparsity!;
  const eligible = new Map(eligibleWeights(graph, config).map((weight) => [weight.node.name, weight]));
  const maskable = new Map(maskableWeights(graph, { m }).map((weight) => [weight.node.name, weight]));
  return graph.nodes.flatMap((node): SparseLayer[] => {
    const id = node.op === "Conv" || node.op === "Gemm" || node.op === "MatMul" ? node.inputs[1] : null;
    const data = id === null || id === undefined ? undefined : valueById(graph, id).data;
    if (data === undefined) return [];
    let zeros = 0;
    for (const value of toNumbers(data)) if (value === 0) zeros++;
    const found = maskable.get(node.name);
    const reason = eligible.has(node.name)
      ? null
      : found === undefined
        ? `its contracted axis is no multiple of ${m}, or it is grouped`
        : `sparse kernels do not win at ${found.depth} x ${found.outputs} (contracted x outputs)`;
    return [
      {
        node: node.name,
        eligible: eligible.has(node.name),
        reason,
        valid: found !== undefined && checkNofM(data, found.axis, n, m) === 0,
        zeros,
        weights: data.data.length,
      },
    ];
  });
}
