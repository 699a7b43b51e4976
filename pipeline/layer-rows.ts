import { type LatencyBreakdown, type LayerWork, listWork } from "../src/cost/index.ts";
import type { ReportFacts } from "../src/report/index.ts";
import type { Outcome } from "./outcome.ts";

/** Share of the predicted time by node. */
function shares(breakdown: LatencyBreakdown | null): ReadonlyMap<string, number> {
  if (breakdown === null || breakdown.workSeconds === 0) return new Map();
  const time = (seconds: LatencyBreakdown["nodes"][number]["seconds"]) =>
    seconds.compute + seconds.weights + seconds.activations + seconds.fallback;
  return new Map(breakdown.nodes.map(({ node, seconds }) => [node, time(seconds) / breakdown.workSeconds]));
}

/** One row a node with weights or arithmetic: what it was and what is left of it. */
export function layerRows({ model, graph, config, costs }: Outcome): ReportFacts["layers"] {
  const options = { precision: config.profile.deploy.precision, fuseResidual: config.target.fusesResidual };
  const after = new Map(listWork(graph, options).map((layer) => [layer.node, layer]));
  const before = listWork(model.graph, { ...options, precision: "float32" });
  const [shareBefore, shareAfter] = [shares(costs.original.latency), shares(costs.artifact.latency)];
  return before
    .filter((layer) => layer.macs > 0)
    .map((layer) => {
      const left: LayerWork | undefined = after.get(layer.node);
      const [was, is] = [shareBefore.get(layer.node), shareAfter.get(layer.node)];
      return {
        node: layer.node,
        op: layer.op,
        channelsBefore: layer.outChannels,
        channelsAfter: left?.outChannels ?? 0,
        macsBefore: layer.macs,
        macsAfter: left?.macs ?? 0,
        bytesBefore: layer.weightBytes,
        bytesAfter: left?.weightBytes ?? 0,
        ...(was === undefined ? {} : { latencyShareBefore: was }),
        ...(is === undefined ? {} : { latencyShareAfter: is }),
      };
    });
}
