import { EspalierError } from "../../diagnostics/index.ts";
import {
  type Attributes,
  consumers,
  type Graph,
  type Node,
  producers,
  type ValueId,
  valueById,
} from "../../ir/index.ts";
import { contextOf } from "../../ops/index.ts";
import type { ActivationFunctionType, TfliteQuantization } from "./codec/index.ts";
import { fusedActivation } from "./fusion.ts";
import { sameQuantization } from "./quantization.ts";
import { isQuantizable, statedBy } from "./stated.ts";

/** One operator to lower: a node with the activation that TFLite fuses into it, on quantised values where QDQ says so. */
export interface Step {
  readonly node: Node;
  readonly op: string;
  /** Attributes with defaults filled in. */
  readonly attrs: Attributes;
  readonly inputs: readonly (ValueId | null)[];
  readonly outputs: readonly ValueId[];
  readonly activation: ActivationFunctionType;
}

/** A graph with Q/DQ pairs folded into quantised values and clamps folded into their producers. */
export interface Plan {
  readonly graph: Graph;
  readonly steps: readonly Step[];
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly ValueId[];
  /** Quantisation of each integer value or constant that stands for real numbers. */
  readonly quantization: ReadonlyMap<ValueId, TfliteQuantization>;
  /** Name for people of a quantised value: that of the real value it carries. */
  readonly names: ReadonlyMap<ValueId, string>;
  readonly readers: ReadonlyMap<ValueId, readonly Step[]>;
  /**
   * The first quantisation scheme of TensorFlow Lite: uint8 everywhere, weights with a zero point of their own. Such weights
   * fit no int8 kernel exactly; the uint8 kernels, which every runtime still has, take them as they are.
   */
  readonly legacy: boolean;
}

/** Operators whose output elements are elements of their first input. */
const movements: ReadonlySet<string> = new Set([
  "Reshape",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
  "Transpose",
  "Slice",
  "Split",
  "Gather",
  "MaxPool",
  "GlobalMaxPool",
]);

function isMovement(node: Node | null, input: ValueId): node is Node {
  return node !== null && movements.has(node.op) && node.outputs.length === 1 && node.inputs[0] === input;
}

export function planLowering(graph: Graph): Plan {
  const folding = new Folding(graph);
  folding.enter();
  for (const node of graph.nodes) folding.visit(node);
  return folding.finish();
}

