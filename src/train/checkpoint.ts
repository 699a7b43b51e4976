import { z } from "zod";
import { EspalierError } from "../diagnostics/index.ts";
import { bytesOf, fromBytes, sizeOf, type Tensor } from "../tensor/index.ts";
import type { Best } from "./plateau.ts";
import type { EpochRecord } from "./train-options.ts";

/** A run of training after some update: all that it needs to go on as if it had not been stopped. */
export interface Checkpoint {
  /** Hash of what the run depends on. */
  readonly fingerprint: string;
  /** Updates that are made. */
  readonly step: number;
  /** Weights, running statistics, optimiser memory and moving averages, by input name of the training graph. */
  readonly state: ReadonlyMap<string, Tensor<"float32">>;
  /** Sums over the epoch that is under way. */
  readonly sums: EpochSums;
  readonly history: readonly EpochRecord[];
  readonly best: Best | null;
  /** Epochs since the best one. */
  readonly waited: number;
}

/** Sums over the batches of an epoch. */
export interface EpochSums {
  readonly steps: number;
  readonly loss: number;
  readonly hits: number;
}

const KIND = "training checkpoint";
/** Bytes before the header: its length. */
const PREFIX = 8;
const MAX_HEADER_BYTES = 64 << 20;

const count = z.number().int().nonnegative();
/** JSON has no NaN: a loss that was none comes back from null. */
const loss = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const shape = z.array(count).max(8);
const validation = z.strictObject({ loss, accuracy: z.number().nullable() });
const epochRecord = z.strictObject({
  epoch: count,
  steps: count,
  loss,
  accuracy: z.number().nullable(),
  validation: validation.optional(),
});

/** The header of the file; tensors lie after each other in its order. */
const headerSchema = z.strictObject({
  espalier: z.literal(KIND),
  version: z.literal(1),
  fingerprint: z.string(),
  step: count,
  sums: z.strictObject({ steps: count, loss, hits: count }),
  history: z.array(epochRecord),
  best: z.strictObject({ epoch: count, validation }).nullable(),
  waited: count,
  state: z.array(z.strictObject({ name: z.string(), shape })),
  constants: z.array(z.strictObject({ id: count, shape })),
});
type Header = z.infer<typeof headerSchema>;

/** A checkpoint as bytes: the length of a JSON header (8 bytes, little endian), the header padded to 8 bytes, then float32 tensors. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { best, state, ...rest } = checkpoint;
  const constants = [...(best?.constants ?? [])];
  const header = {
    espalier: KIND,
    version: 1,
    ...rest,
    best: best === null ? null : { epoch: best.epoch, validation: best.validation },
    state: [...state].map(([name, { shape }]) => ({ name, shape })),
    constants: constants.map(([id, { shape }]) => ({ id, shape })),
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const tensors = [...state.values(), ...constants.map(([, value]) => value)];
  const out = new Uint8Array(PREFIX + padded + tensors.reduce((sum, { data }) => sum + data.byteLength, 0));
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.fill(0x20, PREFIX, PREFIX + padded).set(text, PREFIX);
  let at = PREFIX + padded;
  for (const value of tensors) {
    out.set(bytesOf(value), at);
    at += value.data.byteLength;
  }
  return out;
}

function damaged(reason: string): EspalierError {
  return new EspalierError("input", `This is not a checkpoint of a training run: ${reason}`, {
    hint: "Start the run anew, without resuming.",
  });
}

/** Reads what `encodeCheckpoint` wrote. Throws EspalierError "input" for anything else. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < PREFIX) throw damaged(`${bytes.length} bytes`);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || PREFIX + length > bytes.length) throw damaged(`a header of ${length} bytes`);
  const header = headerOf(bytes.subarray(PREFIX, PREFIX + length));
  let at = PREFIX + length;
  const next = (shape: readonly number[]): Tensor<"float32"> => {
    const size = 4 * sizeOf(shape);
    if (at + size > bytes.length) throw damaged("it is cut off");
    const value = fromBytes("float32", shape, bytes.subarray(at, at + size)) as Tensor<"float32">;
    at += size;
    return value;
  };
  const state = new Map(header.state.map(({ name, shape }) => [name, next(shape)]));
  const constants = new Map(header.constants.map(({ id, shape }) => [id, next(shape)]));
  if (at !== bytes.length) throw damaged(`${bytes.length - at} bytes too many`);
  const { fingerprint, step, sums, history, waited } = header;
  const best = header.best === null ? null : { ...header.best, constants };
  return { fingerprint, step, sums, history: history.map(withoutAbsent), waited, state, best };
}

function headerOf(bytes: Uint8Array): Header {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw damaged("its header is no JSON");
  }
  const parsed = headerSchema.safeParse(json);
  if (!parsed.success) throw damaged(z.prettifyError(parsed.error).split("\n")[0]!);
  return parsed.data;
}

function withoutAbsent({ validation: own, ...record }: Header["history"][number]): EpochRecord {
  return own === undefined ? record : { ...record, validation: own };
}
