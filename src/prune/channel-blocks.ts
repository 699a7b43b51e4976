import type { Node } from "../ir/index.ts";
import type { Coupling } from "./coupling.ts";
import { supportOf } from "./family.ts";

/**
 * Channels rearranged with the pixels (DepthToSpace and its kin): channel j of the result is made of the channels `sources[j]` of input 0, which
 * go together. The batch passes; all other axes mix.
 */
export function channelBlocks(coupling: Coupling, node: Node, sources: readonly (readonly number[])[]): void {
  const input = node.inputs[0]!;
  const shape = coupling.shapeOf(input);
  coupling.pinAxes(
    input,
    "mixed",
    shape.flatMap((_, axis) => (axis > 1 ? [axis] : [])),
  );
  const rank = coupling.shapeOf(node.outputs[0]!).length;
  const passing = coupling.familiesOf(input).flatMap((family) => {
    const support = supportOf(family);
    if (support.some((axis) => axis > 1)) return [];
    if (support.length > 1) {
      coupling.freezeFamily(family, "mixed");
      return [];
    }
    const size = new Array<number>(rank).fill(1);
    if (support[0] === 0) return [{ shape: size.with(0, family.ids.length), ids: family.ids }];
    const ids = sources.map((channels) => {
      for (const channel of channels) coupling.ids.union(family.ids[channels[0]!]!, family.ids[channel]!);
      return family.ids[channels[0]!]!;
    });
    return [{ shape: size.with(1, ids.length), ids: Int32Array.from(ids) }];
  });
  coupling.setOutput(node.outputs[0]!, passing);
}
