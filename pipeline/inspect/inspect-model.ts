import { findTarget, TARGETS } from "../../targets/index.ts";
import { canonicalGraph } from "../canonical-graph.ts";
import { type Arithmetic, arithmeticOf } from "../model-check/exactness.ts";
import { type StatePair, stateOf } from "../model-check/state.ts";
import { type InputSettings, readModel } from "../model-file.ts";
import type { ModelFormat } from "../model-format.ts";
import { deployableGraph } from "../stages/import.ts";
import {
  activationPeak,
  type OperatorFact,
  operatorFacts,
  type PortFact,
  parameterFacts,
  portFacts,
} from "./graph-facts.ts";
import { type StoredWeights, storedWeights } from "./stored-weights.ts";
import { type TargetFacts, targetFacts } from "./target-obstacles.ts";

/** What `espalier inspect --json` prints: fields are only ever added while `schema` stays the same. */
export interface Inspection {
  readonly schema: 1;
  readonly file: string;
  readonly format: ModelFormat;
  /** Of all files of the model. */
  readonly bytes: number;
  readonly sha256: string;
  readonly inputs: readonly PortFact[];
  readonly outputs: readonly PortFact[];
  /** Inputs and outputs that carry state which the file keeps out of sight. */
  readonly state: readonly StatePair[];
  /** Operators in ONNX's vocabulary, after the import: what Espalier works on. */
  readonly operators: readonly OperatorFact[];
  readonly parameters: { readonly count: number; readonly bytes: number };
  /** Multiply-accumulates of one sample. */
  readonly macs: number;
  /** Most bytes of activations alive at once for one sample, and the node at which. */
  readonly activationPeak: { readonly bytes: number; readonly node: string | null };
  readonly arithmetic: Arithmetic;
  /** Constants as the file stores them. */
  readonly stored: readonly StoredWeights[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly targets: readonly TargetFacts[];
}

export interface InspectRequest extends InputSettings {
  readonly model: string;
  /** Only this target; default: all. */
  readonly target?: string;
}

/** Reads a model and says what it is and what the targets would refuse. Throws EspalierError when it cannot be read. */
export async function inspectModel(request: InspectRequest): Promise<Inspection> {
  const targets = request.target === undefined ? Object.values(TARGETS) : [findTarget(request.target)];
  const model = await readModel(request.model, request);
  const { graph: raw } = model;
  const graph = canonicalGraph(raw);
  const operators = operatorFacts(graph);
  const stored = storedWeights(model);
  const deployed = deployableGraph(raw);
  const facts: TargetFacts[] = [];
  for (const target of targets) facts.push(await targetFacts(deployed, target));
  return {
    schema: 1,
    file: request.model,
    format: model.format,
    bytes: model.totalBytes,
    sha256: model.sha256,
    inputs: portFacts(raw, "inputs"),
    outputs: portFacts(raw, "outputs"),
    state: stateOf(raw),
    operators,
    parameters: parameterFacts(graph),
    macs: operators.reduce((sum, { macs }) => sum + macs, 0),
    activationPeak: activationPeak(graph),
    arithmetic: arithmeticOf(raw, model.format, new Set(stored.map(({ dtype }) => dtype))),
    stored,
    metadata: raw.metadata,
    targets: facts,
  };
}
