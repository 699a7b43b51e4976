import { EspalierError } from "../../diagnostics/index.ts";
import {
  ALL_OPERATORS_BYTES,
  FLASH_KERNELS,
  type FlashKernels,
  FRAMEWORK_BYTES,
  MEASURED_SETS,
  OPERATOR_BYTES,
} from "./sizes.ts";

/** Flash that a deployed model takes with TFLM, in bytes; the application's own code is not in it. */
export interface FlashEstimate {
  /** The model file: weights are read in place. */
  readonly modelBytes: number;
  /** TFLM without operators. */
  readonly frameworkBytes: number;
  /** Kernels of the operators: expected, and the bounds. */
  readonly operators: { readonly bytes: number; readonly lowBytes: number; readonly highBytes: number };
  readonly totalBytes: number;
  readonly lowBytes: number;
  readonly highBytes: number;
  /** True when exactly this set of operators was linked and measured. */
  readonly isMeasured: boolean;
}

/**
 * Code that several kernels share (double-precision and C library parts): on the three sets that were linked together, the sum over operators is too high by 3.6 to 5.2 KB for every
 * operator after the first.
 */
const SHARED_BYTES = 4200;

/**
 * Flash of a model: file + framework + kernels. Bounds on the kernels follow from two facts: linking more operators never makes the binary smaller, and shared
 * code is counted once, so parts bound the whole from below and sums bound it from above; sets that were measured tighten both. Throws `unsupported` for an
 * operator without a measured size.
 */
export function estimateFlash(modelBytes: number, opcodes: Iterable<string>, kernels: FlashKernels): FlashEstimate {
  const { expected, low, high, measured } = operatorCode(new Set(opcodes), kernels);
  const operators = { bytes: expected, lowBytes: low, highBytes: high };
  const fixed = modelBytes + FRAMEWORK_BYTES;
  return {
    modelBytes,
    frameworkBytes: FRAMEWORK_BYTES,
    operators,
    totalBytes: fixed + operators.bytes,
    lowBytes: fixed + operators.lowBytes,
    highBytes: fixed + operators.highBytes,
    isMeasured: measured !== null,
  };
}

/** Kernels' code: expectation and bounds, and the measured size when exactly this set was linked. `sets` is replaced in tests to leave one out. */
export function operatorCode(
  wanted: ReadonlySet<string>,
  kernels: FlashKernels,
  sets: typeof MEASURED_SETS = MEASURED_SETS,
): { readonly expected: number; readonly low: number; readonly high: number; readonly measured: number | null } {
  const sizes = new Map([...wanted].map((opcode) => [opcode, operatorBytes(opcode, kernels)] as const));
  const column = FLASH_KERNELS.indexOf(kernels);
  const sumOf = (names: Iterable<string>) => [...names].reduce((sum, name) => sum + operatorBytes(name, kernels), 0);
  let low = Math.max(0, ...sizes.values());
  let high = Math.min(sumOf(wanted), ALL_OPERATORS_BYTES[kernels]);
  let measured: number | null = null;
  let expected = expectedBytes([...sizes.values()]);
  let nearest = Number.POSITIVE_INFINITY;
  for (const { operators, bytes } of sets) {
    const size = bytes[column] ?? bytes[0];
    const missing = operators.filter((name) => !wanted.has(name));
    const extra = [...wanted].filter((name) => !operators.includes(name));
    // A measured set with operators to spare: taking those away saves at most their sum. One that lacks operators: adding them costs at most theirs.
    low = Math.max(low, size - sumOf(missing));
    high = Math.min(high, size + sumOf(extra));
    if (missing.length === 0 && extra.length === 0) measured = size;
    const distance = sumOf(missing) + sumOf(extra);
    if (distance < nearest && distance < size) {
      nearest = distance;
      const own = (names: readonly string[]) =>
        names.reduce((sum, name) => sum + ownBytes(operatorBytes(name, kernels)), 0);
      expected = size - own(missing) + own(extra);
    }
  }
  expected = measured ?? clamp(expected, low, high);
  return { expected, low: measured ?? low, high: measured ?? high, measured };
}

function operatorBytes(opcode: string, kernels: FlashKernels): number {
  const row = Object.hasOwn(OPERATOR_BYTES, opcode) ? OPERATOR_BYTES[opcode] : undefined;
  if (row === undefined) {
    throw new EspalierError("unsupported", `The code size of operator ${opcode} has not been measured`, {
      where: opcode,
      hint: "Replace the operator, or link the firmware and read its size.",
    });
  }
  const [reference, cmsis = reference, int8 = cmsis] = row;
  return kernels === "reference" ? reference : kernels === "cmsis-nn" ? cmsis : int8;
}

/** What an operator adds to a binary that has the shared code already; small operators drag in little of it. */
function ownBytes(alone: number): number {
  return Math.max(alone - SHARED_BYTES, alone / 2);
}

/** Sum less the shared code of every operator but the largest. */
function expectedBytes(sizes: readonly number[]): number {
  const sorted = [...sizes].sort((a, b) => b - a);
  return sorted.reduce((sum, size, i) => sum + (i === 0 ? size : ownBytes(size)), 0);
}

const clamp = (value: number, low: number, high: number) => Math.round(Math.min(Math.max(value, low), high));
