import { CONTRACTED, type CouplingContext, OPAQUE } from "./coupling-rule.ts";

/**
 * Dense: input channels against the weight's input axis. Depthwise: channel by channel. In groups: see `groupedConvolution`. The number
 * of groups follows the cut.
 */
function coupleWeight(c: CouplingContext<{ readonly group: number }>, transposed: boolean): void {
  const { group } = c.facts.attrs;
  const x = c.facts.shape(0);
  const spatial = x.slice(2).map(() => OPAQUE);
  if (group === 1) {
    const weight = transposed ? [CONTRACTED, 1, ...spatial] : [1, CONTRACTED, ...spatial];
    const bias = c.facts.has(2) ? [{ input: 2, axes: [1] }] : [];
    c.contract({ input: 0, axes: [0, CONTRACTED, ...spatial] }, { input: 1, axes: weight }, bias);
    return;
  }
  const width = (x[1] as number) / group;
  if (width === 1 && c.outputShape()[1] === group) {
    const bias = c.facts.has(2) ? [{ input: 2, axes: [1] }] : [];
    c.join([{ input: 0, axes: [0, 1, ...spatial] }, { input: 1, axes: [1, OPAQUE, ...spatial] }, ...bias]);
  } else c.groupedConvolution(group, transposed);
  c.onCut((view) => ({
    attrs: { group: new Set(view.inputKept(0, 1).map((channel) => Math.floor(channel / width))).size },
  }));
}

export function coupleConv(c: CouplingContext<{ readonly group: number }>): void {
  coupleWeight(c, false);
}

export function coupleConvTranspose(c: CouplingContext<{ readonly group: number }>): void {
  coupleWeight(c, true);
}

/** Samples are taken alike in all channels; with several groups, of channels or of offsets, which channels share an offset would change. */
export function coupleDeformConv(c: CouplingContext<{ readonly group: number; readonly offset_group: number }>): void {
  for (const input of [2, 4]) if (c.facts.has(input)) c.freeze(input, "mixed");
  if (c.facts.attrs.group > 1 || c.facts.attrs.offset_group > 1) {
    for (const input of [0, 1, 3]) if (c.facts.has(input)) c.freeze(input, "shared-blocks");
    return;
  }
  const bias = c.facts.has(3) ? [{ input: 3, axes: [1] }] : [];
  c.contract(
    { input: 0, axes: [0, CONTRACTED, OPAQUE, OPAQUE] },
    { input: 1, axes: [1, CONTRACTED, OPAQUE, OPAQUE] },
    bias,
  );
}
