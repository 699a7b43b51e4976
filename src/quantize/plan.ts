import { fusedActivation } from "../formats/tflite/index.ts";
import { consumers, type Graph, type Node, producers, type ValueId, valueById } from "../ir/index.ts";
import { type OutputRule, outputRule } from "./constraints.ts";
import type { AffineParameters } from "./parameters.ts";
import type { QuantizationScheme } from "./scheme.ts";

/** A set of values with one scale and zero point. */
export interface ScaleClass {
  readonly members: readonly ValueId[];
  /** Set when a kernel dictates the parameters; otherwise they come from the members' ranges. */
  readonly dictated?: AffineParameters;
}

/** Which values become int8, and which of them share their scale. */
export interface QuantizationPlan {
  readonly rules: ReadonlyMap<Node, OutputRule>;
  /** The class of each value that becomes int8. */
  readonly classes: ReadonlyMap<ValueId, ScaleClass>;
  /** Inputs that a node reads in its output's scale although the value has another (a dictated one). */
  readonly rescaled: ReadonlyMap<Node, ReadonlySet<number>>;
}

/** Decides, from the operators alone, what is quantised; ranges are measured for the members of the classes afterwards. */
export function planQuantization(graph: Graph, scheme: QuantizationScheme): QuantizationPlan {
  const rules = new Map(graph.nodes.map((node) => [node, outputRule(graph, node, scheme)]));
  const values = quantizedValues(graph, rules);
  const sets = new ScaleSets(values);
  const rescaled = new Map<Node, Set<number>>();
  for (const node of graph.nodes) {
    const rule = rules.get(node)!;
    if (rule.kind === "dictated") for (const id of node.outputs) sets.dictate(id, rule.parameters);
    if (rule.kind !== "same") continue;
    const [out, ...others] = node.outputs.filter((id) => values.has(id));
    if (out === undefined) continue;
    for (const other of others) sets.unite(out, other);
    // A sole input always shares; of several, one with dictated parameters must not force them on the rest.
    for (const i of rule.inputs) {
      const id = node.inputs[i];
      if (id === undefined || id === null || !values.has(id)) continue;
      if (rule.inputs.length === 1 || sets.agree(out, id)) sets.unite(out, id);
      else rescaled.set(node, (rescaled.get(node) ?? new Set()).add(i));
    }
  }
  return { rules, classes: sets.classes(), rescaled };
}

/** Real values next to an int8 operator, but for those inside a fused activation. */
function quantizedValues(graph: Graph, rules: ReadonlyMap<Node, OutputRule>): Set<ValueId> {
  const readers = consumers(graph);
  const sources = producers(graph);
  const int8 = (node: Node | undefined) => node !== undefined && rules.get(node)!.kind !== "float";
  const values = new Set<ValueId>();
  for (const [id, value] of graph.values) {
    if (value.data !== undefined || value.type.dtype !== "float32") continue;
    const source = sources.get(id);
    const reading = readers.get(id) ?? [];
    if (!int8(source) && !reading.some(int8)) continue;
    const [clamp] = reading;
    const alone = reading.length === 1 && !graph.outputs.includes(id);
    if (source !== undefined && clamp !== undefined && alone && int8(source) && int8(clamp)) {
      if (fusedActivation(graph, source, clamp, sources) !== null) continue;
    }
    values.add(id);
  }
  return values;
}

/** Union-find over values; a set keeps the parameters that a kernel dictates to one of its members. */
class ScaleSets {
  readonly #parent = new Map<ValueId, ValueId>();
  readonly #dictated = new Map<ValueId, AffineParameters>();

  constructor(values: Iterable<ValueId>) {
    for (const id of values) this.#parent.set(id, id);
  }

  #find(id: ValueId): ValueId {
    let root = id;
    while (this.#parent.get(root) !== root) root = this.#parent.get(root)!;
    for (let at = id; at !== root; ) {
      const next = this.#parent.get(at)!;
      this.#parent.set(at, root);
      at = next;
    }
    return root;
  }

  dictate(id: ValueId, parameters: AffineParameters): void {
    if (this.#parent.has(id)) this.#dictated.set(this.#find(id), parameters);
  }

  /** Whether uniting would leave both sides with the parameters that they must have. */
  agree(a: ValueId, b: ValueId): boolean {
    const [left, right] = [this.#dictated.get(this.#find(a)), this.#dictated.get(this.#find(b))];
    return (
      right === undefined || (left !== undefined && left.scale === right.scale && left.zeroPoint === right.zeroPoint)
    );
  }

  unite(a: ValueId, b: ValueId): void {
    const [left, right] = [this.#find(a), this.#find(b)];
    if (left === right) return;
    const kept = this.#dictated.get(left) ?? this.#dictated.get(right);
    this.#parent.set(right, left);
    if (kept !== undefined) this.#dictated.set(left, kept);
  }

  classes(): Map<ValueId, ScaleClass> {
    const members = new Map<ValueId, ValueId[]>();
    for (const id of this.#parent.keys()) {
      const root = this.#find(id);
      const list = members.get(root);
      if (list === undefined) members.set(root, [id]);
      else list.push(id);
    }
    const result = new Map<ValueId, ScaleClass>();
    for (const [root, list] of members) {
      const dictated = this.#dictated.get(root);
      const made: ScaleClass = { members: list, ...(dictated === undefined ? {} : { dictated }) };
      for (const id of list) result.set(id, made);
    }
    return result;
  }
}

/** Names of the values whose ranges must be known, in the order of the graph. */
export function observedValues(graph: Graph, plan: QuantizationPlan): ValueId[] {
  const open = (id: ValueId) => plan.classes.has(id) && plan.classes.get(id)!.dictated === undefined;
  return [...graph.inputs, ...graph.nodes.flatMap((node) => node.outputs)]
    .filter(open)
    .map((id) => valueById(graph, id).id);
}
