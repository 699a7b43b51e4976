import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, type GraphBuilder, type Node, type ValueId, valueById } from "../ir/index.ts";
import { newBuilder } from "../ops/index.ts";
import { float32, scalar, type Tensor, tensor, toFloat32 } from "../tensor/index.ts";
import type { ChannelMeans, Ranges } from "./calibrate.ts";
import { quantizeContraction } from "./contraction.ts";
import { type AffineParameters, affineInt8, type Range, unite } from "./parameters.ts";
import { planQuantization, type QuantizationPlan } from "./plan.ts";
import { MCU_SCHEME, type QuantizationScheme } from "./scheme.ts";

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
  return new Quantizer(graph, ranges, scheme, options.channelMeans ?? new Map()).run();
}

export interface QuantizeOptions {
  /** Corrects each bias by what rounding the weights adds to the mean of the output; default: no correction. */
  readonly channelMeans?: ChannelMeans;
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

class Quantizer {
  readonly #graph: Graph;
  readonly #scheme: QuantizationScheme;
  readonly #plan: QuantizationPlan;
  readonly #parameters: ReadonlyMap<ValueId, AffineParameters>;
  readonly #builder: GraphBuilder;
  /** The value as operators on real numbers read it, and as int8 operators do. */
  readonly #real = new Map<ValueId, ValueId>();
  readonly #int8 = new Map<ValueId, ValueId>();
  readonly #taken: Set<string>;
  readonly #means: ChannelMeans;

  constructor(graph: Graph, ranges: Ranges, scheme: QuantizationScheme, means: ChannelMeans) {
    this.#means = means;
    this.#graph = graph;
    this.#scheme = scheme;
    this.#plan = planQuantization(graph, scheme);
    this.#parameters = activationParameters(graph, this.#plan, ranges);
    this.#builder = newBuilder(graph.name);
    this.#taken = new Set([...graph.values.values()].map((value) => value.name));
  }

