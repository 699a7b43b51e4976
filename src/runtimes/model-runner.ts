import type { DType, Tensor } from "../tensor/index.ts";

/** An input or output of a model as its own runtime knows it. A string in `shape` is a size that the file leaves open. */
export interface RunnerPort {
  /** May be empty or repeated in a TFLite file: ports are told apart by their place. */
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
  /** Of an integer tensor that stands for real numbers: value = (stored - zeroPoint) x scale. */
  readonly quantization?: { readonly scale: number; readonly zeroPoint: number };
}

/** A model file, loaded in the runtime that it was made for. Close it when done. */
export interface ModelRunner {
  /** The runtime with its version, as reports print it. */
  readonly engine: string;
  readonly inputs: readonly RunnerPort[];
  readonly outputs: readonly RunnerPort[];
  /**
   * Runs the model once on one tensor an input, in the order of `inputs`. A model with state of its own keeps it from run
   * to run. Throws EspalierError "usage" when the tensors do not fit, "runtime" when the runtime fails.
   */
  run(inputs: readonly Tensor[]): Promise<Tensor[]>;
  close(): Promise<void>;
}
