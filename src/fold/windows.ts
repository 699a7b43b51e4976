import type { Attributes, InputFact } from "../ir/index.ts";
import { DTYPES, dtypeFromOnnx, fromNumbers, type Tensor, toNumbers } from "../tensor/index.ts";

/** Largest window or matrix that is computed here, in elements; larger ones stay a node. */
const mostElements = 2 ** 16;

/** Cosine coefficients of the window functions (ONNX HannWindow-17, HammingWindow-17, BlackmanWindow-17). */
const coefficients: Readonly<Record<string, readonly number[]>> = {
  HannWindow: [0.5, -0.5],
  HammingWindow: [25 / 46, -21 / 46],
  BlackmanWindow: [0.42, -0.5, 0.08],
};

/** The numbers of constant inputs of one element each, or null. */
function scalars(facts: readonly (InputFact | null)[]): number[] | null {
  const values = facts.map((fact) => (fact?.data?.data.length === 1 ? toNumbers(fact.data)[0]! : Number.NaN));
  return values.some((value) => !Number.isFinite(value)) ? null : values;
}

function cosines(terms: readonly number[], size: number, periodic: boolean): number[] {
  const period = periodic ? size : size - 1;
  return Array.from({ length: size }, (_, n) =>
    terms.reduce((sum, term, k) => sum + term * Math.cos((2 * Math.PI * k * n) / period), 0),
  );
}

/** Triangles that are evenly spaced in mel = 2595 log10(1 + f / 700), over the bins of a spectrum (ONNX MelWeightMatrix-17). */
function melWeights(bands: number, length: number, rate: number, low: number, high: number): number[] {
  const mel = (hertz: number) => 2595 * Math.log10(1 + hertz / 700);
  const step = (mel(high) - mel(low)) / (bands + 2);
  const edges = Array.from({ length: bands + 2 }, (_, i) => {
    const hertz = 700 * (10 ** ((i * step + mel(low)) / 2595) - 1);
    return Math.floor(((length + 1) * hertz) / rate);
  });
  const bins = Math.floor(length / 2) + 1;
  return Array.from({ length: bins * bands }, (_, at) => {
    const bin = Math.floor(at / bands);
    const [from, centre, to] = edges.slice(at % bands, (at % bands) + 3) as [number, number, number];
    if (bin === centre && from === centre) return 1;
    if (bin >= centre && bin < to) return (to - bin) / (to - centre);
    return bin >= from && bin <= centre && from !== centre ? (bin - from) / (centre - from) : 0;
  });
}

/** The value of a window function or mel matrix of constant sizes; null for other operators and sizes that are computed or out of range. */
export function windowOf(op: string, attrs: Attributes, facts: readonly (InputFact | null)[]): Tensor | null {
  const terms = Object.hasOwn(coefficients, op) ? coefficients[op]! : null;
  if (terms === null && op !== "MelWeightMatrix") return null;
  const dtype = dtypeFromOnnx(typeof attrs.output_datatype === "number" ? attrs.output_datatype : 1);
  const values = scalars(facts);
  // How a runtime rounds to an integer type is its own affair.
  if (dtype === null || !DTYPES[dtype].float || values === null || values.length !== (terms === null ? 5 : 1))
    return null;
  if (terms !== null) {
    const size = values[0]!;
    if (!(Number.isInteger(size) && size >= 0 && size <= mostElements)) return null;
    const periodic = attrs.periodic !== 0;
    // A symmetric window of one sample divides 0 by 0: ONNX Runtime says NaN, another runtime may not.
    return size === 1 && !periodic ? null : fromNumbers(dtype, [size], cosines(terms, size, periodic));
  }
  const [bands, length, rate, low, high] = values as [number, number, number, number, number];
  const bins = Math.floor(length / 2) + 1;
  const sane = [bands, length].every((n) => Number.isInteger(n) && n >= 0 && n <= mostElements) && rate > 0;
  if (!sane || bands * bins > mostElements || low < 0 || high <= low) return null;
  return fromNumbers(dtype, [bins, bands], melWeights(bands, length, rate, low, high));
}
