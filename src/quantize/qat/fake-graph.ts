import { consumers, type Graph, type Node, type ValueId, valueById } from "../../ir/index.ts";
import { float32, scalar, type Tensor } from "../../tensor/index.ts";
import { addFakeQuantize, addLearnedStep, trainableConstants } from "../../train/index.ts";
import type { Ranges } from "../calibrate.ts";
import { scaleAxis } from "../contraction.ts";
import type { AffineParameters } from "../parameters.ts";
import { planQuantization, type QuantizationPlan } from "../plan.ts";
import { storedOperand } from "../qdq.ts";
import { activationParameters } from "../quantize-graph.ts";
import { type QuantizationScheme, weightLevels } from "../scheme.ts";
import { type Place, type Spelling, spellRounded } from "../spell-rounded.ts";
import { initialSteps } from "./initial-steps.ts";
import type { NormalisedLayer } from "./normalised-layers.ts";

/** A step that training moves, by the constant that it moves. */
export interface PlacedStep {
  readonly growth: ValueId;
  readonly initial: Float32Array;
}

/** Constants of a layer that keeps its batch normalisation while it is trained. */
export interface PlacedLayer {
  readonly weight: ValueId;
  readonly bias: ValueId | null;
  readonly norm: readonly ValueId[];
  readonly epsilon: number;
}

/** A graph of real numbers in which everything that will be int8 is rounded as int8 is, and where to find what it learns. */
export interface FakeGraph {
  readonly graph: Graph;
  /** Of the source's values, as they were calibrated. */
  readonly parameters: ReadonlyMap<ValueId, AffineParameters>;
  /** Outputs of the fake quantisations; those of weights also in `weightRoundings`. */
  readonly roundings: readonly ValueId[];
  readonly weightRoundings: ReadonlySet<ValueId>;
  /** One a class of values with a common scale; those that a kernel dictates are absent. */
  readonly activationSteps: ReadonlyMap<AffineParameters, PlacedStep>;
  /** By the name of the node. */
  readonly weightSteps: ReadonlyMap<string, PlacedStep>;
  readonly layers: ReadonlyMap<string, PlacedLayer>;
  /** Constants of the source that the graph has as they are. */
  readonly carried: ReadonlyMap<ValueId, ValueId>;
  /** What training must be told to learn: by name, as `TrainOptions.learned`. */
  readonly learned: ReadonlyMap<string, { readonly decays: boolean }>;
}

/** What `fakeGraph` starts from: a folded graph, its calibrated ranges, and its layers whose batch normalisation stays. */
export interface FakeSource {
  readonly graph: Graph;
  readonly ranges: Ranges;
  readonly scheme: QuantizationScheme;
  readonly layers: ReadonlyMap<string, NormalisedLayer>;
}

/**
 * The training form of what `quantizeGraph` makes of the same graph and ranges: the same walk writes both, with fake quantisation in place of pairs. Biases
 * stay real. A final softmax or sigmoid is not rounded, so that the loss takes its logits.
 */
export function fakeGraph(source: FakeSource): FakeGraph {
  const { graph: from, ranges, scheme } = source;
  const plan = planQuantization(from, scheme);
  const parameters = activationParameters(from, plan, ranges);
  const readers = consumers(from);
  const final = (id: ValueId) =>
    plan.classes.get(id)!.dictated !== undefined && from.outputs.includes(id) && (readers.get(id) ?? []).length === 0;
  const rounded = new Map([...parameters].filter(([id]) => !final(id)));
  const made = new Fakes(source, plan);
  const graph = spellRounded({ graph: from, plan, parameters: rounded }, (place) => made.at(place));
  const carried = made.carriedInto(graph);
  const nameOf = (id: ValueId) => valueById(graph, id).name;
  const learned = new Map<string, { decays: boolean }>();
  for (const id of trainableConstants(from)) {
    const now = carried.get(id);
    if (now !== undefined && !made.weights.has(now)) learned.set(nameOf(now), { decays: false });
  }
  for (const id of made.weights) learned.set(nameOf(id), { decays: true });
  for (const { growth } of [...made.activationSteps.values(), ...made.weightSteps.values()])
    learned.set(nameOf(growth), { decays: false });
  return { ...made.results(), graph, parameters, carried, learned };
}

