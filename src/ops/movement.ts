import { EspalierError } from "../diagnostics/index.ts";
import { broadcastShapes, type Dim, normalAxis, productOf, type Shape, shapeText, staticDim } from "../ir/index.ts";
import { int, ints } from "./attributes.ts";
import { coupleExpand, coupleReshape, coupleSqueeze, coupleTranspose } from "./coupling-movement.ts";
import * as gradient from "./gradient-movement.ts";
import { defineOp, typed } from "./spec.ts";

/** The shape that Reshape gives: 0 copies the input's dimension (unless allowzero), one -1 takes what is left. Symbols cancel. */
export function reshaped(input: Shape, wanted: readonly number[], allowZero: boolean): Dim[] {
  const fail = (): never => {
    throw new EspalierError("input", `Cannot reshape ${shapeText(input)} to ${shapeText(wanted)}`);
  };
  if (wanted.some((dim) => dim < -1)) fail();
  const shape: Dim[] = wanted.map((dim, i) => (dim === 0 && !allowZero ? (input[i] ?? fail()) : dim));
  const free = shape.indexOf(-1);
  const total = productOf(input);
  const known = productOf(shape.filter((_, i) => i !== free));
  const symbols = [...total.symbols];
  for (const symbol of known.symbols) {
    const at = symbols.indexOf(symbol);
    if (at < 0) fail();
    symbols.splice(at, 1);
  }
  if (free < 0) {
    if (symbols.length > 0 || total.factor !== known.factor) fail();
    return shape;
  }
  if (shape.lastIndexOf(-1) !== free || known.factor === 0 || total.factor % known.factor !== 0) fail();
  const rest = total.factor / known.factor;
  if (symbols.length > 1 || (symbols.length === 1 && rest !== 1)) {
    throw new EspalierError(
      "unsupported",
      `Reshape of ${shapeText(input)} to ${shapeText(wanted)} mixes the batch with other dimensions`,
      { hint: "Export the model with that size fixed." },
    );
  }
  shape[free] = symbols[0] ?? rest;
  return shape;
}

export const Reshape = defineOp({
  attrs: { allowzero: int(0) },
  inputs: [2, 2],
  kind: "movement",
  infer: (c) => [typed(c.type(0).dtype, reshaped(c.shape(0), c.ints(1), c.attrs.allowzero === 1))],
  couple: coupleReshape,
  gradient: gradient.reshape,
});

export const Flatten = defineOp({
  attrs: { axis: int(1) },
  inputs: [1, 1],
  kind: "movement",
  infer: (c) => {
    const x = c.shape(0);
    const axis = c.attrs.axis === x.length ? x.length : normalAxis(c.attrs.axis, x.length);
    const side = (dims: Shape): Dim => {
      const { factor, symbols } = productOf(dims);
      if (symbols.length > 1 || (symbols.length === 1 && factor !== 1))
        throw new EspalierError("unsupported", `Flatten of ${shapeText(x)} mixes the batch with other dimensions`);
      return symbols[0] ?? factor;
    };
    return [typed(c.type(0).dtype, [side(x.slice(0, axis)), side(x.slice(axis))])];
  },
  couple: (c) => c.reshape(),
  gradient: gradient.reshape,
});

export const Transpose = defineOp({
  attrs: { perm: ints() },
  inputs: [1, 1],
  kind: "movement",
  infer: (c) => {
    const x = c.shape(0);
    const perm = c.attrs.perm.length === 0 ? x.map((_, i) => x.length - 1 - i) : c.attrs.perm;
    if (shapeText([...perm].sort((a, b) => a - b)) !== shapeText(x.map((_, i) => i)))
      throw new EspalierError("input", `Transpose of ${shapeText(x)} has no permutation ${shapeText(perm)}`);
    return [
      typed(
        c.type(0).dtype,
        perm.map((axis) => x[axis]!),
      ),
    ];
  },
  couple: coupleTranspose,
  gradient: gradient.transpose,
});

export const Squeeze = defineOp({
  attrs: {},
  inputs: [1, 2],
  kind: "movement",
  infer: (c) => {
    const x = c.shape(0);
    const given = c.intsOrNull(1)?.map((axis) => normalAxis(axis, x.length)) ?? [];
    // An empty list of axes means what an absent one means: ONNX Runtime reads it so.
    const axes = given.length > 0 ? given : x.flatMap((dim, i) => (dim === 1 ? [i] : []));
    for (const axis of axes)
      if (x[axis] !== 1)
        throw new EspalierError("input", `Squeeze of axis ${axis} of ${shapeText(x)}: its size is not 1`);
    return [
      typed(
        c.type(0).dtype,
        x.filter((_, i) => !axes.includes(i)),
      ),
    ];
  },
  couple: coupleSqueeze,
  gradient: gradient.reshape,
});

export const Unsqueeze = defineOp({
  attrs: {},
  inputs: [2, 2],
  kind: "movement",
  infer: (c) => {
    const x = [...c.shape(0)];
    const given = c.ints(1);
    const axes = given.map((axis) => normalAxis(axis, x.length + given.length)).sort((a, b) => a - b);
    if (new Set(axes).size < axes.length)
      throw new EspalierError("input", `Unsqueeze names an axis twice: ${shapeText(given)}`);
    for (const axis of axes) x.splice(axis, 0, 1);
    return [typed(c.type(0).dtype, x)];
  },
  couple: (c) => c.reshape(),
  gradient: gradient.reshape,
});

export const Expand = defineOp({
  attrs: {},
  inputs: [2, 2],
  kind: "movement",
  infer: (c) => {
    const wanted = c.ints(1);
    if (wanted.some((dim) => dim < 0))
      throw new EspalierError("input", `Cannot expand ${shapeText(c.shape(0))} to ${shapeText(wanted)}`);
    return [typed(c.type(0).dtype, broadcastShapes([c.shape(0), wanted]))];
  },
  couple: coupleExpand,
  gradient: gradient.expand,
});

export const Tile = defineOp({
  attrs: {},
  inputs: [2, 2],
  kind: "movement",
  infer: (c) => {
    const repeats = c.ints(1);
    if (repeats.some((count) => count < 0))
      throw new EspalierError("input", `Tile cannot repeat ${shapeText(repeats)} times`);
    return [
      typed(
        c.type(0).dtype,
        c
          .ranked(0, repeats.length)
          .map((dim, i) => (repeats[i] === 1 ? dim : staticDim(dim, "A repeated size") * repeats[i]!)),
      ),
    ];
  },
  couple: (c) => c.tile(c.facts.ints(1)),
  gradient: gradient.tile,
});
