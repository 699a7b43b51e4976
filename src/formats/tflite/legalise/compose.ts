import { EspalierError } from "../../../diagnostics/index.ts";
import { type Attributes, type Node, staticShape, type ValueId } from "../../../ir/index.ts";
import { type GraphView, PatchBuilder, type Rule, rule } from "../../../rewrite/index.ts";
import { type DType, fromNumbers, int64s, type Tensor, tensor } from "../../../tensor/index.ts";

/** Writes a composition: nodes in the place of the one that a rule was shown. */
export interface Composer {
  readonly view: GraphView;
  readonly node: Node;
  readonly attrs: Readonly<Record<string, unknown>>;
  /** Input i, which must be there. */
  in(i: number): ValueId;
  has(i: number): boolean;
  /** The data of a constant input, also one that is dequantised or widened on the way; null for a computed one. */
  constant(i: number): Tensor | null;
  shape(id: ValueId): number[];
  dtype(id: ValueId): DType;
  /** A node with one output; inputs may be plain numbers, which become scalars of the first input's type. */
  op(op: string, inputs: readonly (ValueId | Scalar | null)[], attrs?: Attributes): ValueId;
  ops(op: string, inputs: readonly (ValueId | null)[], attrs: Attributes, outputs: number): ValueId[];
  number(value: number, dtype?: DType): ValueId;
  ints(values: readonly number[]): ValueId;
  tensor(name: string, data: Tensor): ValueId;
  reshape(id: ValueId, shape: readonly number[]): ValueId;
  refuse(message: string, hint: string): never;
}

/** A number among the inputs of a composed node. */
export interface Scalar {
  readonly value: number;
}

export function num(value: number): Scalar {
  return { value };
}

/**
 * A rule that composes an operator of others: `build` answers with what stands in for each output of the node, or null
 * where the node may stay. An output that `build` leaves out must have no reader.
 */
export function composition(
  name: string,
  on: string | readonly string[],
  build: (c: Composer) => ValueId | readonly (ValueId | null)[] | null,
): Rule {
  return rule(name, typeof on === "string" ? [on] : on, (node, view) => {
    const patch = new PatchBuilder(view);
    const c = composer(node, view, patch);
    const made = build(c);
    if (made === null) return null;
    const results = typeof made === "number" ? [made] : made;
    node.outputs.forEach((output, i) => {
      const to = results[i];
      if (to !== undefined && to !== null) patch.replace(output, to);
      else if (view.users(output).length > 0 || view.isOutput(output))
        c.refuse(`${node.op} with its output ${i} in use has no TFLite form`, "Remove that output from the model.");
    });
    return patch.done();
  });
}

function composer(node: Node, view: GraphView, patch: PatchBuilder): Composer {
  const number = (value: number, dtype: DType = "float32") =>
    patch.constant(`${node.name}.number`, fromNumbers(dtype, [], [value]));
  const input = (i: number): ValueId => {
    const id = node.inputs[i];
    if (id === undefined || id === null) throw new EspalierError("internal", `internal: ${node.op} has no input ${i}`);
    return id;
  };
  const resolve = (inputs: readonly (ValueId | Scalar | null)[]): (ValueId | null)[] => {
    const like = inputs.find((id) => typeof id === "number");
    const dtype = typeof like === "number" ? patch.type(like).dtype : "float32";
    return inputs.map((id) => (id === null || typeof id === "number" ? id : number(id.value, dtype)));
  };
  const c: Composer = {
    view,
    node,
    attrs: view.context(node).attrs,
    in: input,
    has: (i) => node.inputs[i] !== undefined && node.inputs[i] !== null,
    constant: (i) => view.constant(node.inputs[i]),
    shape: (id) => staticShape(patch.type(id).shape),
    dtype: (id) => patch.type(id).dtype,
    op: (op, inputs, attrs = {}) =>
      patch.node(op, resolve(inputs), attrs, { name: `${node.name}.${op.toLowerCase()}` }),
    ops: (op, inputs, attrs, outputs) =>
      patch.nodes(op, inputs, attrs, { name: `${node.name}.${op.toLowerCase()}`, outputs }),
    number,
    ints: (values) => patch.constant(`${node.name}.ints`, int64s(values)),
    tensor: (name, data) => patch.constant(`${node.name}.${name}`, data),
    reshape: (id, shape) => {
      if (c.shape(id).join() === shape.join()) return id;
      const { data } = patch.value(id);
      if (data !== undefined) return patch.constant(`${node.name}.reshaped`, tensor(data.dtype, shape, data.data));
      return c.op("Reshape", [id, c.ints(shape)]);
    },
    refuse: (message, hint) => {
      throw new EspalierError("unsupported", message, { where: `node "${node.name}" (${node.op})`, hint });
    },
  };
  return c;
}

/** A constant weight as it is stored, and the means to put a changed one in its place behind the same widening (DequantizeLinear or Cast). */
export interface StoredWeight {
  readonly tensor: Tensor;
  /** Number of scales, 1 for one of all and for real numbers. */
  readonly scales: number;
  /** `copies`: how often the slices that have scales of their own are repeated. */
  readonly put: (changed: Tensor, copies?: number) => ValueId;
}

/** Input i when it is a constant, or one behind DequantizeLinear or Cast; null when it is computed. */
export function storedWeight(c: Composer, i: number): StoredWeight | null {
  const direct = c.constant(i);
  if (direct !== null) return { tensor: direct, scales: 1, put: (changed) => c.tensor("weight", changed) };
  const producer = c.view.producer(c.node.inputs[i]);
  const stored = producer === null ? null : c.view.constant(producer.inputs[0]);
  if (producer === null || stored === null) return null;
  if (producer.op === "Cast") {
    return { tensor: stored, scales: 1, put: (changed) => c.op("Cast", [c.tensor("weight", changed)], producer.attrs) };
  }
  if (producer.op !== "DequantizeLinear") return null;
  const parameters = producer.inputs.slice(1).map((id) => c.view.constant(id));
  if (parameters.includes(null)) return null;
  const repeated = (t: Tensor, copies: number) => {
    if (copies === 1 || t.data.length === 1) return t;
    const all = Array.from({ length: copies }, () => Array.from(t.data, Number)).flat();
    return fromNumbers(t.dtype, [all.length], all);
  };
  return {
    tensor: stored,
    scales: parameters[0]!.data.length,
    put: (changed, copies = 1) => {
      const own = parameters.map((t, k) => c.tensor(k === 0 ? "scale" : "zero_point", repeated(t!, copies)));
      return c.op("DequantizeLinear", [c.tensor("weight", changed), ...own], producer.attrs);
    },
  };
}

/** The value through the quantisation of the node's output, when that is all that reads it: what is moved behind then stays integers. */
export function asQuantizedOutput(c: Composer, value: ValueId): ValueId {
  const readers = c.view.users(c.node.outputs[0]!);
  const [quantizer] = readers;
  if (readers.length !== 1 || quantizer?.op !== "QuantizeLinear") return value;
  const parameters = quantizer.inputs.slice(1);
  const integers = c.op("QuantizeLinear", [value, ...parameters], quantizer.attrs);
  return c.op("DequantizeLinear", [integers, ...parameters], quantizer.attrs);
}
