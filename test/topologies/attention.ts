import type { Graph, ValueId } from "../../src/ir/index.ts";
import { int64s, scalar } from "../../src/tensor/index.ts";
import { Net } from "./net.ts";

type Four = [number, number, number, number];

/** [N, T, heads * size] to [N, heads, T, size]. */
function heads(n: Net, x: ValueId, count: number): ValueId {
  const [, tokens, width] = n.shape(x) as [number, number, number];
  return n.transpose(n.reshape(x, 0, tokens, count, width / count), 0, 2, 1, 3);
}

/** softmax(q k' / sqrt(size)) v of [N, heads, T, size], back to [N, T, heads * size] (Vaswani et al. 2017). */
function attend(
  n: Net,
  q: ValueId,
  k: ValueId,
  v: ValueId,
  mask: ((scores: ValueId) => ValueId) | null = null,
): ValueId {
  const size = n.shape(q)[3]!;
  const scaled = n.node("Mul", [n.node("MatMul", [q, n.transpose(k, 0, 1, 3, 2)]), n.number(1 / Math.sqrt(size))]);
  const shares = n.node("Softmax", [mask === null ? scaled : mask(scaled)], { axis: -1 });
  const mixed = n.transpose(n.node("MatMul", [shares, v]), 0, 2, 1, 3);
  const [, tokens, count, width] = n.shape(mixed) as Four;
  return n.reshape(mixed, 0, tokens, count * width);
}

/** Queries, keys and values out of one product. */
function packed(n: Net, x: ValueId, count: number, mask: ((scores: ValueId) => ValueId) | null = null): ValueId {
  const [, tokens, width] = n.shape(x) as [number, number, number];
  const all = n.transpose(n.reshape(n.linear(x, 3 * width), 0, tokens, 3, count, width / count), 2, 0, 3, 1, 4);
  const [q, k, v] = n.parts(all, 0, 1, 1, 1).map((part) => n.node("Squeeze", [part, n.ints(0)])) as [
    ValueId,
    ValueId,
    ValueId,
  ];
  return n.linear(attend(n, q, k, v, mask), width);
}

function mlp(n: Net, x: ValueId, factor = 4): ValueId {
  const width = n.shape(x)[2]!;
  return n.linear(n.gelu(n.linear(x, factor * width)), width);
}

/** [N, C, H, W] to tokens [N, H * W, C]. */
function tokensOf(n: Net, x: ValueId): ValueId {
  const [, c, h, w] = n.shape(x) as Four;
  return n.transpose(n.reshape(x, 0, c, h * w), 0, 2, 1);
}

/** Mean of the tokens, classified. */
function meanHead(n: Net, x: ValueId): Graph {
  return n.done(n.classifier(n.node("ReduceMean", [x, n.ints(1)], { keepdims: 0 })));
}

/**
 * Patches behind a class token, positions, blocks normalised before each part; the class token is classified (Dosovitskiy et al. 2021). The batch is
 * stated: the token is repeated for it.
 */
export function vit(): Graph {
  const n = new Net("vit");
  const width = 24;
  const token = n.builder.node("Expand", [n.weight("token", [1, 1, width], 10), n.ints(2, 1, width)]);
  const patches = tokensOf(n, n.patches(n.image(16, 2), width, 4));
  let x = n.builder.node("Concat", [token, patches], { axis: 1 });
  x = n.add(x, n.weight("positions", [1, 17, width], 10));
  for (let block = 0; block < 2; block++) {
    x = n.add(x, packed(n, n.layerNorm(x), 3));
    x = n.add(x, mlp(n, n.layerNorm(x)));
  }
  const first = n.node("Gather", [n.layerNorm(x), n.builder.constant("first", scalar("int64", 0))], { axis: 1 });
  return n.done(n.classifier(first));
}

/** Rolls [N, H, W, C] by `shift` on both spatial axes. */
function roll(n: Net, x: ValueId, shift: number): ValueId {
  let y = x;
  for (const axis of [1, 2]) {
    const size = n.shape(y)[axis]!;
    const at = (from: number, to: number) => n.node("Slice", [y, n.ints(from), n.ints(to), n.ints(axis)]);
    y = n.concat(axis, at(size - shift, size), at(0, size - shift));
  }
  return y;
}

