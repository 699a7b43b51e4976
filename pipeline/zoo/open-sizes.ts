import type { RunnerPort } from "../../src/runtimes/index.ts";

/** Sizes that models with an open height and width, or an open length, are made for; each is tried in turn. */
const SPATIAL = [64, 32, 128, 224, 256, 320, 192, 512];
const LENGTHS = [512, 576, 128, 64, 256, 1024, 16000, 32, 16, 10, 4, 2, 1];

interface OpenSize {
  readonly symbol: string;
  readonly kind: "batch" | "spatial" | "length" | "inner";
}

function kindOf(port: number, rank: number, axis: number): OpenSize["kind"] {
  if (axis === 0) return "batch";
  if (rank >= 4) return "spatial";
  // The middle axis of a state [layers, batch, features] is the batch; elsewhere it is a length.
  return port > 0 && rank === 3 && axis === 1 ? "inner" : "length";
}

function openSizes(ports: readonly RunnerPort[]): OpenSize[] {
  const found = new Map<string, OpenSize["kind"]>();
  ports.forEach(({ shape }, port) => {
    shape.forEach((dim, axis) => {
      if (typeof dim !== "string") return;
      const kind = kindOf(port, shape.length, axis);
      // A symbol that is a batch anywhere is the batch everywhere.
      if (!found.has(dim) || kind === "batch") found.set(dim, kind);
    });
  });
  return [...found].map(([symbol, kind]) => ({ symbol, kind }));
}

/** Whether a model leaves any size open. */
export function isOpen(ports: readonly RunnerPort[]): boolean {
  return ports.some(({ shape }) => shape.some((dim) => typeof dim === "string"));
}

/** Sizes for all inputs, to be tried in order: one sample, then heights, widths and lengths from a ladder. Without open sizes: the one that the file states. */
export function* sizeCandidates(ports: readonly RunnerPort[]): Generator<number[][]> {
  const open = openSizes(ports);
  const steps = Math.max(
    open.some(({ kind }) => kind === "spatial") ? SPATIAL.length : 1,
    open.some(({ kind }) => kind === "length" || kind === "inner") ? LENGTHS.length : 1,
  );
  const inner = open.some(({ kind }) => kind === "inner") ? [true, false] : [true];
  for (let step = 0; step < steps; step++) {
    for (const innerIsBatch of inner) {
      const length = LENGTHS[Math.min(step, LENGTHS.length - 1)]!;
      const sizes = {
        batch: 1,
        spatial: SPATIAL[Math.min(step, SPATIAL.length - 1)]!,
        length,
        inner: innerIsBatch ? 1 : length,
      };
      const values = new Map(open.map(({ symbol, kind }) => [symbol, sizes[kind]]));
      yield ports.map(({ shape }) => shape.map((dim) => (typeof dim === "string" ? values.get(dim)! : dim)));
    }
  }
}
