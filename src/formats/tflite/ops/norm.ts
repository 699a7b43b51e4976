import { agreedLayout } from "../agreement.ts";
import { tfliteOptions } from "../codec/index.ts";
import { physicalShape, placeConstant } from "../layout.ts";
import { realValues } from "../quantization.ts";
import type { Lowering } from "../step-context.ts";

/** A batch normalisation that no convolution took: a product and a sum with one number a channel. */
export const BatchNormalization: Lowering = {
  int8: false,
  wants: "channels-last",
  lower: (c) => {
    const layout = agreedLayout(c, [0]);
    const rank = c.shape(0).length;
    const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => realValues(c.needConstant(i, "statistic"))) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const epsilon = c.attr<number>("epsilon");
    const factor = scale.map((value, i) => value / Math.sqrt(variance[i]! + epsilon));
    const shift = bias.map((value, i) => value - mean[i]! * factor[i]!);
    const perChannel = (name: string, values: Float32Array) => {
      const shape = [1, values.length, ...new Array<number>(rank - 2).fill(1)];
      return c.store(name, { tensor: placeConstant({ dtype: "float32", shape, data: values }, layout) });
    };
    const x = c.read(0, layout);
    const product = c.temporary("scaled", physicalShape(c.outShape(), layout));
    c.emit("MUL", [x, perChannel("factor", factor)], [product], tfliteOptions("MulOptions"));
    c.emit("ADD", [product, perChannel("shift", shift)], [c.write(0, layout)], tfliteOptions("AddOptions"));
  },
};
