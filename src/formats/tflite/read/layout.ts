/** Permutation that moves the last axis to position 1: NHWC to NCHW. */
export function channelsFirst(rank: number): number[] {
  if (rank < 3) return Array.from({ length: rank }, (_, axis) => axis);
  return [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, axis) => axis + 1)];
}

/** Permutation that moves axis 1 to the end: NCHW to NHWC. */
export function channelsLast(rank: number): number[] {
  if (rank < 3) return Array.from({ length: rank }, (_, axis) => axis);
  return [0, ...Array.from({ length: rank - 2 }, (_, axis) => axis + 2), 1];
}