/** Attention inside windows of side 4, every second time shifted by half a window (Liu et al. 2021). */
function swinBlock(n: Net, x: ValueId, count: number, shift: number): ValueId {
  const [, side, , width] = n.shape(x) as Four;
  const windows = side / 4;
  const normed = n.layerNorm(x);
  const moved = shift === 0 ? normed : roll(n, normed, side - shift);
  const grid = n.transpose(n.reshape(moved, -1, windows, 4, windows, 4, width), 0, 1, 3, 2, 4, 5);
  const bias = n.weight(n.label("relative"), [1, count, 16, 16], 4);
  // After a shift a window may hold what was far apart: those places are kept from each other, window by window.
  const apart = shift === 0 ? null : n.weight(n.label("apart"), [1, windows ** 2, 1, 16, 16], 4);
  const mixed = packed(n, n.reshape(grid, -1, 16, width), count, (scores) => {
    const placed = n.add(scores, bias);
    if (apart === null) return placed;
    return n.reshape(n.add(n.reshape(placed, -1, windows ** 2, count, 16, 16), apart), -1, count, 16, 16);
  });
  const back = n.transpose(n.reshape(mixed, -1, windows, windows, 4, 4, width), 0, 1, 3, 2, 4, 5);
  const joined = n.reshape(back, -1, side, side, width);
  const y = n.add(x, shift === 0 ? joined : roll(n, joined, shift));
  const rows = n.reshape(n.layerNorm(y), -1, side * side, width);
  return n.add(y, n.reshape(mlp(n, rows), -1, side, side, width));
}

/** Two stages of windowed attention with a patch merging between them. The batch is stated: windows are taken into it. */
export function swin(): Graph {
  const n = new Net("swin");
  let x = n.transpose(n.conv(n.image(16, 2), 16, { stride: 2, norm: false, act: null }), 0, 2, 3, 1);
  x = swinBlock(n, swinBlock(n, x, 2, 0), 2, 2);
  const part = (row: number, column: number) =>
    n.node("Slice", [x, n.ints(row, column), n.ints(8, 8), n.ints(1, 2), n.ints(2, 2)]);
  const merged = n.concat(3, part(0, 0), part(1, 0), part(0, 1), part(1, 1));
  const [, side] = n.shape(merged) as Four;
  x = n.reshape(n.linear(n.layerNorm(merged), 32, false), 0, side, side, 32);
  x = swinBlock(n, x, 4, 0);
  const [, h] = n.shape(x) as Four;
  return meanHead(n, n.reshape(n.layerNorm(x), 0, h * h, 32));
}

/** Inverted residuals, then attention across patches for each place in a patch, folded back (Mehta and Rastegari 2022). The batch is stated. */
export function mobileVit(): Graph {
  const n = new Net("mobile_vit");
  const act = "Silu";
  let x = n.conv(n.image(16, 2), 8, { stride: 2, act });
  for (let i = 0; i < 2; i++) {
    const wide = n.depthwise(n.conv(x, 16, { kernel: 1, act }), { act });
    x = n.add(x, n.conv(wide, 8, { kernel: 1, act: null }));
  }
  const local = n.conv(n.conv(x, 8, { act }), 12, { kernel: 1, norm: false, act: null });
  // [N, C, 4, 2, 4, 2] to [N, places, patches, C], the places taken into the batch.
  const unfolded = n.transpose(n.reshape(local, -1, 12, 4, 2, 4, 2), 0, 3, 5, 2, 4, 1);
  let y = n.reshape(unfolded, -1, 16, 12);
  for (let block = 0; block < 2; block++) {
    y = n.add(y, packed(n, n.layerNorm(y), 2));
    y = n.add(y, mlp(n, n.layerNorm(y), 2));
  }
  const folded = n.reshape(n.transpose(n.reshape(y, -1, 2, 2, 4, 4, 12), 0, 5, 3, 1, 4, 2), -1, 12, 8, 8);
  const back = n.conv(folded, 8, { kernel: 1, act });
  return n.head(n.conv(n.conv(n.concat(1, x, back), 12, { act }), 32, { kernel: 1, act }));
}

/** Tokens, places and segments summed; separate projections, normalised after each part (Devlin et al. 2019). */
export function bert(): Graph {
  const n = new Net("bert");
  const width = 24;
  const tokens = n.input("tokens", "int64", "N", 8);
  const words = n.node("Gather", [n.weight("words", [16, width], 2), tokens], { axis: 0 });
  // The exporter's default: all tokens are of the first segment.
  const first = n.builder.constant("segment", int64s(new Array(8).fill(0)));
  const segments = n.builder.node("Gather", [n.weight("segments", [2, width], 2), first], { axis: 0 });
  const meant = n.builder.node("Add", [words, segments]);
  let x = n.layerNorm(n.add(meant, n.weight("places", [8, width], 2)));
  for (let block = 0; block < 2; block++) {
    const [q, k, v] = [0, 1, 2].map(() => heads(n, n.linear(x, width), 3)) as [ValueId, ValueId, ValueId];
    x = n.layerNorm(n.add(x, n.linear(attend(n, q, k, v), width)));
    x = n.layerNorm(n.add(x, mlp(n, x)));
  }
  const start = n.node("Gather", [x, n.builder.constant("first", n.builder.value(n.ints(0)).data!)], { axis: 1 });
  const pooled = n.act("Tanh", n.linear(n.node("Squeeze", [start, n.ints(1)]), 10));
  return n.done(n.classifier(pooled));
}

