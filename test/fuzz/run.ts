import { performance } from "node:perf_hooks";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "../../src/formats/onnx/codec/generated/onnx_pb.ts";
import { decodeTflite, encodeTflite } from "../../src/formats/tflite/index.ts";
import { type Random, seededRandom } from "../../src/tensor/index.ts";
import { attempt, type Outcome, type Specimen } from "./attempt.ts";
import { mutateBytes, mutateJson } from "./mutate.ts";
import { mutateTree } from "./mutate-tree.ts";

export interface FuzzOptions {
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  /** Called before each attempt, with its number: a hang is found by what was said last. */
  readonly onStart?: (index: number, specimen: Specimen) => void;
}

export interface Escape {
  readonly index: number;
  readonly specimen: string;
  readonly error: string;
}

export interface FuzzResult {
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly escapes: readonly Escape[];
  /** Longest attempt, in milliseconds, and its number. */
  readonly slowest: { readonly index: number; readonly ms: number; readonly specimen: string };
}

/** The file with places of its structure changed, or null when the codec itself refuses to write that. */
function restructured({ format, bytes }: Specimen, random: Random): Uint8Array | null {
  try {
    if (format === "tfjs") {
      const json = JSON.parse(new TextDecoder().decode(bytes)) as object;
      mutateTree(json, random);
      return new TextEncoder().encode(JSON.stringify(json));
    }
    if (format === "onnx") {
      const model = fromBinary(ModelProtoSchema, bytes);
      mutateTree(model, random);
      return toBinary(ModelProtoSchema, model);
    }
    const model = structuredClone(decodeTflite(bytes));
    mutateTree(model, random);
    return encodeTflite(model);
  } catch {
    return null;
  }
}

/** Mutation number `index` of a seed: the same pair always gives the same specimen. */
export function mutation(corpus: readonly Specimen[], seed: number, index: number): Specimen {
  const random = seededRandom(seed, `mutation/${index}`);
  const base = corpus[random.below(corpus.length)]!;
  const other = corpus[random.below(corpus.length)]!.bytes;
  const bytes = random.below(3) > 0 ? restructured(base, random) : null;
  if (bytes !== null) return { ...base, bytes };
  if (base.format !== "tfjs") return { ...base, bytes: mutateBytes(base.bytes, random, other) };
  if (random.below(8) === 0) {
    // The weights rather than the topology.
    const files = new Map([...base.files].map(([name, bytes]) => [name, mutateBytes(bytes, random, other)]));
    return { ...base, files };
  }
  const text = mutateJson(new TextDecoder().decode(base.bytes), random);
  return { ...base, bytes: new TextEncoder().encode(text) };
}

/** Tries `count` mutations of the corpus, from number `from` on. */
export function fuzz(corpus: readonly Specimen[], { seed, from, count, onStart }: FuzzOptions): FuzzResult {
  const outcomes: Record<Outcome, number> = { read: 0, refused: 0 };
  const escapes: Escape[] = [];
  let slowest = { index: -1, ms: 0, specimen: "" };
  for (let index = from; index < from + count; index++) {
    const specimen = mutation(corpus, seed, index);
    onStart?.(index, specimen);
    const start = performance.now();
    try {
      outcomes[attempt(specimen)]++;
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      escapes.push({ index, specimen: specimen.name, error: text.split("\n").slice(0, 6).join("\n") });
    }
    const ms = performance.now() - start;
    if (ms > slowest.ms) slowest = { index, ms, specimen: specimen.name };
  }
  return { outcomes, escapes, slowest };
}
