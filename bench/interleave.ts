/** One thing that is timed. */
export interface Contestant {
  readonly name: string;
  run(): Promise<unknown> | unknown;
}

/** Times contestants in turn and prints each one's median and its ratio to the first, the baseline. */
export async function interleave(
  title: string,
  contestants: readonly Contestant[],
  rounds = 15,
  warmup = 2,
): Promise<void> {
  const times = contestants.map(() => [] as number[]);
  for (let round = -warmup; round < rounds; round++) {
    for (const [i, { run }] of contestants.entries()) {
      const start = performance.now();
      await run();
      if (round >= 0) times[i]!.push(performance.now() - start);
    }
  }
  const medians = times.map((list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!);
  process.stdout.write(`${title} (median of ${rounds} interleaved rounds)\n`);
  contestants.forEach(({ name }, i) => {
    const ratio = i === 0 ? "baseline" : `${(medians[i]! / medians[0]!).toFixed(2)} x`;
    process.stdout.write(`  ${name.padEnd(58)} ${medians[i]!.toFixed(1).padStart(8)} ms  ${ratio}\n`);
  });
}
