import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, type Node, type ValueId, valueById } from "../ir/index.ts";
import type { Tensor } from "../tensor/index.ts";
import type { ChannelMeans, Ranges } from "./calibrate.ts";
import { quantizeContraction } from "./contraction.ts";
import { type AffineParameters, affineInt8, type Range, unite } from "./parameters.ts";
import { planQuantization, type QuantizationPlan } from "./plan.ts";
import { dequantized, pairOf, storedOperand } from "./qdq.ts";
import { MCU_SCHEME, type QuantizationScheme } from "./scheme.ts";
import { type Place, type Spelling, spellRounded } from "./spell-rounded.ts";

/**
 * The graph with its int8 values between QuantizeLinear and DequantizeLinear, its weights int8 and biases int32 behind
 * DequantizeLinear: the representation that both writers take. Inputs and outputs stay float32 and keep their names.
 * Expects batch normalisations folded. Throws EspalierError "input" when a value has no range.
 */
export function quantizeGraph(
  graph: Graph,
  ranges: Ranges,
  scheme: QuantizationScheme = MCU_SCHEME,
  options: QuantizeOptions = {},
): Graph {
  const plan = planQuantization(graph, scheme);
  const parameters = activationParameters(graph, plan, ranges);
  return spellRounded({ graph, plan, parameters }, (place) => inPairs(place, { graph, parameters, scheme, options }));
}

export interface QuantizeOptions {
  /** Corrects each bias by what rounding the weights adds to the mean of the output; default: no correction. */
  readonly channelMeans?: ChannelMeans;
  /** Scales of weights by the name of their node, one a slice (learned ones); default from the largest magnitudes. */
  readonly weightScales?: ReadonlyMap<string, Float32Array>;
}

/** Parameters of every int8 value, by id: one pair for each class. */
export function activationParameters(
  graph: Graph,
  plan: QuantizationPlan,
  ranges: Ranges,
): Map<ValueId, AffineParameters> {
  const result = new Map<ValueId, AffineParameters>();
  for (const [id, group] of plan.classes) {
    if (result.has(id)) continue;
    let parameters = group.dictated;
    if (parameters === undefined) {
      let range: Range | null = null;
      for (const member of group.members) {
        const { name } = valueById(graph, member);
        const own = ranges.get(name);
        if (own === undefined)
          throw new EspalierError("input", `Value "${name}" has no range`, {
            hint: "Calibrate with the scheme that the graph is quantised with.",
          });
        range = unite(range, own);
      }
      parameters = affineInt8(range!);
    }
    for (const member of group.members) result.set(member, parameters);
  }
  return result;
}

interface Source {
  readonly graph: Graph;
  readonly parameters: ReadonlyMap<ValueId, AffineParameters>;
  readonly scheme: QuantizationScheme;
  readonly options: QuantizeOptions;
}

/** What is rounded as integers between QuantizeLinear and DequantizeLinear. */
function inPairs(place: Place, { graph, parameters, scheme, options }: Source): Spelling {
  const constant = (node: Node, i: number): Tensor | undefined => {
    const id = node.inputs[i];
    return id === undefined || id === null ? undefined : valueById(graph, id).data;
  };
  const nameOf = (node: Node, i: number) => valueById(graph, node.inputs[i]!).name;
  return {
    activation: (id, affine, name, result) => pairOf(place, id, affine, name, result),
    operand: (name, data, affine) => storedOperand(place, name, data, affine),
    contraction: (node) => {
      const input = {
        scale: parameters.get(node.inputs[0]!)!.scale,
        means: options.channelMeans?.get(nameOf(node, 0)),
        weightScales: options.weightScales?.get(node.name),
      };
      const { weight, bias } = quantizeContraction(node, constant(node, 1)!, constant(node, 2), input, scheme);
      const inputs = [dequantized(place, nameOf(node, 1), weight.data, weight.scales, 0, weight.axis)];
      if (bias !== null) {
        const name = constant(node, 2) === undefined ? `${node.name}.bias` : nameOf(node, 2);
        inputs.push(dequantized(place, name, bias.data, bias.scales, 0, bias.scales.length === 1 ? null : 0));
      }
      return inputs;
    },
  };
}
