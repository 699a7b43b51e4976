import { type DeviceProfile, listWork, loadProfile, unsupported } from "../../src/cost/index.ts";
import { EspalierError } from "../../src/diagnostics/index.ts";
import { lowerToTflite } from "../../src/formats/tflite/index.ts";
import { LOWERINGS } from "../../src/formats/tflite/ops/index.ts";
import { type Graph, type Node, valueById } from "../../src/ir/index.ts";
import { newBuilder, specOf } from "../../src/ops/index.ts";
import { convertFloat16, deployPipeline, runPasses } from "../../src/passes/index.ts";
import { MCU_SCHEME, MOBILE_SCHEME } from "../../src/quantize/index.ts";
import type { Target } from "../../targets/index.ts";
import { deviceCost } from "../../targets/index.ts";
import { checkDeployable } from "../deployable.ts";
import { lowerForMemory } from "../device.ts";

/** Something that a target would refuse, or do worse than it could. */
export interface Obstacle {
  /** "deploy": what `espalier deploy` demands of any model; the rest is an artifact or "device". */
  readonly stage: "deploy" | "fine-tuning" | "onnx-float16" | "tflite-float32" | "tflite-int8" | "device";
  /** The node, input or file; null for the model as a whole. */
  readonly where: string | null;
  readonly what: string;
  readonly hint: string | null;
}

/** What stands between a model and a target with its default profile. */
export interface TargetFacts {
  readonly target: string;
  readonly profile: string;
  /** Whether nothing stands in the way. */
  readonly accepted: boolean;
  readonly refusals: readonly Obstacle[];
  /** What works, but not as well as it could. */
  readonly remarks: readonly Obstacle[];
  /** Tensor arena and flash of TensorFlow Lite Micro before any pruning; null elsewhere and where it cannot be lowered. */
  readonly memory: { readonly arenaBytes: number; readonly flashBytes: number } | null;
}

const ALREADY_QUANTISED: Obstacle = {
  stage: "fine-tuning",
  where: null,
  what: "The model is quantised already: rounding has no gradient, so it cannot be fine-tuned",
  hint: "Give the float model that it was made from, or use espalier convert.",
};

/** Nodes of one kind are one line; more names than this say no more. */
const NAMES = 3;

function obstacle(stage: Obstacle["stage"], error: unknown): Obstacle {
  if (!(error instanceof EspalierError) || error.code === "internal") throw error;
  return { stage, where: error.where ?? null, what: error.message, hint: error.hint ?? null };
}

function attempt(stage: Obstacle["stage"], into: Obstacle[], action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    into.push(obstacle(stage, error));
    return false;
  }
}

function listed(names: readonly string[]): string {
  const first = names.slice(0, NAMES).join(", ");
  return names.length > NAMES ? `${first} and ${names.length - NAMES} more` : first;
}

function namesOf(nodes: readonly Node[]): string {
  return listed(nodes.map(({ name }) => name));
}

function byOperator(nodes: readonly Node[]): Map<string, Node[]> {
  const groups = new Map<string, Node[]>();
  for (const node of nodes) groups.set(node.op, [...(groups.get(node.op) ?? []), node]);
  return groups;
}

/** Operators that stop the gradient on its way to the weights. */
function withoutGradient(graph: Graph): Obstacle[] {
  const computed = new Set(graph.inputs);
  const stopped = graph.nodes.filter((node) => {
    const onPath = node.inputs.some((id) => id !== null && computed.has(id));
    if (onPath) for (const id of node.outputs) computed.add(id);
    const real = node.outputs.some((id) => valueById(graph, id).type.dtype.startsWith("float"));
    return onPath && real && typeof specOf(node.op).gradient === "string";
  });
  return [...byOperator(stopped)].map(([op, nodes]) => ({
    stage: "fine-tuning",
    where: namesOf(nodes),
    what: `${op} has no gradient ${specOf(op).gradient === "not-written" ? "in Espalier yet" : "mathematically"}: nothing before it can be fine-tuned`,
    hint: null,
  }));
}

/** What keeps a graph from becoming TFLite: why lowering stops, and every other operator that has no form. */
function tfliteObstacles(graph: Graph, stage: "tflite-float32" | "tflite-int8", lower: () => void): Obstacle[] {
  const found: Obstacle[] = [];
  if (attempt(stage, found, lower)) return [];
  const unknown = graph.nodes.filter(({ op }) => !(op in LOWERINGS) && specOf(op).kind !== "quantization");
  const groups = [...byOperator(unknown)].filter(([, nodes]) => !lowersAlone(graph, nodes[0]!));
  if (groups.length === 0) return found;
  const hint = "Deploy to ONNX, or replace the operator before exporting.";
  const missing = groups.map(([op, nodes]) => ({
    stage,
    where: namesOf(nodes),
    what: `${op} has no TFLite form`,
    hint,
  }));
  const isAmongThem = groups.some(([op]) => found[0]!.what.startsWith(`${op} `));
  return isAmongThem ? missing : [...found, ...missing];
}

