import { float32, fromNumbers, type Tensor } from "../../tensor/index.ts";
import { chooseMask, zerosOfLayer } from "./choose-mask.ts";
import type { MatrixLayer } from "./input-passes.ts";
import type { LayerInputs } from "./layer-inputs.ts";
import type { MaskCriterion, MaskPattern } from "./mask-pattern.ts";
import type { PatternLibrary } from "./pattern-library.ts";
import { type ColumnRule, hessianFactor, sparseGpt, surgeonScores } from "./sparse-gpt.ts";
import { inTensorOrder, matrixValues, type WeightMatrix } from "./weight-matrix.ts";

interface LayerRequest {
  readonly pattern: MaskPattern;
  readonly criterion: MaskCriterion;
  /** For the criteria that look at inputs. */
  readonly inputs: LayerInputs | null;
  readonly library: PatternLibrary | null;
  readonly damping: number;
}

/** A layer's new weight, and 0 or 1 for each of its elements: whether it stays. */
export interface LayerMask {
  readonly weight: Tensor;
  readonly mask: Tensor<"float32">;
}

/** What was chosen row by row, in the weight's own order and type. */
export function asTensors(
  matrix: WeightMatrix,
  { dtype, shape }: Tensor,
  values: Float64Array,
  keep: Uint8Array,
): LayerMask {
  return {
    weight: fromNumbers(dtype, shape, inTensorOrder(matrix, values)),
    mask: float32(shape, inTensorOrder(matrix, keep)),
  };
}

/** Masks one weight; "sparsegpt" updates what stays, others leave it as it is. */
export function maskLayer({ matrix }: MatrixLayer, weight: Tensor, request: LayerRequest): LayerMask {
  const { pattern, criterion, inputs, library } = request;
  const values = matrixValues(matrix, weight);
  if (criterion === "sparsegpt") return asTensors(matrix, weight, values, updated(matrix, values, request));
  const scores = values.map((w) => w * w);
  if (criterion === "wanda") {
    const perGroup = matrix.rows / matrix.groups;
    for (let row = 0, at = 0; row < matrix.rows; row++) {
      const squares = inputs!.squares[Math.floor(row / perGroup)]!;
      for (let column = 0; column < matrix.columns; column++, at++) scores[at]! *= squares[column]!;
    }
  }
  const keep = chooseMask({ matrix, scores, pattern, criterion, library });
  return asTensors(
    matrix,
    weight,
    values.map((w, i) => (keep[i] === 1 ? w : 0)),
    keep,
  );
}

/** Changes `values` in place and answers what stays (1). n:m and single weights are chosen while the columns are swept, by the weights as they are then; units are chosen before, by the OBS scores added up. */
function updated(matrix: WeightMatrix, values: Float64Array, request: LayerRequest): Uint8Array {
  const { pattern, inputs, damping } = request;
  const { groups, columns, channels } = matrix;
  const factors = inputs!.grams!.map((gram) => hessianFactor(gram, columns, damping));
  const length = values.length / groups;
  const part = <T extends Float64Array | Uint8Array>(of: T, group: number) =>
    of.subarray(group * length, (group + 1) * length) as T;
  const given =
    pattern.kind === "n-of-m" || pattern.kind === "unstructured"
      ? null
      : chosenBefore(matrix, values, factors, request);
  const zeros = pattern.kind === "unstructured" ? zerosOfLayer(pattern, values.length) : 0;
  const keep = given ?? new Uint8Array(values.length);
  factors.forEach((factor, group) => {
    const until = (end: number) => Math.floor((zeros * end) / groups);
    const rule: ColumnRule =
      pattern.kind === "n-of-m"
        ? { kind: "n-of-m", n: pattern.n, m: pattern.m, segment: channels }
        : given === null
          ? { kind: "count", zeros: until(group + 1) - until(group) }
          : { kind: "given", keep: part(given, group) };
    part(keep, group).set(sparseGpt(part(values, group), columns, factor, rule));
  });
  return keep;
}

function chosenBefore(
  matrix: WeightMatrix,
  values: Float64Array,
  factors: readonly Float64Array[],
  { pattern, criterion, library }: LayerRequest,
): Uint8Array {
  const scores = new Float64Array(values.length);
  const length = values.length / matrix.groups;
  factors.forEach((factor, group) => {
    const own = values.subarray(group * length, (group + 1) * length);
    scores.set(surgeonScores(own, factor, matrix.columns), group * length);
  });
  return chooseMask({ matrix, scores, pattern, criterion, library });
}