class Folding {
  readonly #graph: Graph;
  readonly #readers: ReadonlyMap<ValueId, readonly Node[]>;
  readonly #producers: ReadonlyMap<ValueId, Node>;
  /** A value that is another under a second name (dequantised, cast weight, identity). */
  readonly #alias = new Map<ValueId, ValueId>();
  readonly #quantization = new Map<ValueId, TfliteQuantization>();
  readonly #names = new Map<ValueId, string>();
  readonly #entries: ValueId[] = [];
  readonly #steps: Step[] = [];
  readonly #done = new Set<Node>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#readers = consumers(graph);
    this.#producers = producers(graph);
    for (const node of graph.nodes) {
      if (node.op === "QuantizeLinear") this.#state(node.outputs[0]!, node);
      if (node.op === "DequantizeLinear") this.#state(node.inputs[0]!, node);
    }
    for (const node of graph.nodes.toReversed()) this.#trace(node);
  }

  /** Integers that are moved before they are dequantised have that quantisation already. */
  #trace(node: Node): void {
    const [input] = node.inputs;
    if (!movements.has(node.op) || input === null || input === undefined || this.#quantization.has(input)) return;
    const moved = node.outputs
      .map((id) => this.#quantization.get(id))
      .find((quantization) => quantization !== undefined);
    if (moved !== undefined && isQuantizable(valueById(this.#graph, input).type.dtype))
      this.#quantization.set(input, moved);
  }

  #state(id: ValueId, node: Node): void {
    const stated = statedBy(this.#graph, node);
    const known = this.#quantization.get(id);
    if (known !== undefined && !sameQuantization(known, stated)) {
      throw new EspalierError("unsupported", `"${valueById(this.#graph, id).name}" is read with two quantisations`, {
        where: `node "${node.name}"`,
        hint: "Give its DequantizeLinear the scale and zero point of its QuantizeLinear.",
      });
    }
    this.#quantization.set(id, stated);
  }

  #carrier(id: ValueId): ValueId {
    let at = id;
    for (let next = this.#alias.get(at); next !== undefined; next = this.#alias.get(at)) at = next;
    return at;
  }

  /** A graph input that is only quantised enters as integers, also when it is moved before. */
  enter(): void {
    for (const id of this.#graph.inputs) {
      const carrier = this.#quantized(id);
      this.#entries.push(carrier);
      if (carrier !== id) this.#names.set(carrier, valueById(this.#graph, id).name);
      this.#foresee(id);
    }
  }

  /** A real value that is only moved and then quantised has that quantisation before it is moved. */
  #foresee(id: ValueId): void {
    const path: ValueId[] = [];
    let at = id;
    for (let reader = this.#onlyReader(at); isMovement(reader, at); reader = this.#onlyReader(at)) {
      path.push(at);
      at = reader.outputs[0]!;
    }
    const q = path.length === 0 ? undefined : this.#quantizers(at)?.[0];
    if (q === undefined) return;
    for (const moved of path) this.#quantization.set(moved, this.#quantization.get(q.outputs[0]!)!);
  }

  visit(node: Node): void {
    if (this.#done.has(node)) return;
    const [input] = node.inputs;
    const [output] = node.outputs;
    if (node.op === "DequantizeLinear") {
      const carrier = this.#carrier(input!);
      if (!this.#names.has(carrier)) this.#names.set(carrier, valueById(this.#graph, output!).name);
      this.#alias.set(output!, input!);
      return;
    }
    const weightCast = node.op === "Cast" && valueById(this.#graph, input!).data?.dtype === "float16";
    if (
      (weightCast && valueById(this.#graph, output!).type.dtype === "float32") ||
      node.op === "Identity" ||
      node.op === "Dropout"
    ) {
      this.#alias.set(output!, input!);
      return;
    }
    this.#steps.push(this.#step(node));
  }

  /** Follows a node's result through a fusable clamp and a quantisation, when nothing else reads what lies between. */
  #step(node: Node): Step {
    const inputs = node.inputs.map((id) => (id === null ? null : this.#carrier(id)));
    const outputs = [...node.outputs];
    let activation: ActivationFunctionType = "NONE";
    if (outputs.length === 1 && node.op !== "QuantizeLinear") {
      const clamp = this.#onlyReader(outputs[0]!);
      const fused = clamp === null ? null : fusedActivation(this.#graph, node, clamp, this.#producers);
      if (clamp !== null && fused !== null) {
        activation = fused;
        outputs[0] = clamp.outputs[0]!;
        this.#done.add(clamp);
      }
    }
    const ends = outputs.map((id) => this.#quantized(id));
    for (const id of ends) if (!this.#quantization.has(id)) this.#foresee(id);
    const result: Step = {
      node,
      op: node.op,
      attrs: contextOf(this.#graph, node).attrs as Attributes,
      inputs,
      outputs: ends,
      activation,
    };
    this.#inherit(result);
    return result;
  }

  #onlyReader(id: ValueId): Node | null {
    const readers = this.#readers.get(id) ?? [];
    return readers.length === 1 && !this.#graph.outputs.includes(id) ? readers[0]! : null;
  }

  /** The nodes that read a value, when they are nothing but equal QuantizeLinear nodes; otherwise null. */
  #quantizers(id: ValueId): readonly Node[] | null {
    const readers = this.#readers.get(id) ?? [];
    const first = readers[0]?.outputs[0];
    if (first === undefined || this.#graph.outputs.includes(id)) return null;
    const wanted = this.#quantization.get(first);
    const equal = (reader: Node) =>
      reader.op === "QuantizeLinear" && sameQuantization(this.#quantization.get(reader.outputs[0]!), wanted);
    return readers.every(equal) ? readers : null;
  }

  /** The quantised form of a value if that is all that is read of it, otherwise the value itself. */
  #quantized(id: ValueId): ValueId {
    const readers = this.#quantizers(id);
    if (readers === null) return id;
    const first = readers[0]!.outputs[0]!;
    for (const reader of readers) {
      this.#done.add(reader);
      if (reader.outputs[0] !== first) this.#alias.set(reader.outputs[0]!, first);
    }
    return first;
  }

  /** Movement commutes with quantisation: what moves a quantised value gives one with the same scale, Q and DQ or not. */
  #inherit(step: Step): void {
    const [input] = step.inputs;
    const from = input === null || input === undefined ? undefined : this.#quantization.get(input);
    if (from === undefined || step.op === "QuantizeLinear") return;
    for (const id of step.outputs) {
      const integer = isQuantizable(valueById(this.#graph, id).type.dtype);
      if ((integer || movements.has(step.op)) && !this.#quantization.has(id)) this.#quantization.set(id, from);
    }
  }

  finish(): Plan {
    const graph = this.#graph;
    const steps = this.#steps;
    const readers = new Map<ValueId, Step[]>();
    for (const step of steps)
      for (const id of new Set(step.inputs)) if (id !== null) readers.set(id, [...(readers.get(id) ?? []), step]);
    return {
      graph,
      steps,
      inputs: this.#entries,
      outputs: graph.outputs.map((id) => this.#carrier(id)),
      quantization: this.#quantization,
      names: this.#names,
      readers,
      legacy: this.#isLegacy(),
    };
  }

  #isLegacy(): boolean {
    let asymmetric = false;
    for (const [id, { scales, zeroPoints }] of this.#quantization) {
      const { type, data } = valueById(this.#graph, id);
      if (type.dtype === "int32") continue;
      if (type.dtype !== "uint8" || scales.length > 1) return false;
      asymmetric ||= data !== undefined && data.shape.length > 1 && zeroPoints[0] !== 0;
    }
    return asymmetric;
  }
}
