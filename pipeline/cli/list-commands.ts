import { listProfiles, loadProfile } from "../../src/cost/index.ts";
import { TARGETS } from "../../targets/index.ts";

interface ListOptions {
  readonly json?: boolean;
}

function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]!.length))) ?? [];
  for (const row of rows)
    process.stdout.write(
      `${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join("  ")}\n`,
    );
}

/** Lists the targets with their default model and profile. */
export function printTargets(options: ListOptions): void {
  const targets = Object.values(TARGETS).map(({ name, summary, defaults }) => ({ name, summary, ...defaults }));
  if (options.json === true) process.stdout.write(`${JSON.stringify(targets, null, 2)}\n`);
  else printTable(targets.map((t) => [t.name, t.summary]));
}

/** Lists the device profiles. */
export async function printProfiles(options: ListOptions): Promise<void> {
  const names = await listProfiles();
  const profiles = await Promise.all(names.map((name) => loadProfile(name)));
  if (options.json === true) process.stdout.write(`${JSON.stringify(profiles, null, 2)}\n`);
  else printTable(profiles.map((p) => [p.name, p.class, p.title]));
}
