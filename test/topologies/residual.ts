import type { Graph, ValueId } from "../../src/ir/index.ts";
import { type ConvOptions, Net } from "./net.ts";

interface Bottleneck {
  readonly width: number;
  readonly out: number;
  readonly stride?: number;
  readonly group?: number;
  readonly gate?: number;
}

/** 1x1, 3x3 (perhaps in groups), 1x1, joined to the input or to a projection of it (He et al. 2016). */
function bottleneck(n: Net, x: ValueId, { width, out, stride = 1, group = 1, gate = 0 }: Bottleneck): ValueId {
  let y = n.conv(n.conv(x, width, { kernel: 1 }), width, { stride, group });
  if (gate > 0) y = n.gate(y, gate);
  y = n.conv(y, out, { kernel: 1, act: null });
  const same = stride === 1 && n.channels(x) === out;
  return n.act("Relu", n.add(y, same ? x : n.conv(x, out, { kernel: 1, stride, act: null })));
}

function stages(name: string, stem: ConvOptions, blocks: readonly Bottleneck[]): Graph {
  const n = new Net(name);
  let x = n.conv(n.image(16), 8, stem);
  for (const block of blocks) x = bottleneck(n, x, block);
  return n.head(x);
}

/** Bottleneck residual blocks. */
export function resnet(): Graph {
  const block = { width: 6, out: 16 };
  const wide = { width: 10, out: 24 };
  return stages("resnet", {}, [block, block, { ...wide, stride: 2 }, wide]);
}

/** Bottlenecks of grouped convolutions (Xie et al. 2017). */
export function resnext(): Graph {
  const block = { width: 12, out: 16, group: 3 };
  const wide = { width: 24, out: 32, group: 4 };
  return stages("resnext", {}, [block, block, { ...wide, stride: 2 }, wide]);
}

/** Groups of constant width and squeeze-and-excite (Radosavovic et al. 2020). */
export function regnet(): Graph {
  const block = { width: 12, out: 12, group: 3, gate: 4 };
  const wide = { width: 24, out: 24, group: 6, gate: 6 };
  return stages("regnet", { stride: 2 }, [block, block, { ...wide, stride: 2 }, wide]);
}
