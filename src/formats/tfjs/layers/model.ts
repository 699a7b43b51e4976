import { EspalierError, withContext } from "../../../diagnostics/index.ts";
import type { FoldingBuilder } from "../../../fold/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import { type LayerContext, layerContext } from "./context.ts";
import { LAYER_READERS } from "./readers.ts";
import { type LayerDef, MODEL_CLASSES, type ModelDef, parseModel, type TensorRef } from "./topology.ts";
import type { LayerWeights } from "./weights.ts";

/** Most calls of layers in a model, nested ones counted each time. */
const mostCalls = 100_000;

/** What is shared by a model and the models within it. */
export interface Reading {
  readonly builder: FoldingBuilder;
  readonly weights: LayerWeights;
  /** Calls that may still be made. */
  budget: { left: number };
}

export function newReading(builder: FoldingBuilder, weights: LayerWeights): Reading {
  return { builder, weights, budget: { left: mostCalls } };
}

/** Applies a layer, or a model that stands where a layer stands. */
export function applyLayer(r: Reading, layer: LayerDef, path: string, inputs: readonly ValueId[]): readonly ValueId[] {
  if (--r.budget.left < 0) throw new EspalierError("input", `The model applies layers more than ${mostCalls} times`);
  try {
    if (MODEL_CLASSES.includes(layer.className))
      return applyModel(
        r,
        parseModel({ class_name: layer.className, config: layer.config }, `layer "${layer.name}"`),
        inputs,
      );
    const read = LAYER_READERS[layer.className]!;
    const apply: LayerContext["apply"] = (inner, innerPath, values) => applyLayer(r, inner, innerPath, values);
    const outputs = read(layerContext(r.builder, layer, path, r.weights, apply), inputs);
    return typeof outputs === "number" ? [outputs] : outputs;
  } catch (error) {
    throw error instanceof EspalierError && error.where?.startsWith("layer ") !== true
      ? withContext(error, `layer "${layer.name}" (${layer.className})`)
      : error;
  }
}

/** Applies a model to values; their number must be that of its inputs. */
export function applyModel(r: Reading, model: ModelDef, inputs: readonly ValueId[]): readonly ValueId[] {
  if (model.sequential)
    return model.layers.reduce(
      (values, layer) => (layer.className === "InputLayer" ? values : applyLayer(r, layer, layer.name, values)),
      inputs,
    );
  if (inputs.length !== model.inputs.length)
    throw new EspalierError(
      "input",
      `The model "${model.name}" has ${model.inputs.length} inputs, it is called on ${inputs.length}`,
    );
  return new Calls(r, model, inputs).run();
}

/** A call of a layer whose operands are not all known yet. */
interface Pending {
  readonly layer: LayerDef;
  readonly call: number;
  readonly operands: readonly TensorRef[];
}

/** The calls of one functional model, in an order that has operands first. */
class Calls {
  readonly #reading: Reading;
  readonly #model: ModelDef;
  readonly #layers: ReadonlyMap<string, LayerDef>;
  /** Number of a nested model's first call: its own construction may count as call 0 (tfjs-layers, Container.getConfig keptNodes). */
  readonly #offsets = new Map<string, number>();
  readonly #results = new Map<string, readonly ValueId[]>();

  constructor(reading: Reading, model: ModelDef, inputs: readonly ValueId[]) {
    this.#reading = reading;
    this.#model = model;
    this.#layers = new Map(model.layers.map((layer) => [layer.name, layer]));
    const refs = [...model.layers.flatMap((layer) => layer.calls.flat()), ...model.outputs];
    for (const layer of model.layers) {
      if (!MODEL_CLASSES.includes(layer.className)) continue;
      const own = refs.filter((ref) => ref.layer === layer.name).map((ref) => ref.call);
      this.#offsets.set(layer.name, own.length > 0 && own.every((call) => call > 0) ? 1 : 0);
    }
    for (const layer of model.layers) for (const ref of layer.calls.flat()) this.#known(ref, `layer "${layer.name}"`);
    for (const ref of model.outputs) this.#known(ref, `outputs of "${model.name}"`);
    for (const [i, ref] of model.inputs.entries()) this.#results.set(this.#key(ref.layer, ref.call), [inputs[i]!]);
  }

  #key(layer: string, call: number): string {
    return JSON.stringify([layer, call]);
  }

  #known(ref: TensorRef, where: string): void {
    if (!this.#layers.has(ref.layer))
      throw new EspalierError("input", `Reads "${ref.layer}", which is no layer of "${this.#model.name}"`, { where });
  }

  run(): readonly ValueId[] {
    const pending = this.#model.layers.flatMap((layer): Pending[] =>
      layer.calls.map((operands, i) => ({ layer, call: i + (this.#offsets.get(layer.name) ?? 0), operands })),
    );
    // Files list layers mostly in order; a call that waits is entered under the operand that it waits for.
    const waiting = new Map<string, Pending[]>();
    const queue = pending.filter(({ layer, call }) => !this.#results.has(this.#key(layer.name, call)));
    for (let at = 0; at < queue.length; at++) {
      const next = queue[at]!;
      const missing = next.operands.find((ref) => !this.#results.has(this.#key(ref.layer, ref.call)));
      if (missing !== undefined) {
        const key = this.#key(missing.layer, missing.call);
        waiting.set(key, [...(waiting.get(key) ?? []), next]);
        continue;
      }
      const key = this.#key(next.layer.name, next.call);
      const values = next.operands.map((ref) => this.#value(ref, next.layer.name));
      this.#results.set(key, applyLayer(this.#reading, next.layer, next.layer.name, values));
      queue.push(...(waiting.get(key) ?? []));
      waiting.delete(key);
    }
    return this.#model.outputs.map((ref) => this.#value(ref, "outputs"));
  }

  #value(ref: TensorRef, reader: string): ValueId {
    const id = this.#results.get(this.#key(ref.layer, ref.call))?.[ref.tensor];
    if (id !== undefined) return id;
    throw new EspalierError(
      "input",
      `Output ${ref.tensor} of call ${ref.call} of "${ref.layer}" is never computed: it does not exist, or its layers depend on each other in a circle`,
      { where: reader === "outputs" ? `outputs of "${this.#model.name}"` : `layer "${reader}"` },
    );
  }
}
