/** One thing that is timed. */
export interface Contestant {
  readonly name: string;
  run(): Promise<unknown>;
}

const WARM_UP = 2;
const FEWEST_ROUNDS = 3;
const MOST_ROUNDS = 60;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Times contestants in turn, so that whatever else the machine does falls on all of them: milliseconds by name, one entry a round, for about `seconds`. */
export async function timeInTurn(contestants: readonly Contestant[], seconds: number): Promise<Map<string, number[]>> {
  const times = new Map(contestants.map(({ name }) => [name, [] as number[]]));
  const end = performance.now() + 1000 * seconds;
  for (let round = -WARM_UP; round < MOST_ROUNDS; round++) {
    if (round >= FEWEST_ROUNDS && performance.now() > end) break;
    for (const { name, run } of contestants) {
      const start = performance.now();
      await run();
      if (round >= 0) times.get(name)!.push(performance.now() - start);
    }
  }
  return times;
}
