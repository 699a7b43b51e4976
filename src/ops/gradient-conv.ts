import type { ValueId } from "../ir/index.ts";
import { type ConvFacts, denseWeightGradient, depthwiseWeightGradient } from "./gradient-conv-weight.ts";
import { type Formula, formulaOf } from "./gradient-formula.ts";
import { scatterAttributes } from "./gradient-window.ts";
import type { GradientContext, GradientRule } from "./spec.ts";
import { resolveWindow, type WindowAttributes } from "./window.ts";

interface ConvAttributes extends WindowAttributes {
  readonly group: number;
}

/**
 * dx is the transposed convolution of dy with the same weight. Where the stride is 1 that is a plain convolution with the weight mirrored and its
 * channels exchanged, which ONNX Runtime spreads over threads better.
 */
function inputGradient(facts: ConvFacts): ValueId {
  const { f, w, dy, input, output, window, group } = facts;
  const { kernel, strides, dilations, pads } = window;
  const rank = kernel.length;
  // A window must reach the border from outside: padding beyond the kernel's extent has no mirror image.
  const mirrored = kernel.map((size, i) => (size - 1) * dilations[i]! - pads[i]!);
  const ends = kernel.map((size, i) => (size - 1) * dilations[i]! - pads[rank + i]!);
  if (strides.some((stride) => stride > 1) || [...mirrored, ...ends].some((pad) => pad < 0))
    return f.node("ConvTranspose", [dy, w], { group, ...scatterAttributes(window, input.slice(2), output.slice(2)) });
  return f.node("Conv", [dy, mirroredWeight(facts)], { group, dilations, pads: [...mirrored, ...ends] });
}

/** w [M, C/g, ...kernel] as [C, M/g, ...kernel], mirrored in every spatial axis. */
function mirroredWeight({ f, w, weight, group, window }: ConvFacts): ValueId {
  const rank = window.kernel.length;
  const axes = window.kernel.flatMap((size, i) => (size > 1 ? [2 + i] : []));
  const back = axes.map(() => -1);
  const flipped =
    axes.length === 0
      ? w
      : f.node("Slice", [w, f.ints(back), f.ints(axes.map(() => Number.MIN_SAFE_INTEGER)), f.ints(axes), f.ints(back)]);
  const [maps, inner] = [weight[0]! / group, weight[1]!];
  if (maps === 1 && inner === 1) return flipped;
  const grouped = f.reshape(flipped, [group, maps, inner, ...window.kernel]);
  const spatial = Array.from({ length: rank }, (_, i) => 3 + i);
  return f.reshape(f.transpose(grouped, [0, 2, 1, ...spatial]), [group * inner, maps, ...window.kernel]);
}

function factsOf(c: GradientContext<ConvAttributes>): ConvFacts {
  const f = formulaOf(c);
  const [x, w] = [c.inputs[0]!, c.inputs[1]!];
  const [input, weight, output] = [f.shape(x), f.shape(w), f.shape(c.outputs[0]!)];
  const window = resolveWindow("Conv", c.attrs, weight.slice(2), input.slice(2));
  return { f, x, w, dy: c.outputGradients[0]!, input, weight, output, window, group: c.attrs.group };
}

/** Sum of dy over batch and positions. */
function biasGradient(f: Formula, dy: ValueId): ValueId {
  return f.sum(
    dy,
    f.shape(dy).flatMap((_, i) => (i === 1 ? [] : [i])),
    false,
  );
}

export const conv: GradientRule<ConvAttributes> = (c) => {
  const facts = factsOf(c);
  const depthwise = facts.group === facts.input[1]! && facts.weight[0] === facts.group && facts.group > 1;
  return c.inputs.map((id, i) => {
    if (id === null || !c.wants(i)) return null;
    if (i === 0) return inputGradient(facts);
    if (i === 1) return depthwise ? depthwiseWeightGradient(facts) : denseWeightGradient(facts);
    return biasGradient(facts.f, facts.dy);
  });
};

/** The transposed convolution is the input gradient of a convolution from y to x: dx = Conv(dy, w), dw is that convolution's weight gradient with dy as input. */
export const convTranspose: GradientRule<ConvAttributes> = (c) => {
  const f = formulaOf(c);
  const [x, w, dy] = [c.inputs[0]!, c.inputs[1]!, c.outputGradients[0]!];
  const [weight, input, output] = [f.shape(w), f.shape(dy), f.shape(x)];
  const window = resolveWindow("ConvTranspose", { ...c.attrs, auto_pad: "NOTSET" }, weight.slice(2), output.slice(2));
  const { group } = c.attrs;
  const facts: ConvFacts = { f, x: dy, w, dy: x, input, weight, output, window, group };
  return c.inputs.map((id, i) => {
    if (id === null || !c.wants(i)) return null;
    if (i === 0) {
      const { dilations, strides, pads } = window;
      return f.node("Conv", [dy, w], { group, dilations, strides, pads });
    }
    if (i === 1) return denseWeightGradient(facts);
    return biasGradient(f, dy);
  });
};
