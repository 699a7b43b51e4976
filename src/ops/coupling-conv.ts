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
