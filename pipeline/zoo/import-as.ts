import { EspalierError } from "../../src/diagnostics/index.ts";
import type { Dim, Graph } from "../../src/ir/index.ts";
import { toNumbers } from "../../src/tensor/index.ts";
import { canonicalGraph } from "../canonical-graph.ts";
import { graphOf, type InputSettings, type ModelBytes } from "../model-file.ts";
import type { Reference } from "./reference.ts";

/** A model as it was read. */
export interface Imported {
  readonly raw: Graph;
  readonly graph: Graph;
  /** Inputs that became constants. */
  readonly bound: ReadonlySet<string>;
  readonly seconds: number;
}

/** Reads a model and runs the import pipeline. */
export function importGraph(model: ModelBytes, settings: InputSettings): Imported {
  const start = performance.now();
  const raw = graphOf(model, settings);
  const graph = canonicalGraph(raw);
  const bound = new Set(Object.keys(settings.inputValues ?? {}));
  return { raw, graph, bound, seconds: (performance.now() - start) / 1000 };
}

/** A refusal that a person can act on; a bug of ours is none. */
export function isRefusal(error: unknown): boolean {
  return error instanceof EspalierError && error.code !== "internal";
}

/**
 * Reads the model with the sizes that its runtime took: with the batch left open, then fixed, then with small integer inputs
 * bound to the values that they had. Throws why the first way fails when all do.
 */
export function importAs(model: ModelBytes, reference: Reference | undefined): Imported {
  if (reference === undefined) return importGraph(model, {});
  const inputValues = smallIntegers(reference);
  const bindings: InputSettings[] = Object.keys(inputValues).length === 0 ? [{}] : [{}, { inputValues }];
  let refusal: unknown;
  for (const binding of bindings) {
    for (const openBatch of [true, false]) {
      try {
        return importGraph(model, { inputShapes: shapesFor(reference, openBatch), ...binding });
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refusal ??= error;
      }
    }
  }
  throw refusal;
}

/** The sizes of the inputs that leave more open than the batch; without `openBatch`, of all that leave anything open. */
function shapesFor({ inputs, shapes }: Reference, openBatch: boolean): Record<string, readonly Dim[]> {
  const stated: Record<string, readonly Dim[]> = {};
  inputs.forEach(({ name, shape }, i) => {
    const isOpen = (axis: number) => typeof shape[axis] === "string";
    if (shape.some((_, axis) => isOpen(axis) && (axis > 0 || !openBatch)))
      stated[name] = shapes[i]!.map((dim, axis) => (axis === 0 && openBatch && isOpen(0) ? "N" : dim));
  });
  return stated;
}

/** Integer inputs of rank 0 and 1 with the values that they had: sampling rates, sizes. */
function smallIntegers(reference: Reference): Record<string, number | readonly number[]> {
  const values: Record<string, number | readonly number[]> = {};
  reference.inputs.forEach(({ name, dtype, quantization }, i) => {
    const tensor = reference.runs[0]!.inputs[i]!;
    if (!/^int(32|64)$/.test(dtype) || quantization !== undefined || tensor.shape.length > 1) return;
    const numbers = [...toNumbers(tensor)];
    values[name] = tensor.shape.length === 0 ? numbers[0]! : numbers;
  });
  return values;
}
