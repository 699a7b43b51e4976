import { type Graph, type ValueId, valueById } from "../../ir/index.ts";
import { editGraph, type Formula, formula } from "../../ops/index.ts";
import { float32, fromNumbers, sizeOf, type Tensor, toFloat32 } from "../../tensor/index.ts";
import { trainables } from "../../train/index.ts";
import { expandFamily } from "../family.ts";
import type { GatePlan } from "./gate-plan.ts";

/** A factor (or the logit of one) is so many times what is learned: it has to move by units where weights move by hundredths, at the same learning rate. */
export const GAIN = 4;

/** A graph whose weights are multiplied by gates. */
export interface GatedGraph {
  readonly graph: Graph;
  /** The learned constant [gates], its name, and the factors [gates] that are computed from it. */
  readonly gates: ValueId;
  readonly name: string;
  readonly factors: ValueId;
  /** What training must be told to learn. */
  readonly learned: ReadonlyMap<string, { readonly decays: boolean }>;
}

/** The graph with a learned constant that starts as `initial`; `factors` adds the nodes that make the gates' factors of it. Ids of the graph stay valid. */
export function gatedGraph(
  graph: Graph,
  plan: GatePlan,
  initial: Tensor<"float32">,
  factors: (f: Formula, gates: ValueId) => ValueId,
): GatedGraph {
  const builder = editGraph(graph);
  const gates = builder.constant("prune.gates", initial);
  const f = formula(builder, "prune.gates");
  const made = factors(f, gates);
  const withOne = f.node("Concat", [made, f.constant(float32([1], [1]))], { axis: 0 });
  const decays = new Map(trainables(graph).map((own) => [own.id, own.decays]));
  const learned = new Map([[builder.value(gates).name, { decays: false }]]);
  for (const { value, families } of plan.weights) {
    const readers = builder.currentNodes.filter((node) => node.inputs.includes(value));
    let gated = value;
    for (const { shape, ids } of families) {
      const places = fromNumbers(
        "int64",
        shape,
        Array.from(ids, (gate) => (gate < 0 ? plan.count : gate)),
      );
      gated = f.mul(gated, f.node("Gather", [withOne, f.constant(places)], { axis: 0 }));
    }
    for (const node of readers)
      builder.replaceNode(node, { ...node, inputs: node.inputs.map((id) => (id === value ? gated : id)) });
    const own = decays.get(value);
    if (own !== undefined) learned.set(valueById(graph, value).name, { decays: own });
  }
  return { graph: builder.build(), gates, name: builder.value(gates).name, factors: made, learned };
}

/** The graph with weights multiplied by the factors of their gates, which are in it no longer. */
export function foldedGates(graph: Graph, plan: GatePlan, factors: ArrayLike<number>): Graph {
  const builder = editGraph(graph);
  for (const { value, families } of plan.weights) {
    const { data } = builder.value(value);
    const shape = data!.shape as readonly number[];
    const weights = Float32Array.from(toFloat32(data!));
    for (const family of families) {
      const { ids } = expandFamily(family, shape);
      for (let i = 0; i < sizeOf(shape); i++) if (ids[i]! >= 0) weights[i]! *= factors[ids[i]!]!;
    }
    builder.setConstant(value, float32(shape, weights));
  }
  return builder.build();
}