/** x / rms(x) * scale, out of primitive operators (Zhang and Sennrich 2019). */
function rmsNorm(n: Net, x: ValueId): ValueId {
  const mean = n.node("ReduceMean", [n.node("Mul", [x, x]), n.ints(-1)], { keepdims: 1 });
  const scaled = n.node("Div", [x, n.node("Sqrt", [n.add(mean, n.number(1e-5))])]);
  return n.node("Mul", [scaled, n.weight(n.label("rms"), [n.shape(x)[2]!], 100, 1)]);
}

/** Rotary positions: x cos + turn(x) sin with the halves of each head exchanged (Su et al. 2021). */
function rotary(n: Net, x: ValueId, perHead: boolean): ValueId {
  const [, count, tokens, size] = n.shape(x) as Four;
  const [left, right] = n.parts(x, 3, size / 2, size / 2) as [ValueId, ValueId];
  const turned = n.concat(3, n.node("Neg", [right]), left);
  const wave = (label: string) => n.weight(n.label(label), [1, perHead ? count : 1, tokens, size], 4);
  return n.add(n.node("Mul", [x, wave("cos")]), n.node("Mul", [turned, wave("sin")]));
}

/** Grouped queries with rotary positions (one table, or one for each head), a causal mask, and SwiGLU (Touvron et al. 2023; Ainslie et al. 2023). */
export function llama(perHead = false): Graph {
  const n = new Net("llama");
  const [width, tokens, queries, shared, size] = [24, 6, 4, 2, 6];
  const ids = n.input("tokens", "int64", "N", tokens);
  let x = n.node("Gather", [n.weight("words", [20, width], 2), ids], { axis: 0 });
  const repeat = (y: ValueId) =>
    n.reshape(
      n.node("Expand", [n.node("Unsqueeze", [y, n.ints(2)]), n.ints(1, 1, queries / shared, 1, 1)]),
      0,
      queries,
      tokens,
      size,
    );
  const mask = n.weight("mask", [1, 1, tokens, tokens]);
  const causal = (scores: ValueId) => n.add(scores, mask);
  for (let block = 0; block < 2; block++) {
    const normed = rmsNorm(n, x);
    const q = rotary(n, heads(n, n.linear(normed, queries * size, false), queries), perHead);
    const k = repeat(rotary(n, heads(n, n.linear(normed, shared * size, false), shared), perHead));
    const v = repeat(heads(n, n.linear(normed, shared * size, false), shared));
    x = n.add(x, n.linear(attend(n, q, k, v, causal), width, false));
    const y = rmsNorm(n, x);
    const gated = n.node("Mul", [n.act("Silu", n.linear(y, 64, false)), n.linear(y, 64, false)]);
    x = n.add(x, n.linear(gated, width, false));
  }
  return n.done(n.linear(rmsNorm(n, x), 20, false));
}

/** Depthwise 7x7, normalised over channels, two products with a scale, strided patches between stages (Liu et al. 2022). */
export function convNext(): Graph {
  const n = new Net("convnext");
  const normed = (x: ValueId) => n.transpose(n.layerNorm(n.transpose(x, 0, 2, 3, 1)), 0, 3, 1, 2);
  let x = normed(n.patches(n.image(16), 24, 2));
  for (const width of [24, 32]) {
    if (width !== 24) x = n.patches(normed(x), width, 2);
    for (let block = 0; block < 2; block++) {
      const y = n.transpose(n.depthwise(x, { kernel: 7, norm: false, act: null }), 0, 2, 3, 1);
      const wide = n.gelu(n.linear(n.layerNorm(y), 4 * width));
      const scaled = n.node("Mul", [n.linear(wide, width), n.weight(n.label("layer_scale"), [width], 10, 1)]);
      x = n.add(x, n.transpose(scaled, 0, 3, 1, 2));
    }
  }
  const pooled = n.node("Flatten", [n.node("GlobalAveragePool", [x])]);
  const label = n.label("ln");
  const parts = [n.weight(`${label}.scale`, [32], 100, 1), n.weight(`${label}.bias`, [32], 100)];
  return n.done(n.classifier(n.node("LayerNormalization", [pooled, ...parts], { axis: -1 })));
}
