import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Figures of one case by name: accuracies as shares, MACs as a share of the reference's, seconds. */
export type Figures = Readonly<Record<string, number>>;

/** What has been measured, by case: a file of JSON lines, of which the last of a case counts. Lines of other settings are passed over. */
export interface Store {
  readonly get: (key: string) => Figures | undefined;
  readonly put: (key: string, figures: Figures) => void;
}

interface Line {
  readonly fingerprint: string;
  readonly key: string;
  readonly figures: Figures;
}

export function openStore(file: string, fingerprint: string): Store {
  const known = new Map<string, Figures>();
  if (existsSync(file))
    for (const text of readFileSync(file, "utf8").split("\n").filter(Boolean)) {
      const line = JSON.parse(text) as Line;
      if (line.fingerprint === fingerprint) known.set(line.key, line.figures);
    }
  mkdirSync(path.dirname(file), { recursive: true });
  return {
    get: (key) => known.get(key),
    put: (key, figures) => {
      known.set(key, figures);
      appendFileSync(file, `${JSON.stringify({ fingerprint, key, figures } satisfies Line)}\n`);
    },
  };
}
