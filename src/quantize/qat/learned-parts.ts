import { invariant } from "../../diagnostics/index.ts";
import { consumers, type Graph, type ValueId, valueById } from "../../ir/index.ts";
import { editGraph } from "../../ops/index.ts";
import { type Tensor, toFloat32 } from "../../tensor/index.ts";
import { stepAfter } from "../../train/index.ts";
import type { Ranges } from "../calibrate.ts";
import { affineInt8, type Range } from "../parameters.ts";
import type { FakeGraph, PlacedStep } from "./fake-graph.ts";
import { folded } from "./normalised-layers.ts";

/** What was learned, as `quantizeGraph` takes it. */
export interface LearnedParts {
  /** The folded float32 graph with its trained weights. */
  readonly float: Graph;
  /** Ranges whose scales are the learned ones. */
  readonly ranges: Ranges;
  /** By the name of the node, one a slice. */
  readonly weightScales: ReadonlyMap<string, Float32Array>;
}

/** Takes weights, normalisations and steps out of a trained fake graph and puts them into the folded graph that it was made from. */
export function learnedParts(source: Graph, fake: FakeGraph, trained: Graph): LearnedParts {
  const dataOf = (id: ValueId): Tensor => valueById(trained, id).data!;
  const stepOf = ({ growth, initial }: PlacedStep) => stepAfter(initial, toFloat32(dataOf(growth)));
  const builder = editGraph(source);
  const readers = consumers(source);
  for (const [from, to] of fake.carried) builder.setConstant(from, dataOf(to));
  const weightScales = new Map([...fake.weightSteps].map(([name, step]) => [name, stepOf(step)]));
  for (const node of source.nodes) {
    const layer = fake.layers.get(node.name);
    if (layer === undefined) continue;
    const values = {
      weight: dataOf(layer.weight),
      bias: layer.bias === null ? null : dataOf(layer.bias),
      norm: layer.norm.map(dataOf),
      epsilon: layer.epsilon,
    };
    const { weight, bias, factors } = folded(node, values);
    const put = (id: ValueId | null | undefined, data: Tensor): ValueId => {
      if (id === undefined || id === null) return builder.constant(`${node.name}.bias`, data);
      if (readers.get(id)!.length > 1) return builder.constant(valueById(source, id).name, data);
      builder.setConstant(id, data);
      return id;
    };
    const inputs = [node.inputs[0]!, put(node.inputs[1], weight), put(node.inputs[2], bias)];
    builder.replaceNode(node, { ...node, inputs });
    // q step factor = q sign(factor) (step |factor|): a negative factor turns the integers, which are symmetric.
    const steps = weightScales.get(node.name)!;
    weightScales.set(
      node.name,
      steps.map((step, c) => step * Math.abs(factors[c]!)),
    );
  }
  return { float: builder.build(), ranges: rangesOf(source, fake, stepOf), weightScales };
}

/** For each value the range from which `affineInt8` gives back the learned scale and the calibrated zero point. */
function rangesOf(source: Graph, fake: FakeGraph, stepOf: (step: PlacedStep) => Float32Array): Ranges {
  const ranges = new Map<string, Range>();
  for (const [id, parameters] of fake.parameters) {
    const step = fake.activationSteps.get(parameters);
    if (step === undefined) continue;
    const scale = stepOf(step)[0]!;
    const { zeroPoint } = parameters;
    const range = { low: (-128 - zeroPoint) * scale, high: (127 - zeroPoint) * scale };
    const again = affineInt8(range);
    invariant(
      again.scale === scale && again.zeroPoint === zeroPoint,
      `scale ${scale} and zero point ${zeroPoint} became ${again.scale} and ${again.zeroPoint}`,
    );
    ranges.set(valueById(source, id).name, range);
  }
  return ranges;
}
