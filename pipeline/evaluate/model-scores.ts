import type { Dataset } from "../../src/data/index.ts";
import { EspalierError } from "../../src/diagnostics/index.ts";
import type { ModelRunner, RunnerPort } from "../../src/runtimes/index.ts";
import {
  dequantize,
  fromNumbers,
  permute,
  quantize,
  sizeOf,
  type Tensor,
  tensor,
  toFloat32,
} from "../../src/tensor/index.ts";
import type { ModelFormat } from "../model-format.ts";

/** How a model takes its samples. */
export interface SampleLayout {
  /** Shape of one sample as data sets have it: channels first. */
  readonly sampleShape: readonly number[];
  /** Whether the model takes images channels last. */
  readonly channelsLast: boolean;
  /** Samples a run; null where the model takes any number. */
  readonly batch: number | null;
}

/** Channels that an image usually has: they tell the layout where the format does not. */
const IMAGE_CHANNELS = [1, 3, 4];

/** The layout of a model's only input. Images are channels last in TFLite and TensorFlow.js, first in ONNX, unless only the other reading gives 1, 3 or 4 channels. */
export function layoutOf(runner: ModelRunner, format: ModelFormat): SampleLayout {
  const [port] = runner.inputs;
  if (port === undefined || runner.inputs.length !== 1)
    throw new EspalierError(
      "unsupported",
      `The model has ${runner.inputs.length} inputs, evaluating needs exactly one`,
      {
        hint: "Bind the others to a constant first: espalier convert MODEL OUT.onnx --input name=value.",
      },
    );
  const [first, ...rest] = port.shape;
  const open = rest.findIndex((dim) => typeof dim !== "number" || dim < 1);
  if (first === undefined || open >= 0)
    throw new EspalierError(
      "unsupported",
      `Its shape is [${port.shape.join(", ")}]: sizes after the batch must be known`,
      {
        where: `input "${port.name}"`,
        hint: "Fix them first: espalier convert MODEL OUT.onnx --input name:1,3,224,224.",
      },
    );
  const sizes = rest as number[];
  // LiteRT allocates what the file states, also where the batch is marked as open: one sample.
  const batch = typeof first === "number" ? first : format === "tflite" ? 1 : null;
  if (sizes.length !== 3) return { sampleShape: sizes, channelsLast: false, batch };
  const [a, b, c] = sizes as [number, number, number];
  const usual = format !== "onnx";
  const fits = (channels: number) => IMAGE_CHANNELS.includes(channels);
  const channelsLast = fits(a) === fits(c) ? usual : fits(c);
  return { sampleShape: channelsLast ? [c, a, b] : sizes, channelsLast, batch };
}

/** A batch of samples in the type that the input has, quantised by its own scale. */
function toPort(samples: Tensor<"float32">, port: RunnerPort, channelsLast: boolean): Tensor {
  const laid = channelsLast ? (permute(samples, [0, 2, 3, 1]) as Tensor<"float32">) : samples;
  const { dtype, quantization } = port;
  if (dtype === "float32") return laid;
  if (quantization !== undefined)
    return quantize(laid.data, laid.shape, dtype, quantization.scale, quantization.zeroPoint);
  if (dtype === "float16" || dtype === "float64") return fromNumbers(dtype, laid.shape, laid.data);
  throw new EspalierError("unsupported", `It takes ${dtype} and states no scale to turn samples into it`, {
    where: `input "${port.name}"`,
    hint: "Evaluate a model with a float32 input, or one whose integer input has a scale.",
  });
}

function fromPort(result: Tensor, { quantization, dtype }: RunnerPort): Float32Array {
  if (quantization === undefined || dtype === "float32") return toFloat32(result);
  return dequantize(result, quantization.scale, quantization.zeroPoint);
}

/** The output with the class scores: the only one, or the only one with a score for each class of the data. */
function scoresPort(runner: ModelRunner, data: Dataset): number {
  if (runner.outputs.length === 1) return 0;
  const fitting = runner.outputs.flatMap(({ shape }, i) => {
    const sizes = shape.slice(1).filter((dim) => typeof dim === "number");
    return sizes.length === shape.length - 1 && sizeOf(sizes) === data.classes.length ? [i] : [];
  });
  if (fitting.length === 1) return fitting[0]!;
  const names = runner.outputs.map(({ name, shape }) => `"${name}" [${shape.join(", ")}]`).join(", ");
  throw new EspalierError(
    "unsupported",
    `The model has ${runner.outputs.length} outputs, ${fitting.length} of them with ${data.classes.length} scores`,
    {
      hint: `Outputs: ${names}. Exactly one must have a score for each class.`,
    },
  );
}

/** Class scores of every sample as the model's own runtime gives them. */
export interface ModelScores {
  /** [n, classes]. */
  readonly scores: Tensor<"float32">;
  /** Whether the output is stored as integers, so that scores are steps of its scale. */
  readonly quantised: boolean;
}

/** Samples a run where the model takes any number. */
const MOST_AT_ONCE = 100;

/** Runs a model over a data set. Throws EspalierError "input" when its scores do not fit the labels. */
export async function modelScores(
  runner: ModelRunner,
  layout: SampleLayout,
  data: Dataset,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<ModelScores> {
  const at = scoresPort(runner, data);
  const port = runner.outputs[at]!;
  const batch = layout.batch ?? Math.min(MOST_AT_ONCE, data.length);
  const parts: Float32Array[] = [];
  let classes = 0;
  for (let from = 0; from < data.length; from += batch) {
    const count = Math.min(batch, data.length - from);
    // A fixed batch is filled up with the last sample.
    const rows = layout.batch ?? count;
    const indices = Int32Array.from({ length: rows }, (_, i) => Math.min(from + i, data.length - 1));
    const results = await runner.run([toPort(data.batch(indices), runner.inputs[0]!, layout.channelsLast)]);
    const values = fromPort(results[at]!, port);
    classes = values.length / rows;
    checkClasses(classes, data, results[at]!.shape);
    parts.push(values.subarray(0, count * classes));
    onProgress(from + count, data.length);
  }
  const scores = new Float32Array(data.length * classes);
  parts.reduce((place, part) => {
    scores.set(part, place);
    return place + part.length;
  }, 0);
  return {
    scores: tensor("float32", [data.length, classes], scores),
    quantised: port.dtype !== "float32" && port.quantization !== undefined,
  };
}

function checkClasses(classes: number, data: Dataset, shape: readonly number[]): void {
  if (!Number.isInteger(classes) || classes < 2)
    throw new EspalierError("unsupported", `The output [${shape.join(", ")}] is no list of class scores`, {
      hint: "Only classifiers are evaluated: an output with a score for each class.",
    });
  if (data.classes.length > classes)
    throw new EspalierError("input", `The model has ${classes} classes, the data set has ${data.classes.length}`, {
      where: data.name,
      hint: "Use the data set that the model was trained for.",
    });
}
