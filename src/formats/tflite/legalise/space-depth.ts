import { type Rule, replaceBy, rule } from "../../../rewrite/index.ts";
import { sizeOf, takeAlong } from "../../../tensor/index.ts";
import { composition } from "./compose.ts";

/** Channel of the DCR order that each channel of the CRD order is: (c, i, j) against (i, j, c). */
function crdOrder(channels: number, block: number): number[] {
  const area = block * block;
  const depth = channels / area;
  return Array.from({ length: channels }, (_, at) => (at % depth) * area + Math.floor(at / depth));
}

/** Mode CRD (PyTorch's pixel shuffle) is mode DCR of the channels in another order. */
const crd = composition("depth-to-space-in-dcr-order", "DepthToSpace", (c) => {
  if (c.attrs.mode !== "CRD") return null;
  const blocksize = c.attrs.blocksize as number;
  const order = c.ints(crdOrder(c.shape(c.in(0))[1]!, blocksize));
  return c.op("DepthToSpace", [c.op("Gather", [c.in(0), order], { axis: 1 })], { blocksize, mode: "DCR" });
});

/** Channels picked from a convolution of constant weights are picked from the weights. */
const intoConv = rule("gather-channels-of-conv", ["Gather"], (node, view) => {
  const x = node.inputs[0]!;
  const conv = view.producer(x);
  const order = view.constant(node.inputs[1]);
  if (conv?.op !== "Conv" || order === null || order.shape.length !== 1 || !view.isPrivate(x)) return null;
  if (Number(node.attrs.axis ?? 0) !== 1 || Number(conv.attrs.group ?? 1) !== 1) return null;
  const weight = view.constant(conv.inputs[1]);
  const bias = conv.inputs[2] === undefined || conv.inputs[2] === null ? null : view.constant(conv.inputs[2]);
  if (weight === null || (bias === null && conv.inputs[2] !== undefined && conv.inputs[2] !== null)) return null;
  const at = Array.from(order.data, Number);
  if (at.some((index) => index < 0) || sizeOf(order.shape) > weight.shape[0]!) return null;
  return replaceBy(view, node, (p) => {
    const inputs = [conv.inputs[0]!, p.constant(`${conv.name}.weight`, takeAlong(weight, 0, at))];
    if (bias !== null) inputs.push(p.constant(`${conv.name}.bias`, takeAlong(bias, 0, at)));
    return p.node("Conv", inputs, conv.attrs, { name: conv.name });
  });
});

/** Pixel shuffles as TensorFlow has them. */
export const spaceDepthRules: readonly Rule[] = [crd, intoConv];
