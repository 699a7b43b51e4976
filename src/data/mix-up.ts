import { EspalierError, invariant } from "../diagnostics/index.ts";
import { type Random, type Tensor, tensor } from "../tensor/index.ts";

/** Class indices as probabilities, [n, classes]. Throws EspalierError "usage" on a label outside the classes. */
export function oneHot(labels: ArrayLike<number>, classes: number): Tensor<"float32"> {
  const out = new Float32Array(labels.length * classes);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new EspalierError("usage", `Label ${label} for ${classes} classes`);
    }
    out[i * classes + label] = 1;
  }
  return tensor("float32", [labels.length, classes], out);
}

/**
 * Mix-up (Zhang et al. 2018): each sample and its target become w * own + (1 - w) * partner, w ~ Beta(alpha, alpha) drawn
 * once a batch, partners by a random permutation. `targets` are probabilities [n, classes]. `alpha` 0 changes nothing.
 */
export function mixUp(
  images: Tensor<"float32">,
  targets: Tensor<"float32">,
  random: Random,
  alpha: number,
): { images: Tensor<"float32">; targets: Tensor<"float32"> } {
  if (!(alpha >= 0) || !Number.isFinite(alpha)) {
    throw new EspalierError("usage", `Mix-up alpha ${alpha}`, {
      hint: "Alpha is a number of 0 or more; 0.2 is usual.",
    });
  }
  const count = images.shape[0]!;
  invariant(targets.shape[0] === count, `mix-up of ${count} images with ${targets.shape[0]} targets`);
  const partners = Int32Array.from({ length: count }, (_, i) => i);
  random.shuffle(partners);
  const weight = alpha === 0 ? 1 : beta(random, alpha, alpha);
  return { images: blend(images, partners, weight), targets: blend(targets, partners, weight) };
}

function blend(t: Tensor<"float32">, partners: Int32Array, weight: number): Tensor<"float32"> {
  const size = partners.length === 0 ? 0 : t.data.length / partners.length;
  const out = new Float32Array(t.data.length);
  for (let n = 0; n < partners.length; n++) {
    const own = n * size;
    const other = partners[n]! * size;
    for (let i = 0; i < size; i++) out[own + i] = weight * t.data[own + i]! + (1 - weight) * t.data[other + i]!;
  }
  return tensor("float32", t.shape, out);
}

/** Beta(a, b) = X / (X + Y) with X ~ Gamma(a), Y ~ Gamma(b). */
function beta(random: Random, a: number, b: number): number {
  const x = gamma(random, a);
  const y = gamma(random, b);
  // Both underflow for very small shapes, where Beta is a coin between 0 and 1.
  if (x + y === 0) return random.next() < a / (a + b) ? 1 : 0;
  return x / (x + y);
}

/** Gamma(shape, 1) by Marsaglia and Tsang 2000; below 1 by the boost Gamma(shape + 1) * U^(1/shape) of the same paper. */
function gamma(random: Random, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * (1 - random.next()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
