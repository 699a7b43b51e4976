import { EspalierError } from "../diagnostics/index.ts";
import type { Attributes, Dim, Graph, GraphBuilder, NodeOptions, TensorType, Value, ValueId } from "../ir/index.ts";
import { completeAttributes, inferTypes, isOpType, newBuilder, OpContext, specOf } from "../ops/index.ts";
import { int64s, type Tensor } from "../tensor/index.ts";
import { DimensionCodes, evaluateDimensions, mayHoldSizes, movesSizes } from "./dimensions.ts";
import { bytesOfTypes, evaluate } from "./evaluate.ts";
import { generatorOf } from "./generators.ts";
import { SHAPE_OPERANDS, spellShape } from "./spell-shape.ts";

export interface FoldingOptions {
  /** Size of the file that is read, in bytes: what is computed from constants may take 64 MiB and 8 times this. */
  readonly fileBytes?: number;
}

/**
 * A graph builder that computes what is known while a graph is read: nodes over constants become constants, sizes of
 * shapes become numbers (or stay the batch's symbol as long as nothing depends on it), and shape operands that hold the
 * batch are spelled without it. Weights behind DequantizeLinear stay as they are.
 */
export class FoldingBuilder {
  readonly #builder: GraphBuilder;
  /** Values that hold sizes, some of them symbols. */
  readonly #dimensions = new Map<ValueId, Tensor>();
  readonly #codes = new DimensionCodes();
  readonly #budget: number;
  #spent = 0;

  constructor(builder: GraphBuilder, options: FoldingOptions = {}) {
    this.#builder = builder;
    this.#budget = 2 ** 26 + 8 * (options.fileBytes ?? 0);
  }

  input(name: string, type: TensorType): ValueId {
    return this.#builder.input(name, type);
  }

  constant(name: string, data: Tensor): ValueId {
    return this.#builder.constant(name, data);
  }

  value(id: ValueId): Value {
    return this.#builder.value(id);
  }

  output(id: ValueId): void {
    this.#builder.output(id);
  }

  setMetadata(metadata: Readonly<Record<string, string>>): void {
    this.#builder.setMetadata(metadata);
  }

  build(): Graph {
    return this.#builder.build();
  }

  /** The sizes that an integer value holds, as far as they are known: numbers, or symbols. Null when they are computed from data. */
  sizes(id: ValueId): readonly Dim[] | null {
    const known = this.#known(id);
    return known !== null && mayHoldSizes(known) ? this.#codes.dims(known) : null;
  }

  /** Adds a node with one output, or its value when that is known already. */
  node(op: string, inputs: readonly (ValueId | null)[], attrs: Attributes = {}, options: NodeOptions = {}): ValueId {
    return this.nodes(op, inputs, attrs, options)[0]!;
  }

  /** Adds a node, or its values when they are known already. Refuses what `GraphBuilder.nodes` refuses. */
  nodes(op: string, inputs: readonly (ValueId | null)[], attrs: Attributes = {}, options: NodeOptions = {}): ValueId[] {
    const facts = inputs.map((id) => (id === null ? null : this.value(id)));
    const generated = generatorOf(op, attrs, facts, this.#codes);
    if (generated !== null && !this.#codes.hasSymbol(generated)) return this.#constants([generated], op, options);
    const symbolic = inputs.some((id) => id !== null && this.#dimensions.has(id));
    if (generated === null && symbolic) {
      const known = this.#overDimensions(op, inputs, attrs, options);
      if (known !== null) return known;
    } else if (
      generated === null &&
      facts.some((fact) => fact !== null) &&
      facts.every((fact) => fact === null || fact.data !== undefined)
    ) {
      const types = inferTypes({ op, name: options.name ?? op, attrs, outputCount: options.outputs ?? 1 }, facts);
      const values = evaluate(op, attrs, facts, types.slice(0, options.outputs ?? 1));
      if (values !== null) return this.#constants(values, op, options);
    }
    const spelled = this.#spelled(op, inputs, attrs, options);
    const outputs = this.#builder.nodes(op, spelled.inputs, spelled.attrs, options);
    if (generated !== null) this.#dimensions.set(outputs[0]!, generated);
    return outputs;
  }

  #known(id: ValueId): Tensor | null {
    return this.value(id).data ?? this.#dimensions.get(id) ?? null;
  }

  #constants(values: readonly Tensor[], op: string, options: NodeOptions): ValueId[] {
    this.#spent += bytesOfTypes(values);
    if (this.#spent > this.#budget)
      throw new EspalierError(
        "input",
        `The constants that this model computes take more than ${Math.round(this.#budget / 2 ** 20)} MiB`,
        {
          where: `node "${options.name ?? op}" (${op})`,
          hint: "Simplify the model where it was trained, so that its constants are stored rather than computed.",
        },
      );
    return values.map((value, i) =>
      this.#builder.constant(
        options.outputNames?.[i] ?? (i === 0 ? (options.name ?? op) : `${options.name ?? op}.${i}`),
        value,
      ),
    );
  }

  /** Values of a node that reads sizes: constants, or a node of which the sizes are remembered; null when they are not known. */
  #overDimensions(
    op: string,
    inputs: readonly (ValueId | null)[],
    attrs: Attributes,
    options: NodeOptions,
  ): ValueId[] | null {
    const operands = inputs.map((id) => (id === null ? null : this.#known(id)));
    const present = inputs.flatMap((id, i) => (id === null ? [] : [operands[i] ?? null]));
    if (present.includes(null) || !isOpType(op) || !movesSizes(op, operands, this.#codes)) return null;
    const facts = operands.map((t) => (t === null ? null : { type: { dtype: t.dtype, shape: t.shape }, data: t }));
    const count = options.outputs ?? 1;
    const types = inferTypes({ op, name: options.name ?? op, attrs, outputCount: count }, facts).slice(0, count);
    const context = new OpContext(op, completeAttributes(op, specOf(op).attrs, attrs) as never, facts, count);
    const values = evaluateDimensions(op, attrs, context, present as Tensor[], types, this.#codes);
    if (values === null) return null;
    if (values.every((value) => !this.#codes.hasSymbol(value))) return this.#constants(values, op, options);
    const outputs = this.#builder.nodes(op, inputs, attrs, options);
    for (const [i, id] of outputs.entries()) this.#dimensions.set(id, values[i]!);
    return outputs;
  }

  #spelled(
    op: string,
    inputs: readonly (ValueId | null)[],
    attrs: Attributes,
    options: NodeOptions,
  ): { inputs: readonly (ValueId | null)[]; attrs: Attributes } {
    const position = Object.hasOwn(SHAPE_OPERANDS, op) ? SHAPE_OPERANDS[op] : undefined;
    const operand = position === undefined ? undefined : inputs[position];
    const first = inputs[0];
    if (operand === undefined || operand === null || first === undefined || first === null) return { inputs, attrs };
    const dims = this.#dimensions.get(operand);
    if (dims === undefined || !this.#codes.hasSymbol(dims)) return { inputs, attrs };
    const spelling = spellShape(op, this.value(first).type.shape, this.#codes.dims(dims), attrs);
    if (spelling === null) return { inputs, attrs };
    const id = this.#builder.constant(`${options.name ?? op}.shape`, int64s(spelling.values));
    return { inputs: inputs.map((input, i) => (i === spelling.operand ? id : input)), attrs: spelling.attrs ?? attrs };
  }
}

/** A builder that computes what is known, by the operator table. */
export function newFoldingBuilder(name: string, options: FoldingOptions = {}): FoldingBuilder {
  return new FoldingBuilder(newBuilder(name), options);
}