/** Whether a node by itself can be lowered: one that has no TFLite form of its own may be rewritten into others. */
function lowersAlone(graph: Graph, node: Node): boolean {
  const builder = newBuilder(node.name);
  const inputs = node.inputs.map((id) => {
    if (id === null) return null;
    const { name, type, data } = valueById(graph, id);
    return data === undefined ? builder.input(name, type) : builder.constant(name, data);
  });
  for (const id of builder.nodes(node.op, inputs, node.attrs, { name: node.name, outputs: node.outputs.length }))
    builder.output(id);
  return attempt("tflite-float32", [], () => lowerToTflite(builder.build()));
}

/** What a target would refuse of a graph in canonical form (images channels first), and why. */
export async function targetFacts(graph: Graph, target: Target): Promise<TargetFacts> {
  const profile = await loadProfile(target.defaults.profile);
  const refusals: Obstacle[] = [];
  const remarks: Obstacle[] = [];
  attempt("deploy", refusals, () => checkDeployable(graph));
  refusals.push(...(isQuantised(graph) ? [ALREADY_QUANTISED] : withoutGradient(graph)));
  let folded = graph;
  attempt("deploy", refusals, () => {
    folded = runPasses(graph, deployPipeline);
  });
  if (target.artifacts.includes("onnx-float16"))
    attempt("onnx-float16", refusals, () => runPasses(folded, [convertFloat16]));
  if (target.artifacts.includes("tflite-float32"))
    refusals.push(...tfliteObstacles(folded, "tflite-float32", () => lowerToTflite(folded)));
  const scheme = profile.class === "mcu" ? MCU_SCHEME : MOBILE_SCHEME;
  if (target.artifacts.includes("tflite-int8"))
    refusals.push(
      ...tfliteObstacles(folded, "tflite-int8", () =>
        isQuantised(graph) ? lowerToTflite(folded) : lowerForMemory(graph, scheme),
      ),
    );
  remarks.push(...onHost(folded, target, profile));
  const lowered = !refusals.some(({ stage }) => stage === "tflite-int8");
  const memory = profile.class === "mcu" && lowered ? memoryOf(graph, target, profile) : null;
  if (memory !== null) remarks.push(...beyondLimits(memory, profile));
  return { target: target.name, profile: profile.name, accepted: refusals.length === 0, refusals, remarks, memory };
}

function isQuantised(graph: Graph): boolean {
  return graph.nodes.some(({ op }) => op === "QuantizeLinear");
}

/** Nodes that the device hands to its host, one line for each reason. */
function onHost(graph: Graph, target: Target, profile: DeviceProfile): Obstacle[] {
  const reasons = new Map<string, string[]>();
  try {
    const work = listWork(graph, { precision: profile.deploy.precision, fuseResidual: target.fusesResidual });
    for (const { node, op, reason } of unsupported(work, profile)) {
      const what = `${op} runs on the host CPU: ${reason}`;
      reasons.set(what, [...(reasons.get(what) ?? []), node]);
    }
  } catch (error) {
    // What cannot be listed is refused by another stage already.
    if (!(error instanceof EspalierError) || error.code === "internal") throw error;
  }
  return [...reasons].map(([what, nodes]) => ({ stage: "device", where: listed(nodes), what, hint: null }));
}

function memoryOf(graph: Graph, target: Target, profile: DeviceProfile): TargetFacts["memory"] {
  const lower = (candidate: Graph) =>
    isQuantised(candidate) ? lowerToTflite(candidate).model : lowerForMemory(candidate, MCU_SCHEME);
  const cost = deviceCost(graph, { target, profile, lower });
  return { arenaBytes: cost.ramBytes, flashBytes: cost.flash?.highBytes ?? cost.modelBytes };
}

/** Figures beyond the profile's limits: that is what pruning is for. */
function beyondLimits(
  { arenaBytes, flashBytes }: NonNullable<TargetFacts["memory"]>,
  profile: DeviceProfile,
): Obstacle[] {
  const limits = profile.budgets;
  const over = (what: string, bytes: number, limit: number | undefined): Obstacle[] =>
    limit === undefined || bytes <= limit
      ? []
      : [
          {
            stage: "device",
            where: null,
            what: `${what} of ${bytes} bytes is above the profile's ${limit}`,
            hint: "Pruning must bring it down.",
          },
        ];
  return [...over("An arena", arenaBytes, limits?.ramBytes), ...over("Flash", flashBytes, limits?.flashBytes)];
}
