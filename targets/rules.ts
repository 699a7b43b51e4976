import { type DeviceProfile, listWork, unsupported } from "../src/cost/index.ts";
import type { Graph } from "../src/ir/index.ts";
import type { Target, TargetRule } from "./target.ts";

/** Output channels by node, for the nodes that have weights: a product of two activations has heads, which no device pads. */
function channels(graph: Graph, profile: DeviceProfile, target: Target): ReadonlyMap<string, number> {
  const work = listWork(graph, { precision: profile.deploy.precision, fuseResidual: target.fusesResidual });
  return new Map(
    work
      .filter(({ macs, weightBytes }) => macs > 0 && weightBytes > 0)
      .map(({ node, outChannels }) => [node, outChannels]),
  );
}

/** No cut may leave a channel count that the device pads: it would cost accuracy and gain no time. */
export const channelGrain: TargetRule = {
  id: "channel-grain",
  says: "Every channel count that was cut is a multiple of the device's grain",
  check: ({ graph, original, profile, target, grain }) => {
    const before = channels(original, profile, target);
    return [...channels(graph, profile, target)].flatMap(([node, count]) =>
      count === before.get(node) || count % grain === 0
        ? []
        : [{ node, found: `${count} channels, the grain is ${grain}` }],
    );
  },
};

/** An operator that the accelerator hands to its host costs a round trip. */
export const runsOnDevice: TargetRule = {
  id: "runs-on-device",
  says: "Every operator runs on the device itself, none on its host CPU",
  check: ({ graph, profile, target }) =>
    unsupported(
      listWork(graph, { precision: profile.deploy.precision, fuseResidual: target.fusesResidual }),
      profile,
    ).map(({ node, reason }) => ({ node, found: reason })),
};
