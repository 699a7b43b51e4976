import type { Graph, ValueId } from "../ir/index.ts";
import { float32, int64s } from "../tensor/index.ts";
import { type DenseLayers, denseLayersFor } from "./dense.ts";
import type { ImageShape } from "./layers.ts";

export interface VitOptions {
  /** Side of the square patches; default 4. */
  readonly patch?: number;
  /** Width of a token; default 192 (ViT-Ti). */
  readonly width?: number;
  /** Default 12. */
  readonly depth?: number;
  /** Default 3. */
  readonly heads?: number;
}

/** Self-attention of tokens [N, T, D] whose queries, keys and values come out of one product (Vaswani et al. 2017). */
function attention(layers: DenseLayers, name: string, x: ValueId, heads: number): ValueId {
  const { builder } = layers;
  const [, tokens, width] = builder.value(x).type.shape as [string, number, number];
  const size = width / heads;
  const packed = layers.reshape(`${name}.heads`, layers.linear(`${name}.qkv`, x, 3 * width), [
    0,
    tokens,
    3,
    heads,
    size,
  ]);
  // [3, N, heads, T, size].
  const parts = builder.nodes(
    "Split",
    [layers.transpose(`${name}.split`, packed, [2, 0, 3, 1, 4])],
    { axis: 0, num_outputs: 3 },
    { outputs: 3, name: `${name}.parts` },
  );
  const [q, k, v] = parts.map((part) =>
    builder.node("Squeeze", [part, builder.constant(`${name}.axis`, int64s([0]))], {}, { name: `${name}.squeeze` }),
  ) as [ValueId, ValueId, ValueId];
  const scale = builder.constant(`${name}.scale`, float32([], [1 / Math.sqrt(size)]));
  const scaled = builder.node("Mul", [q, scale], {}, { name: `${name}.scaled` });
  const scores = builder.node(
    "MatMul",
    [scaled, layers.transpose(`${name}.keys`, k, [0, 1, 3, 2])],
    {},
    { name: `${name}.scores` },
  );
  const shares = builder.node("Softmax", [scores], { axis: -1 }, { name: `${name}.softmax` });
  const mixed = builder.node("MatMul", [shares, v], {}, { name: `${name}.mixed` });
  const joined = layers.reshape(`${name}.joined`, layers.transpose(`${name}.tokens`, mixed, [0, 2, 1, 3]), [
    0,
    tokens,
    width,
  ]);
  return layers.linear(`${name}.projection`, joined, width);
}

/** A block with normalisation before attention and before the two-layer network of 4 times the width. */
function block(layers: DenseLayers, name: string, x: ValueId, heads: number): ValueId {
  const { builder } = layers;
  const width = builder.value(x).type.shape[2] as number;
  const attended = attention(layers, `${name}.attention`, layers.layerNorm(`${name}.norm1`, x), heads);
  const first = builder.node("Add", [x, attended], {}, { name: `${name}.add1` });
  const hidden = layers.linear(`${name}.mlp1`, layers.layerNorm(`${name}.norm2`, first), 4 * width);
  const gelu = builder.node("Gelu", [hidden], {}, { name: `${name}.gelu` });
  return builder.node("Add", [first, layers.linear(`${name}.mlp2`, gelu, width)], {}, { name: `${name}.add2` });
}

/** A vision transformer (Dosovitskiy et al. 2021) without class token: the mean of the tokens is classified. Defaults: ViT-Ti for small images. */
export function vitTiny(seed: number, image: ImageShape = [3, 32, 32], classes = 10, options: VitOptions = {}): Graph {
  const { patch = 4, width = 192, depth = 12, heads = 3 } = options;
  const { layers, input } = denseLayersFor("vit_tiny", image, seed);
  const { builder } = layers;
  const [channels, height, columns] = image;
  const tokens = Math.floor(height / patch) * Math.floor(columns / patch);
  const fanIn = channels * patch * patch;
  const kernel = layers.weight("patches.weight", [width, channels, patch, patch], fanIn, Math.SQRT1_2);
  const embedded = builder.node(
    "Conv",
    [input, kernel, layers.filled("patches.bias", [width], 0)],
    { kernel_shape: [patch, patch], strides: [patch, patch] },
    { name: "patches" },
  );
  let x = layers.transpose("tokens", layers.reshape("patches.flat", embedded, [0, width, tokens]), [0, 2, 1]);
  // Deviation 0.02, as usual for position embeddings.
  const places = layers.weight("positions", [1, tokens, width], 2, 0.02);
  x = builder.node("Add", [x, places], {}, { name: "positions.add" });
  for (let i = 1; i <= depth; i++) x = block(layers, `block${i}`, x, heads);
  const pooled = builder.node(
    "ReduceMean",
    [layers.layerNorm("norm", x), builder.constant("pool.axes", int64s([1]))],
    { keepdims: 0 },
    { name: "pool" },
  );
  builder.output(layers.classifier(pooled, classes));
  return builder.build();
}
