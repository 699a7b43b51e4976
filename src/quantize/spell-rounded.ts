import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, type GraphBuilder, type Node, type ValueId, valueById } from "../ir/index.ts";
import { newBuilder } from "../ops/index.ts";
import { type Tensor, toFloat32 } from "../tensor/index.ts";
import { type AffineParameters, affineInt8, type Range } from "./parameters.ts";
import type { QuantizationPlan } from "./plan.ts";

/** Where a spelling adds its nodes. */
export interface Place {
  readonly builder: GraphBuilder;
  /** A name that neither the source nor anything added has. */
  fresh(wanted: string): string;
  /** A constant of the source, as it is. */
  carried(id: ValueId): ValueId;
}

/** How a graph writes what int8 holds: as integers between pairs of nodes, or as real numbers that are rounded alike. */
export interface Spelling {
  /** The value `id` as int8 has it; `name` is the source's name for it, `result` that of the answer. */
  activation(id: ValueId, parameters: AffineParameters, name: string, result: string): ValueId;
  /** A constant operand of an elementwise operator. */
  operand(name: string, data: Tensor, parameters: AffineParameters): ValueId;
  /** Weight and bias of a convolution or matrix product. */
  contraction(node: Node): readonly ValueId[];
  /** What follows a convolution or matrix product itself; default: nothing. */
  after?(node: Node, output: ValueId): ValueId;
}

/** A graph of real numbers, which of its values are rounded, and to what. */
export interface RoundedGraph {
  readonly graph: Graph;
  readonly plan: QuantizationPlan;
  /** Of every value that is rounded. */
  readonly parameters: ReadonlyMap<ValueId, AffineParameters>;
}

/** Writes a graph anew with everything that int8 holds in a spelling; inputs and outputs keep their names and types. */
export function spellRounded(source: RoundedGraph, spelling: (place: Place) => Spelling): Graph {
  return new Speller(source, spelling).run();
}

class Speller implements Place {
  readonly builder: GraphBuilder;
  readonly #graph: Graph;
  readonly #plan: QuantizationPlan;
  readonly #parameters: ReadonlyMap<ValueId, AffineParameters>;
  readonly #spelling: Spelling;
  /** The value as operators on real numbers read it, and as int8 operators do. */
  readonly #real = new Map<ValueId, ValueId>();
  readonly #int8 = new Map<ValueId, ValueId>();
  readonly #taken: Set<string>;

  constructor({ graph, plan, parameters }: RoundedGraph, spelling: (place: Place) => Spelling) {
    this.#graph = graph;
    this.#plan = plan;
    this.#parameters = parameters;
    this.builder = newBuilder(graph.name);
    this.#taken = new Set([...graph.values.values()].map((value) => value.name));
    this.#spelling = spelling(this);
  }

  run(): Graph {
    for (const id of this.#graph.inputs) {
      const { name, type } = valueById(this.#graph, id);
      const input = this.builder.input(name, type);
      this.#real.set(id, input);
      const parameters = this.#parameters.get(id);
      if (parameters !== undefined)
        this.#int8.set(id, this.#spelling.activation(input, parameters, name, this.fresh(`${name}.dequantized`)));
    }
    for (const node of this.#graph.nodes) this.#node(node);
    for (const id of this.#graph.outputs) this.builder.output(this.#read(id, false));
    this.builder.setMetadata(this.#graph.metadata);
    return this.builder.build();
  }

  fresh(wanted: string): string {
    let name = wanted;
    for (let i = 1; this.#taken.has(name); i++) name = `${wanted}.${i}`;
    this.#taken.add(name);
    return name;
  }

  carried(id: ValueId): ValueId {
    return this.#read(id, false);
  }

  #read(id: ValueId, int8: boolean): ValueId {
    const value = valueById(this.#graph, id);
    const known = (int8 ? this.#int8.get(id) : undefined) ?? this.#real.get(id);
    if (known !== undefined) return known;
    if (value.data === undefined)
      throw new EspalierError("internal", `internal: "${value.name}" is read before it is made`);
    const made = this.builder.constant(value.name, value.data);
    this.#real.set(id, made);
    return made;
  }

  #node(node: Node): void {
    const int8 = this.#plan.rules.get(node)!.kind !== "float";
    const contraction = int8 && this.#isContraction(node);
    const inputs = contraction
      ? [this.#read(node.inputs[0]!, true), ...this.#spelling.contraction(node)]
      : int8
        ? this.#int8Inputs(node)
        : node.inputs.map((id) => (id === null ? null : this.#read(id, false)));
    const attrs = node.op === "Gemm" && int8 ? { ...node.attrs, alpha: 1, beta: 1 } : node.attrs;
    const names = node.outputs.map((id) => valueById(this.#graph, id).name);
    const outputNames = node.outputs.map((id, o) =>
      int8 && this.#parameters.has(id) ? this.fresh(`${names[o]}.real`) : names[o]!,
    );
    const options = { name: node.name, outputNames, outputs: node.outputs.length };
    const made = [...this.builder.nodes(node.op, inputs, attrs, options)];
    if (contraction) made[0] = this.#spelling.after?.(node, made[0]!) ?? made[0]!;
    node.outputs.forEach((id, o) => {
      this.#real.set(id, made[o]!);
      const parameters = this.#parameters.get(id);
      if (parameters === undefined) return;
      const name = names[o]!;
      const result = int8 ? name : this.fresh(`${name}.dequantized`);
      const rounded = this.#spelling.activation(made[o]!, parameters, name, result);
      this.#int8.set(id, rounded);
      // What an int8 operator makes exists as int8 only.
      if (int8) this.#real.set(id, rounded);
    });
  }

  #isContraction(node: Node): boolean {
    return (
      ["Conv", "ConvTranspose", "Gemm"].includes(node.op) ||
      (node.op === "MatMul" && valueById(this.#graph, node.inputs[1]!).data?.shape.length === 2)
    );
  }

  #int8Inputs(node: Node): (ValueId | null)[] {
    return node.inputs.map((id, i) => {
      if (id === null) return null;
      const { name, data, type } = valueById(this.#graph, id);
      if (data !== undefined && type.dtype === "float32" && isOperand(node.op, i))
        return this.#spelling.operand(name, data, this.#operandParameters(node, data));
      const read = this.#read(id, true);
      if (this.#plan.rescaled.get(node)?.has(i) !== true) return read;
      const parameters = this.#parameters.get(node.outputs[0]!)!;
      const [label, result] = [this.fresh(`${name}.rescaled`), this.fresh(`${name}.rescaled`)];
      return this.#spelling.activation(read, parameters, label, result);
    });
  }

  /** Symmetric for slopes, the output's where all operands share one scale, else the operand's own. */
  #operandParameters(node: Node, data: Tensor): AffineParameters {
    if (this.#plan.rules.get(node)!.kind === "same") return this.#parameters.get(node.outputs[0]!)!;
    const range = spanOf(toFloat32(data));
    return node.op === "PRelu" ? symmetric(range) : affineInt8(range);
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

function symmetric({ low, high }: Range): AffineParameters {
  return { scale: Math.fround(Math.max(-low, high) / 127) || 1 / 127, zeroPoint: 0 };
}
