import { ACTIVATIONS } from "./emit/activation.ts";
import { GRAPH_OPERATORS } from "./graph/readers.ts";
import { LAYERS } from "./layers/readers.ts";

/** What the reader takes: operators of a GraphModel, layers and activations of a LayersModel. */
export const TFJS_READ = { operators: GRAPH_OPERATORS, layers: LAYERS, activations: ACTIVATIONS } as const;
