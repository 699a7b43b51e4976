import type { FoldingBuilder } from "../../../fold/index.ts";
import type { TensorType, ValueId } from "../../../ir/index.ts";

interface Variable {
  readonly input: ValueId;
  current: ValueId;
}

/** State that a model keeps from one run to the next: each variable becomes an input (its value before) and an output (after). */
export class StateVariables {
  readonly #builder: FoldingBuilder;
  readonly #variables = new Map<string, Variable>();

  constructor(builder: FoldingBuilder) {
    this.#builder = builder;
  }

  /** What a variable holds now; made as an input at its first use. */
  read(key: string, name: string, type: TensorType): ValueId {
    let variable = this.#variables.get(key);
    if (variable === undefined) {
      const input = this.#builder.input(name, type);
      variable = { input, current: input };
      this.#variables.set(key, variable);
    }
    return variable.current;
  }

  write(key: string, name: string, value: ValueId): void {
    this.read(key, name, this.#builder.value(value).type);
    this.#variables.get(key)!.current = value;
  }

  has(key: string): boolean {
    return this.#variables.has(key);
  }

  /** Input and last value of every variable, in the order of first use. */
  pairs(): readonly { readonly input: ValueId; readonly value: ValueId }[] {
    return [...this.#variables.values()].map(({ input, current }) => ({ input, value: current }));
  }
}
