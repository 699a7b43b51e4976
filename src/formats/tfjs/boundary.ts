import { boundaryOf } from "./graph/boundary.ts";
import { parseNodes } from "./graph/node-def.ts";
import { distinctNames } from "./outputs.ts";
import { parseModelJson } from "./schema.ts";

/** An input or output: its name in the graph that `readTfjs` gives, and what TF.js calls it. */
export interface TfjsPort {
  readonly name: string;
  /** "node:output" of a GraphModel. */
  readonly reference: string;
}

/** Kind of a model.json and, of a GraphModel, its inputs and outputs in order; a LayersModel's are those of its layers. */
export type TfjsBoundary =
  | { readonly kind: "graph"; readonly inputs: readonly TfjsPort[]; readonly outputs: readonly TfjsPort[] }
  | { readonly kind: "layers" };

/** The boundary of a model.json, under the names that `readTfjs` uses. Throws EspalierError as that does. */
export function tfjsBoundary(json: Uint8Array): TfjsBoundary {
  const model = parseModelJson(json);
  if (!Array.isArray(model.modelTopology.node)) return { kind: "layers" };
  const { inputs, outputs } = boundaryOf(model, parseNodes(model.modelTopology));
  const inputNames = inputs.map((port) => port.name);
  const outputNames = distinctNames(
    outputs.map((port) => port.name),
    inputNames,
  );
  return {
    kind: "graph",
    inputs: inputs.map((port, i) => ({ name: inputNames[i]!, reference: port.edge.node })),
    outputs: outputs.map((port, i) => ({ name: outputNames[i]!, reference: `${port.edge.node}:${port.edge.output}` })),
  };
}
