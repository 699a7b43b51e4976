import type { Graph, ValueId } from "../../src/ir/index.ts";
import { Net } from "./net.ts";

/** Down, up by transposed convolution, joined to the maps of the way down (Ronneberger et al. 2015). */
export function unet(): Graph {
  const n = new Net("unet");
  const pair = (x: ValueId, width: number) => n.conv(n.conv(x, width), width);
  const skips: ValueId[] = [];
  let x = n.image(16);
  for (const width of [6, 8, 12]) {
    x = pair(x, width);
    skips.push(x);
    x = n.maxPool(x);
  }
  x = pair(x, 16);
  for (const width of [12, 8, 6]) {
    const label = n.label("up");
    const weights = [
      n.weight(`${label}.w`, [n.channels(x), width, 2, 2], n.channels(x)),
      n.weight(`${label}.b`, [width], 100),
    ];
    const up = n.node("ConvTranspose", [x, ...weights], { strides: [2, 2] });
    x = pair(n.concat(1, skips.pop()!, up), width);
  }
  return n.done(n.conv(x, 2, { kernel: 1, norm: false, act: null }));
}

/** Dilated branches, a pooled branch resized back, a decoder over an early map (Chen et al. 2017). */
export function deeplabV3(): Graph {
  const n = new Net("deeplab_v3");
  const early = n.conv(n.image(16), 8);
  let x = n.conv(early, 12, { stride: 2 });
  x = n.add(x, n.conv(n.conv(x, 12, { dilation: 2 }), 12, { dilation: 2 }));
  const pooled = n.conv(n.node("GlobalAveragePool", [x]), 6, { kernel: 1 });
  const branches = [1, 2, 3].map((dilation) => n.conv(x, 6, { dilation }));
  const joined = n.concat(1, n.conv(x, 6, { kernel: 1 }), ...branches, n.resize(pooled, 8));
  const up = n.resize(n.conv(joined, 12, { kernel: 1 }), 2);
  const merged = n.conv(n.concat(1, up, n.conv(early, 4, { kernel: 1 })), 12);
  return n.done(n.conv(merged, 3, { kernel: 1, norm: false, act: null }));
}

/** Boxes and classes from maps of several scales, flattened and concatenated (Liu et al. 2016). */
export function ssdHead(): Graph {
  const n = new Net("ssd");
  const anchors = 2;
  let x = n.conv(n.conv(n.image(16), 8, { stride: 2 }), 12);
  const rows = (y: ValueId, width: number) => {
    const [, , h, w] = n.shape(y) as [number, number, number, number];
    return n.reshape(n.transpose(y, 0, 2, 3, 1), 0, h * w * anchors, width);
  };
  const boxes: ValueId[] = [];
  const classes: ValueId[] = [];
  for (let scale = 0; scale < 3; scale++) {
    boxes.push(rows(n.conv(x, anchors * 4, { norm: false, act: null }), 4));
    classes.push(rows(n.conv(x, anchors * 3, { norm: false, act: null }), 3));
    x = n.conv(n.conv(x, 8, { kernel: 1 }), 16, { stride: 2 });
  }
  return n.done(n.concat(1, ...boxes), n.node("Softmax", [n.concat(1, ...classes)], { axis: -1 }));
}

/** Split in halves, a chain of bottlenecks, all of them concatenated; pooled pyramid and an upsampled neck. */
export function yoloC2f(): Graph {
  const n = new Net("yolo_c2f");
  const act = "Silu";
  const conv = (x: ValueId, out: number, kernel = 3, stride = 1) => n.conv(x, out, { kernel, stride, act });
  const c2f = (x: ValueId, out: number, depth: number, residual: boolean) => {
    const half = out / 2;
    const kept = n.parts(conv(x, out, 1), 1, half, half);
    for (let i = 0; i < depth; i++) {
      const last = kept[kept.length - 1]!;
      const y = conv(conv(last, half), half);
      kept.push(residual ? n.add(last, y) : y);
    }
    return conv(n.concat(1, ...kept), out, 1);
  };
  const shallow = c2f(conv(n.image(16), 12, 3, 2), 12, 2, true);
  let deep = c2f(conv(shallow, 16, 3, 2), 16, 1, true);
  const squeezed = conv(deep, 8, 1);
  const once = n.maxPool(squeezed, 5, 1);
  deep = conv(n.concat(1, squeezed, once, n.maxPool(once, 5, 1)), 16, 1);
  const neck = c2f(n.concat(1, n.resize(deep, 2), shallow), 12, 1, false);
  const last = (x: ValueId, out: number) => n.conv(conv(x, 8), out, { kernel: 1, norm: false, act: null });
  const flat = (x: ValueId) => n.reshape(n.concat(1, last(x, 8), last(x, 3)), 0, 11, -1);
  return n.done(n.concat(2, flat(neck), flat(c2f(deep, 16, 1, false))));
}

/** Branches of three resolutions that exchange sums with one another (Sun et al. 2019). */
export function hrnet(): Graph {
  const n = new Net("hrnet");
  const widths = [6, 10, 14];
  const block = (x: ValueId) => n.act("Relu", n.add(x, n.conv(n.conv(x, n.channels(x)), n.channels(x), { act: null })));
  const fuse = (branches: readonly ValueId[], count: number) =>
    Array.from({ length: count }, (_, to) => {
      const terms = branches.map((branch, from) => {
        if (from === to) return branch;
        if (from > to) return n.resize(n.conv(branch, widths[to]!, { kernel: 1, act: null }), 2 ** (from - to));
        let y = branch;
        for (let step = from; step < to; step++) {
          const last = step === to - 1;
          y = n.conv(y, last ? widths[to]! : n.channels(y), { stride: 2, act: last ? null : "Relu" });
        }
        return y;
      });
      return n.act(
        "Relu",
        terms.reduce((a, b) => n.add(a, b)),
      );
    });
  let branches: ValueId[] = [n.conv(n.image(16), widths[0]!, { stride: 2 })];
  for (const count of [2, 3, 3]) branches = fuse(branches.map(block), count);
  const [high, middle, low] = branches as [ValueId, ValueId, ValueId];
  const joined = n.concat(1, high, n.resize(middle, 2), n.resize(low, 4));
  return n.done(n.conv(n.conv(joined, 16, { kernel: 1 }), 3, { kernel: 1, norm: false, act: null }));
}
