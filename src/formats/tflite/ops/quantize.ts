import { agreedLayout } from "../agreement.ts";
import type { Lowering } from "../step-context.ts";

/** A QuantizeLinear that no operator in front could take: QUANTIZE, or nothing when the value has that quantisation already. */
export const QuantizeLinear: Lowering = {
  int8: true,
  int16: true,
  wants: "output",
  lower: (c) => {
    const layout = agreedLayout(c, [0]);
    const quantization = c.statedQuantization(0)!;
    c.alias(0, { tensor: c.placement.read(c.id(0), layout, quantization, c.name), layout });
  },
};
