/** Number of single-character edits (insert, delete, replace, swap of neighbours) between two words. */
export function editDistance(a: string, b: string): number {
  const rows = a.length + 1;
  const columns = b.length + 1;
  const table = Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  for (let i = 1; i < rows; i++) {
    for (let j = 1; j < columns; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(table[i - 1]![j]! + 1, table[i]![j - 1]! + 1, table[i - 1]![j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, table[i - 2]![j - 2]! + 1);
      table[i]![j] = best;
    }
  }
  return table[a.length]![b.length]!;
}

/** The known word nearest to an unknown one, or null when none is near (more than a third of its letters, and at least 2, would change). */
export function nearestWord(unknown: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(unknown.length / 3)) + 1;
  for (const word of known) {
    // The lengths alone need that many edits; it also spares comparing names of a damaged file that are megabytes long.
    if (Math.abs(word.length - unknown.length) >= bestDistance) continue;
    const distance = editDistance(unknown.toLowerCase(), word.toLowerCase());
    if (distance < bestDistance) {
      best = word;
      bestDistance = distance;
    }
  }
  return best;
}

/** Remedy text for an unknown word: the nearest known one if any, and all that are known. */
export function suggestion(unknown: string, known: readonly string[]): string {
  const nearest = nearestWord(unknown, known);
  const list = `Known: ${known.join(", ")}.`;
  return nearest === null ? list : `Did you mean "${nearest}"? ${list}`;
}
