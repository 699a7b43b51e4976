import { EspalierError } from "../diagnostics/index.ts";
import { type GraphBuilder, shapeText, type ValueId } from "../ir/index.ts";
import { type Formula, formula } from "../ops/index.ts";
import { allocate, seededRandom, sizeOf, tensor } from "../tensor/index.ts";
import { addMeanSquaredError } from "./losses.ts";
import type { Parameter } from "./parameters.ts";

/** A value inside the student that learns to be one inside the teacher (Romero et al. 2015, "FitNets"). */
export interface FeaturePair {
  /** Names of the two values; their shapes agree but for the channels. */
  readonly student: string;
  readonly teacher: string;
  /** Factor of the mean squared difference in the loss; default 1. */
  readonly weight?: number;
  /** Whether a learned projection stands between the two, which is dropped after training; default: where their channels differ. */
  readonly project?: boolean;
}

/** A pair in the training graph: the student's value, and the shape of the teacher's at this batch. */
export interface PlacedPair {
  readonly pair: FeaturePair;
  readonly student: ValueId;
  readonly shape: readonly number[];
}

/** Axis that holds the channels: 1 for images, the last for vectors and sequences. */
function channelAxis(rank: number): number {
  return rank === 4 ? 1 : rank - 1;
}

function misfit(own: readonly number[], wanted: readonly number[], pair: FeaturePair, hint: string): EspalierError {
  return new EspalierError(
    "usage",
    `"${pair.student}" of the student is ${shapeText(own)}, "${pair.teacher}" of the teacher is ${shapeText(wanted)}`,
    { hint },
  );
}

function checkShapes(own: readonly number[], wanted: readonly number[], pair: FeaturePair): void {
  const axis = channelAxis(own.length);
  const fits = own.length >= 2 && own.length <= 4 && own.length === wanted.length;
  if (!fits || own.some((dim, i) => i !== axis && dim !== wanted[i]))
    throw misfit(own, wanted, pair, "Choose values whose shapes are equal but for the channels.");
  if (pair.project === false && own[axis] !== wanted[axis])
    throw misfit(own, wanted, pair, "Let a projection stand between them, or choose values of equal shape.");
}

/** The student's value with the teacher's channels: a 1x1 convolution for images, a matrix product for the rest. Learned, without bias. */
function addProjection(
  f: Formula,
  placed: PlacedPair,
  seed: number,
): { readonly value: ValueId; readonly parameter: Parameter } {
  const own = f.shape(placed.student);
  const axis = channelAxis(own.length);
  const [from, to] = [own[axis]!, placed.shape[axis]!];
  const image = own.length === 4;
  const shape = image ? [to, from, 1, 1] : [from, to];
  const name = `${placed.pair.student}.projection`;
  const random = seededRandom(seed, `projection/${placed.pair.student}/${placed.pair.teacher}`);
  const data = allocate("float32", sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = random.normal() / Math.sqrt(from);
  const input = f.builder.input(name, { dtype: "float32", shape });
  const value = image ? f.node("Conv", [placed.student, input]) : f.node("MatMul", [placed.student, input]);
  const parameter: Parameter = {
    constant: null,
    name: f.builder.value(input).name,
    input,
    initial: tensor("float32", shape, data),
    decays: true,
  };
  return { value, parameter };
}

/** Adds the weighted mean squared differences of all pairs, an input for each teacher's value, and the projections. */
export function addFeatureTerms(
  builder: GraphBuilder,
  pairs: readonly PlacedPair[],
  seed: number,
): { readonly loss: ValueId | null; readonly inputs: readonly ValueId[]; readonly parameters: readonly Parameter[] } {
  let loss: ValueId | null = null;
  const parameters: Parameter[] = [];
  const inputs = pairs.map((placed) => {
    const { pair, student, shape } = placed;
    const f = formula(builder, `${pair.student}.distance`);
    const own = f.shape(student);
    checkShapes(own, shape, pair);
    const axis = channelAxis(own.length);
    let value = student;
    if (pair.project ?? own[axis] !== shape[axis]) {
      const projection = addProjection(f, placed, seed);
      parameters.push(projection.parameter);
      value = projection.value;
    }
    const input = builder.input(`teacher.${pair.teacher}`, { dtype: "float32", shape });
    const term = f.mul(addMeanSquaredError(f, value, input), f.number(pair.weight ?? 1));
    loss = loss === null ? term : f.add(loss, term);
    return input;
  });
  return { loss, inputs, parameters };
}