  run(): Graph {
    for (const id of this.#graph.inputs) {
      const { name, type } = valueById(this.#graph, id);
      const input = this.#builder.input(name, type);
      this.#real.set(id, input);
      const parameters = this.#parameters.get(id);
      if (parameters !== undefined)
        this.#int8.set(id, this.#pair(input, parameters, name, this.#fresh(`${name}.dequantized`)));
    }
    for (const node of this.#graph.nodes) this.#node(node);
    for (const id of this.#graph.outputs) this.#builder.output(this.#read(id, false));
    this.#builder.setMetadata(this.#graph.metadata);
    return this.#builder.build();
  }

  #fresh(wanted: string): string {
    let name = wanted;
    for (let i = 1; this.#taken.has(name); i++) name = `${wanted}.${i}`;
    this.#taken.add(name);
    return name;
  }

  /** QuantizeLinear and DequantizeLinear in a row; the result has the name `result`. */
  #pair(id: ValueId, { scale, zeroPoint }: AffineParameters, name: string, result: string): ValueId {
    const operands = [
      this.#builder.constant(this.#fresh(`${name}.scale`), scalar("float32", scale)),
      this.#builder.constant(this.#fresh(`${name}.zero_point`), scalar("int8", zeroPoint)),
    ];
    const q = this.#builder.node("QuantizeLinear", [id, ...operands], {}, { name: this.#fresh(`${name}.quantized`) });
    return this.#builder.node(
      "DequantizeLinear",
      [q, ...operands],
      {},
      { name: `${name}.dequantize`, outputNames: [result] },
    );
  }

  #read(id: ValueId, int8: boolean): ValueId {
    const value = valueById(this.#graph, id);
    const known = (int8 ? this.#int8.get(id) : undefined) ?? this.#real.get(id);
    if (known !== undefined) return known;
    if (value.data === undefined)
      throw new EspalierError("internal", `internal: "${value.name}" is read before it is made`);
    const made = this.#builder.constant(value.name, value.data);
    this.#real.set(id, made);
    return made;
  }

  #node(node: Node): void {
    const int8 = this.#plan.rules.get(node)!.kind !== "float";
    const inputs = int8
      ? this.#int8Inputs(node)
      : node.inputs.map((id) => (id === null ? null : this.#read(id, false)));
    const attrs = node.op === "Gemm" && int8 ? { ...node.attrs, alpha: 1, beta: 1 } : node.attrs;
    const names = node.outputs.map((id) => valueById(this.#graph, id).name);
    const outputNames = node.outputs.map((id, o) =>
      int8 && this.#parameters.has(id) ? this.#fresh(`${names[o]}.real`) : names[o]!,
    );
    const made = this.#builder.nodes(node.op, inputs, attrs, {
      name: node.name,
      outputNames,
      outputs: node.outputs.length,
    });
    node.outputs.forEach((id, o) => {
      this.#real.set(id, made[o]!);
      const parameters = this.#parameters.get(id);
      if (parameters === undefined) return;
      const name = names[o]!;
      const result = this.#pair(made[o]!, parameters, name, int8 ? name : this.#fresh(`${name}.dequantized`));
      this.#int8.set(id, result);
      // What an int8 operator makes exists as int8 only.
      if (int8) this.#real.set(id, result);
    });
  }

  #int8Inputs(node: Node): (ValueId | null)[] {
    const contraction =
      ["Conv", "ConvTranspose", "Gemm"].includes(node.op) ||
      (node.op === "MatMul" && this.#data(node, 1)?.shape.length === 2);
    if (contraction) return this.#contraction(node);
    const inputs = node.inputs.map((id, i) => {
      if (id === null) return null;
      const { data, type } = valueById(this.#graph, id);
      if (data !== undefined && type.dtype === "float32" && isOperand(node.op, i)) return this.#operand(node, id, data);
      const read = this.#read(id, true);
      if (this.#plan.rescaled.get(node)?.has(i) !== true) return read;
      const { name } = valueById(this.#graph, id);
      const parameters = this.#parameters.get(node.outputs[0]!)!;
      return this.#pair(read, parameters, this.#fresh(`${name}.rescaled`), this.#fresh(`${name}.rescaled`));
    });
    return inputs;
  }

  #data(node: Node, i: number): Tensor | undefined {
    const id = node.inputs[i];
    return id === undefined || id === null ? undefined : valueById(this.#graph, id).data;
  }

  /** A constant operand of an elementwise operator: symmetric for slopes, in the output's scale where all operands share it, else its own range. */
  #operand(node: Node, id: ValueId, data: Tensor): ValueId {
    const { name } = valueById(this.#graph, id);
    const values = toFloat32(data);
    const rule = this.#plan.rules.get(node)!;
    const parameters =
      rule.kind === "same"
        ? this.#parameters.get(node.outputs[0]!)!
        : node.op === "PRelu"
          ? symmetric(values)
          : affineInt8(spanOf(values));
    const { scale, zeroPoint } = parameters;
    const q = Int8Array.from(values, (value) => Math.max(-128, Math.min(127, Math.round(value / scale) + zeroPoint)));
    return this.#dequantized(name, tensor("int8", data.shape, q), Float32Array.of(scale), zeroPoint, null);
  }

  #dequantized(name: string, data: Tensor, scales: Float32Array, zeroPoint: number, axis: number | null): ValueId {
    const shape = axis === null || scales.length === 1 ? [] : [scales.length];
    const inputs = [
      this.#builder.constant(this.#fresh(`${name}.${data.dtype}`), data),
      this.#builder.constant(this.#fresh(`${name}.scale`), float32(shape, scales)),
    ];
    // ONNX allows no zero point other than 0 beside int32, and ONNX Runtime wants it absent.
    if (data.dtype === "int8") {
      const zeros = new Int8Array(scales.length).fill(zeroPoint);
      inputs.push(this.#builder.constant(this.#fresh(`${name}.zero_point`), tensor("int8", shape, zeros)));
    }
    const attrs = axis === null ? {} : { axis };
    return this.#builder.node("DequantizeLinear", inputs, attrs, { name: this.#fresh(`${name}.dequantized`) });
  }

  /** Weight and bias of a convolution or matrix product. */
  #contraction(node: Node): (ValueId | null)[] {
    const input = { scale: this.#parameters.get(node.inputs[0]!)!.scale, means: this.#means.get(this.#name(node, 0)) };
    const { weight, bias } = quantizeContraction(node, this.#data(node, 1)!, this.#data(node, 2), input, this.#scheme);
    const inputs = [
      this.#read(node.inputs[0]!, true),
      this.#dequantized(this.#name(node, 1), weight.data, weight.scales, 0, weight.axis),
    ];
    if (bias !== null) {
      const name = this.#data(node, 2) === undefined ? `${node.name}.bias` : this.#name(node, 2);
      inputs.push(this.#dequantized(name, bias.data, bias.scales, 0, bias.scales.length === 1 ? null : 0));
    }
    return inputs;
  }

  #name(node: Node, i: number): string {
    return valueById(this.#graph, node.inputs[i]!).name;
  }
}

/** Whether input i of an elementwise or movement operator is a real operand, not a bound, shape, scale or pad value. */
function isOperand(op: string, i: number): boolean {
  return !((op === "Clip" || op === "Pad" || op === "Resize") && i > 0);
}

function spanOf(values: Float32Array): Range {
  let low = 0;
  let high = 0;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

function symmetric(values: Float32Array): AffineParameters {
  const { low, high } = spanOf(values);
  return { scale: Math.fround(Math.max(-low, high) / 127) || 1 / 127, zeroPoint: 0 };
}
