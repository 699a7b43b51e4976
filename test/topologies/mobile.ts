import type { Graph, ValueId } from "../../src/ir/index.ts";
import { Net } from "./net.ts";

interface Inverted {
  readonly out: number;
  readonly factor: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly act?: string;
  readonly gate?: string;
}

/** Expand, filter each channel, gate, project (Sandler et al. 2018; Howard et al. 2019). */
function inverted(n: Net, x: ValueId, block: Inverted): ValueId {
  const { out, factor, kernel = 3, stride = 1, act = "Relu", gate } = block;
  const own = n.channels(x);
  let y = factor === 1 ? x : n.conv(x, own * factor, { kernel: 1, act });
  y = n.depthwise(y, { kernel, stride, act });
  if (gate !== undefined) y = n.gate(y, Math.max(2, own / 2), act === "Silu" ? "Silu" : "Relu", gate);
  y = n.conv(y, out, { kernel: 1, act: null });
  return stride === 1 && own === out ? n.add(x, y) : y;
}

function chain(name: string, act: string, blocks: readonly Inverted[], last: number): Graph {
  const n = new Net(name);
  let x = n.conv(n.image(16), 8, { stride: 2, act });
  for (const block of blocks) x = inverted(n, x, { act, ...block });
  return n.head(n.conv(x, last, { kernel: 1, act }));
}

/** Hard swish, gates of hard sigmoid, kernels of 3 and 5 (Howard et al. 2019). */
export function mobilenetV3(): Graph {
  const gate = "HardSigmoid";
  const blocks = [
    { out: 8, factor: 1, act: "Relu", gate },
    { out: 10, factor: 3, stride: 2, act: "Relu" },
    { out: 10, factor: 3, act: "Relu" },
    { out: 12, factor: 4, kernel: 5, gate },
    { out: 12, factor: 4, kernel: 5, gate },
  ];
  return chain("mobilenet_v3", "HardSwish", blocks, 32);
}

/** Searched mixture of kernels and gates (Tan et al. 2019). */
export function mnasnet(): Graph {
  const gate = "Sigmoid";
  const blocks = [
    { out: 6, factor: 1 },
    { out: 8, factor: 3, stride: 2 },
    { out: 8, factor: 3, gate },
    { out: 10, factor: 6, kernel: 5 },
    { out: 10, factor: 6, gate },
  ];
  return chain("mnasnet", "Relu", blocks, 24);
}

/** SiLU and a gate in every block (Tan and Le 2019). */
export function efficientnet(): Graph {
  const gate = "Sigmoid";
  const blocks = [
    { out: 6, factor: 1, gate },
    { out: 8, factor: 6, stride: 2, gate },
    { out: 8, factor: 6, gate },
    { out: 12, factor: 6, kernel: 5, gate },
    { out: 12, factor: 6, kernel: 5, gate },
  ];
  return chain("efficientnet", "Silu", blocks, 32);
}

function shuffle(n: Net, x: ValueId, groups: number): ValueId {
  const [, c, h, w] = n.shape(x) as [number, number, number, number];
  return n.reshape(n.transpose(n.reshape(x, 0, groups, c / groups, h, w), 0, 2, 1, 3, 4), 0, c, h, w);
}

/** Half of the channels pass, the other half is worked on, then they are shuffled (Ma et al. 2018). */
export function shufflenetV2(): Graph {
  const n = new Net("shufflenet_v2");
  const work = (x: ValueId, width: number, stride: number) => {
    const y = n.depthwise(n.conv(x, width, { kernel: 1 }), { stride, act: null });
    return n.conv(y, width, { kernel: 1 });
  };
  let x = n.conv(n.image(16), 8, { stride: 2 });
  for (const width of [8, 12]) {
    const aside = n.conv(n.depthwise(x, { stride: 2, act: null }), width, { kernel: 1 });
    x = shuffle(n, n.concat(1, aside, work(x, width, 2)), 2);
    for (let i = 0; i < 2; i++) {
      const [left, right] = n.parts(x, 1, width, width) as [ValueId, ValueId];
      x = shuffle(n, n.concat(1, left, work(right, width, 1)), 2);
    }
  }
  return n.head(n.conv(x, 32, { kernel: 1 }));
}

/** Half of the maps are made from the other half by a cheap depthwise convolution (Han et al. 2020). */
export function ghostnet(): Graph {
  const n = new Net("ghostnet");
  const ghost = (x: ValueId, out: number, act: string | null) => {
    const primary = n.conv(x, Math.ceil(out / 2), { kernel: 1, act });
    const both = n.concat(1, primary, n.depthwise(primary, { act }));
    return n.node("Slice", [both, n.ints(0), n.ints(out), n.ints(1)]);
  };
  let x = n.conv(n.image(16), 8, { stride: 2 });
  for (const [wide, out, stride] of [
    [16, 8, 1],
    [24, 12, 2],
    [30, 12, 1],
    [30, 11, 1],
  ] as const) {
    let y = ghost(x, wide, "Relu");
    if (stride === 2) y = n.depthwise(y, { stride, act: null });
    y = ghost(n.gate(y, 4, "Relu", "HardSigmoid"), out, null);
    const same = stride === 1 && n.channels(x) === out;
    x = n.add(y, same ? x : n.conv(n.depthwise(x, { stride, act: null }), out, { kernel: 1, act: null }));
  }
  return n.head(n.conv(x, 32, { kernel: 1 }));
}
