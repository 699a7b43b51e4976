/** The attributes of Resize that decide the weight of each input position. */
export interface Interpolation {
  readonly antialias?: number;
  readonly coordinate_transformation_mode: string;
  readonly cubic_coeff_a: number;
  readonly exclude_outside: number;
  readonly mode: string;
  readonly nearest_mode: string;
}

/** One axis of a Resize: its sizes and the scale (output over input) that coordinates are transformed with. */
export interface InterpolatedAxis {
  readonly axis: number;
  readonly input: number;
  readonly output: number;
  readonly scale: number;
  /** Start and end of the region in normalised coordinates; only `tf_crop_and_resize` looks at it. */
  readonly region: readonly [number, number];
}

/** Where an output position lies in the input (ONNX Resize-19, coordinate_transformation_mode). */
function sourceOf(mode: string, { input, output, scale, region }: InterpolatedAxis, at: number): number {
  const half = (at + 0.5) / scale - 0.5;
  switch (mode) {
    case "align_corners":
      return output === 1 ? 0 : (at * (input - 1)) / (output - 1);
    case "asymmetric":
      return at / scale;
    case "pytorch_half_pixel":
      return output > 1 ? half : 0;
    case "tf_half_pixel_for_nn":
      return (at + 0.5) / scale;
    case "half_pixel_symmetric":
      return (input / 2) * (1 - output / (scale * input)) + half;
    case "tf_crop_and_resize": {
      const [start, end] = region;
      if (output === 1) return 0.5 * (start + end) * (input - 1);
      return start * (input - 1) + (at * (end - start) * (input - 1)) / (output - 1);
    }
    default:
      return half;
  }
}

function nearest(mode: string, x: number): number {
  if (mode === "floor") return Math.floor(x);
  if (mode === "ceil") return Math.ceil(x);
  return mode === "round_prefer_ceil" ? Math.floor(x + 0.5) : Math.ceil(x - 0.5);
}

/** Weights of the four neighbours at distances 1 + t, t, 1 - t and 2 - t (Keys 1981, with coefficient a). */
function cubic(a: number, t: number): readonly [number, number, number, number] {
  const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return [far(1 + t), near(t), near(1 - t), far(2 - t)];
}

/** Input positions, possibly beyond the ends, and their weights. */
function taps(how: Interpolation, x: number, size: number): (readonly [number, number])[] {
  if (how.mode === "nearest") return [[nearest(how.nearest_mode, x), 1]];
  if (how.mode === "linear") {
    const inside = Math.min(Math.max(x, 0), size - 1);
    const low = Math.floor(inside);
    return [
      [low, 1 - (inside - low)],
      [low + 1, inside - low],
    ];
  }
  const low = Math.floor(x);
  const all = cubic(how.cubic_coeff_a, x - low).map((weight, k) => [low - 1 + k, weight] as const);
  if (how.exclude_outside === 0) return all;
  const kept = all.filter(([at]) => at >= 0 && at < size);
  const total = kept.reduce((sum, [, weight]) => sum + weight, 0);
  return kept.map(([at, weight]) => [at, weight / total]);
}

/** A filter of `mode` that is stretched by `shrink` where the axis gets shorter, so that it covers every position (ONNX Resize-19, antialias). */
function wideTaps(how: Interpolation, x: number, size: number, shrink: number): (readonly [number, number])[] {
  const reach = (how.mode === "linear" ? 1 : 2) * shrink;
  const weight = (d: number) => {
    if (how.mode === "linear") return Math.max(1 - d, 0);
    if (d >= 2) return 0;
    const low = Math.floor(d);
    return cubic(how.cubic_coeff_a, d - low)[1 - low]!;
  };
  const [from, to] = [-reach, reach].map((side) => Math.floor(Math.fround(x + side + 1)));
  const all = Array.from({ length: to! - from! }, (_, i) => from! + i).map((at): readonly [number, number] => [
    at,
    weight(Math.abs(at - x) / shrink),
  ]);
  const kept = how.exclude_outside === 0 ? all : all.filter(([at]) => at >= 0 && at < size);
  const total = kept.reduce((sum, [, own]) => sum + own, 0);
  return kept.map(([at, own]) => [at, own / (total === 0 ? 1 : total)]);
}

/** The matrix [output, input] of one axis of a Resize, row-major. Positions outside a cropped region have no weights. */
export function interpolationMatrix(how: Interpolation, axis: InterpolatedAxis): Float32Array {
  const matrix = new Float32Array(axis.output * axis.input);
  const wide = how.antialias === 1 && how.mode !== "nearest";
  const shrink = Math.max(1 / axis.scale, 1);
  for (let o = 0; o < axis.output; o++) {
    const x = Math.fround(sourceOf(how.coordinate_transformation_mode, axis, o));
    if (how.coordinate_transformation_mode === "tf_crop_and_resize" && (x < 0 || x > axis.input - 1)) continue;
    for (const [at, weight] of wide ? wideTaps(how, x, axis.input, shrink) : taps(how, x, axis.input)) {
      const clamped = Math.min(Math.max(at, 0), axis.input - 1);
      const i = o * axis.input + clamped;
      matrix[i] = matrix[i]! + weight;
    }
  }
  return matrix;
}
