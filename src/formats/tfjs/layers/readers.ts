import type { LayerReaders } from "./context.ts";
import { DENSE } from "./dense.ts";
import { POINTWISE } from "./pointwise.ts";
import { RECURRENT } from "./recurrent.ts";
import { SHAPE } from "./shape.ts";
import { timeDistributed } from "./time-distributed.ts";

/** Readers of layers by class name. An InputLayer within a model has nothing to compute. */
export const LAYER_READERS: LayerReaders = {
  ...DENSE,
  ...POINTWISE,
  ...RECURRENT,
  ...SHAPE,
  InputLayer: (_, inputs) => inputs,
  TimeDistributed: timeDistributed,
};

/** Every layer that is read, sorted. */
export const LAYERS: readonly string[] = Object.keys(LAYER_READERS).sort();
