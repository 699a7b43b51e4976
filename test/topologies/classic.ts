import type { Graph, ValueId } from "../../src/ir/index.ts";
import { Net } from "./net.ts";

/** Convolutions in stages, flattened into three fully connected layers (Simonyan and Zisserman 2015). */
export function vgg(): Graph {
  const n = new Net("vgg");
  let x = n.image(16);
  for (const [width, depth] of [
    [6, 2],
    [8, 2],
    [12, 2],
  ] as const) {
    for (let i = 0; i < depth; i++) x = n.conv(x, width, { norm: false });
    x = n.maxPool(x);
  }
  let y = n.node("Flatten", [x]);
  for (const width of [20, 16]) y = n.act("Relu", n.classifier(y, width));
  return n.done(n.classifier(y));
}

/** Every layer reads all maps before it (Huang et al. 2017). */
export function densenet(): Graph {
  const n = new Net("densenet");
  let x = n.conv(n.image(16), 8);
  for (let block = 0; block < 3; block++) {
    for (let layer = 0; layer < 3; layer++) {
      const bottleneck = n.conv(n.act("Relu", n.batchNorm(x)), 12, { kernel: 1 });
      x = n.concat(1, x, n.conv(bottleneck, 4, { norm: false, act: null }));
    }
    if (block === 2) break;
    x = n.conv(n.act("Relu", n.batchNorm(x)), n.channels(x) / 2, { kernel: 1, norm: false, act: null });
    x = n.node("AveragePool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
  }
  return n.head(n.act("Relu", n.batchNorm(x)));
}

function inception(n: Net, x: ValueId, w: number): ValueId {
  const point = (y: ValueId, out: number) => n.conv(y, out, { kernel: 1 });
  return n.concat(
    1,
    point(x, 2 * w),
    n.conv(point(x, w), 2 * w),
    n.conv(point(x, w), w, { kernel: 5 }),
    point(n.maxPool(x, 3, 1), w),
  );
}

/** Four branches of other kernels, concatenated; an auxiliary classifier as second output (Szegedy et al. 2015). */
export function googlenet(): Graph {
  const n = new Net("googlenet");
  let x = n.maxPool(n.conv(n.image(16), 8), 2);
  x = inception(n, x, 4);
  x = inception(n, x, 5);
  const pooled = n.node("AveragePool", [x], { kernel_shape: [4, 4], strides: [4, 4] });
  const side = n.classifier(n.node("Flatten", [n.conv(pooled, 6, { kernel: 1 })]));
  x = inception(n, n.maxPool(x), 6);
  const main = n.classifier(n.node("Flatten", [n.node("GlobalAveragePool", [x])]));
  return n.done(main, side);
}

/** A convolution of unequal sides. */
function oblong(n: Net, x: ValueId, out: number, height: number, width: number): ValueId {
  const label = n.label("oblong");
  const own = n.channels(x);
  const w = n.weight(`${label}.w`, [out, own, height, width], own * height * width);
  const pads = [(height - 1) / 2, (width - 1) / 2, (height - 1) / 2, (width - 1) / 2];
  return n.act("Relu", n.batchNorm(n.node("Conv", [x, w], { pads })));
}

/** Factored kernels (1 x 7, 7 x 1), a reduction by concatenation, branches that branch (Szegedy et al. 2016). */
export function inceptionV3(): Graph {
  const n = new Net("inception_v3");
  const point = (y: ValueId, out: number) => n.conv(y, out, { kernel: 1 });
  let x = n.conv(n.conv(n.image(16), 6, { stride: 2 }), 8);
  x = n.concat(1, point(x, 4), n.conv(point(x, 4), 4, { kernel: 5 }), n.conv(n.conv(point(x, 4), 6), 6));
  x = n.concat(1, n.conv(x, 8, { stride: 2 }), n.conv(n.conv(point(x, 4), 6), 6, { stride: 2 }), n.maxPool(x, 3, 2));
  const far = oblong(n, oblong(n, point(x, 5), 5, 1, 7), 8, 7, 1);
  const average = n.node("AveragePool", [x], {
    kernel_shape: [3, 3],
    pads: [1, 1, 1, 1],
    strides: [1, 1],
    count_include_pad: 1,
  });
  x = n.concat(1, point(x, 8), far, point(average, 6));
  const stem = point(x, 8);
  x = n.concat(1, point(x, 8), oblong(n, stem, 6, 1, 3), oblong(n, stem, 6, 3, 1));
  return n.head(x);
}

/** Squeeze to few channels, expand by two branches; the classifier is a convolution (Iandola et al. 2016). */
export function squeezenet(): Graph {
  const n = new Net("squeezenet");
  let x = n.maxPool(n.conv(n.image(16), 8, { norm: false }));
  for (const width of [4, 4, 6, 6]) {
    const squeezed = n.conv(x, width, { kernel: 1, norm: false });
    const wide = (kernel: number) => n.conv(squeezed, 2 * width, { kernel, norm: false });
    x = n.concat(1, wide(1), wide(3));
  }
  const maps = n.conv(x, 5, { kernel: 1, norm: false });
  return n.done(n.node("Flatten", [n.node("GlobalAveragePool", [maps])]));
}