/** The spelling, and a record of what it placed. */
class Fakes {
  readonly #source: FakeSource;
  readonly #dictated: ReadonlySet<AffineParameters>;
  readonly #roundings: ValueId[] = [];
  readonly #weightRoundings = new Set<ValueId>();
  readonly #steps = new Map<AffineParameters, ValueId>();
  readonly #layers = new Map<string, PlacedLayer>();
  readonly activationSteps = new Map<AffineParameters, PlacedStep>();
  readonly weightSteps = new Map<string, PlacedStep>();
  readonly weights = new Set<ValueId>();
  #place: Place | null = null;

  constructor(source: FakeSource, plan: QuantizationPlan) {
    this.#source = source;
    this.#dictated = new Set([...plan.classes.values()].flatMap(({ dictated }) => dictated ?? []));
  }

  at(place: Place): Spelling {
    this.#place = place;
    return {
      activation: (id, parameters, name, result) => this.#activation(place, id, parameters, name, result),
      operand: (name, data, parameters) => storedOperand(place, name, data, parameters),
      contraction: (node) => this.#contraction(place, node),
      after: (node, output) => this.#after(place, node, output),
    };
  }

  carriedInto(graph: Graph): Map<ValueId, ValueId> {
    const { values } = this.#source.graph;
    const constants = [...values.values()].filter(({ data }) => data?.dtype === "float32");
    const pairs = constants.map(({ id }) => [id, this.#place!.carried(id)] as const);
    return new Map(pairs.filter(([, now]) => graph.values.has(now)));
  }

  results() {
    return {
      roundings: this.#roundings,
      weightRoundings: this.#weightRoundings,
      activationSteps: this.activationSteps,
      weightSteps: this.weightSteps,
      layers: this.#layers,
    };
  }

  #activation(place: Place, id: ValueId, parameters: AffineParameters, name: string, result: string): ValueId {
    const { scale, zeroPoint } = parameters;
    let step = this.#steps.get(parameters);
    if (step === undefined) {
      if (this.#dictated.has(parameters)) {
        step = place.builder.constant(place.fresh(`${name}.step`), scalar("float32", scale));
      } else {
        const learned = addLearnedStep(place.builder, name, float32([], [scale]));
        this.activationSteps.set(parameters, { growth: learned.growth, initial: Float32Array.of(scale) });
        step = learned.step;
      }
      this.#steps.set(parameters, step);
    }
    const levels = { low: -128 - zeroPoint, high: 127 - zeroPoint };
    const rounded = addFakeQuantize(place.builder, id, step, levels, { name, result });
    this.#roundings.push(rounded);
    return rounded;
  }

  #contraction(place: Place, node: Node): ValueId[] {
    const { graph, scheme } = this.#source;
    const layer = this.#normalised(place, node);
    const weight = layer?.weight ?? place.carried(node.inputs[1]!);
    const data = place.builder.value(weight).data as Tensor;
    const axis = scaleAxis(node, data.shape, scheme);
    const levels = weightLevels(scheme);
    const initial = initialSteps(data, axis, levels);
    const shape = axis === null ? [] : data.shape.map((size, i) => (i === axis ? size : 1));
    const { growth, step } = addLearnedStep(place.builder, `${node.name}.weight`, float32(shape, initial));
    const name = `${valueById(graph, node.inputs[1]!).name}.fake`;
    const names = { name, result: place.fresh(name) };
    const rounded = addFakeQuantize(place.builder, weight, step, { low: -levels, high: levels }, names);
    this.weightSteps.set(node.name, { growth, initial });
    this.weights.add(weight);
    this.#roundings.push(rounded);
    this.#weightRoundings.add(rounded);
    const given = node.inputs[2] ?? null;
    const bias = layer !== null ? layer.bias : given === null ? null : place.carried(given);
    return bias === null ? [rounded] : [rounded, bias];
  }

  #normalised({ builder }: Place, node: Node): PlacedLayer | null {
    const layer = this.#source.layers.get(node.name);
    if (layer === undefined) return null;
    const constant = ({ name, data }: { name: string; data: Tensor }) => builder.constant(name, data);
    const placed = {
      weight: constant(layer.weight),
      bias: layer.bias === null ? null : constant(layer.bias),
      norm: layer.norm.map(constant),
      epsilon: layer.epsilon,
    };
    this.#layers.set(node.name, placed);
    return placed;
  }

  #after({ builder }: Place, node: Node, output: ValueId): ValueId {
    const layer = this.#layers.get(node.name);
    if (layer === undefined) return output;
    return builder.node(
      "BatchNormalization",
      [output, ...layer.norm],
      { epsilon: layer.epsilon },
      {
        name: `${node.name}.norm`,
      },
    );
  }
}
