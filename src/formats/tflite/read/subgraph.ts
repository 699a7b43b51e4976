import { EspalierError, suggestion, withContext } from "../../../diagnostics/index.ts";
import type { FoldingBuilder } from "../../../fold/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import type { TfliteModel, TfliteOperator, TfliteSubgraph } from "../codec/index.ts";
import type { StateVariables } from "./state.ts";
import { Step } from "./step.ts";
import type { StoredConstants } from "./stored.ts";
import { readerOf, TFLITE_READ } from "./table.ts";
import { TensorValues } from "./values.ts";
import { initialisation } from "./variables.ts";

/** Deepest nesting of composites and calls, and the most operators that reading them may take. */
const MAX_DEPTH = 16;
const MAX_OPERATORS = 100_000;

/** Reads the operators of a file's subgraphs in their order; composites and calls are read in place. */
export class SubgraphReader {
  readonly #model: TfliteModel;
  readonly #builder: FoldingBuilder;
  readonly #state: StateVariables;
  readonly #constants: StoredConstants;
  #depth = 0;
  #operators = 0;

  constructor(model: TfliteModel, builder: FoldingBuilder, state: StateVariables, constants: StoredConstants) {
    this.#model = model;
    this.#builder = builder;
    this.#state = state;
    this.#constants = constants;
  }

  valuesOf(subgraph: TfliteSubgraph): TensorValues {
    return new TensorValues(this.#builder, subgraph, this.#constants, this.#state);
  }

  read(subgraph: TfliteSubgraph, values: TensorValues): void {
    subgraph.operators.forEach((operator, index) => {
      const name = operator.opcode === "CUSTOM" ? `CUSTOM ${operator.customCode}` : operator.opcode;
      const output = subgraph.tensors[operator.outputs[0] ?? -1]?.name;
      const where = `operator ${index} ${name}${output === undefined ? "" : ` "${output}"`}`;
      if (++this.#operators > MAX_OPERATORS)
        throw new EspalierError("input", `The model has more than ${MAX_OPERATORS} operators`, { where });
      try {
        this.#one(operator, values);
      } catch (error) {
        throw error instanceof EspalierError ? withContext(error, where) : error;
      }
    });
  }

  #one(operator: TfliteOperator, values: TensorValues): void {
    if (operator.opcode === "CALL_ONCE") {
      this.#initialise(operator);
      return;
    }
    const reader = readerOf(operator.opcode, operator.customCode);
    if (reader === null) throw unknownOperator(operator);
    reader.read(new Step(operator, values, this.#state, (subgraph, inputs) => this.#inline(subgraph, inputs)));
  }

  #initialise(operator: TfliteOperator): void {
    const index = operator.options?.type === "CallOnceOptions" ? operator.options.initSubgraphIndex : -1;
    const subgraph = this.#model.subgraphs[index];
    if (subgraph === undefined)
      throw new EspalierError("input", `CALL_ONCE runs subgraph ${index}, which does not exist`);
    const obstacle = initialisation(this.#model, subgraph);
    if (obstacle !== null)
      throw new EspalierError(
        "unsupported",
        `The initialisation in subgraph ${index} "${subgraph.name ?? ""}" has ${obstacle}: only variables that start at zero are supported`,
      );
  }

  #inline(index: number, inputs: readonly ValueId[]): ValueId[] {
    const subgraph = this.#model.subgraphs[index];
    const place = `subgraph ${index} "${subgraph?.name ?? ""}"`;
    if (subgraph === undefined || index === 0)
      throw new EspalierError("input", `There is no subgraph ${index} to call`);
    if (this.#depth >= MAX_DEPTH)
      throw new EspalierError("input", `Subgraphs call each other more than ${MAX_DEPTH} deep`);
    if (inputs.length !== subgraph.inputs.length)
      throw new EspalierError(
        "input",
        `${inputs.length} inputs are given to ${place}, which has ${subgraph.inputs.length}`,
      );
    if (subgraph.tensors.some((tensor) => tensor.isVariable === true))
      throw new EspalierError("unsupported", `Variables in ${place} are not supported`);
    this.#depth++;
    try {
      const values = this.valuesOf(subgraph);
      for (const [i, tensor] of subgraph.inputs.entries()) values.putRaw(tensor, inputs[i]!);
      this.read(subgraph, values);
      return subgraph.outputs.map((tensor) => values.raw(tensor));
    } finally {
      this.#depth--;
    }
  }
}

function unknownOperator(operator: TfliteOperator): EspalierError {
  const { opcode, customCode } = operator;
  if (opcode === "CUSTOM")
    return new EspalierError("unsupported", `The custom operator "${customCode}" is not supported`, {
      hint: "Export the model without it: its code is not in the file.",
    });
  return new EspalierError("unsupported", `The TFLite operator ${opcode} is not supported`, {
    hint: suggestion(opcode, Object.keys(TFLITE_READ)),
  });
}
