/** Seeded generator of uniform doubles in [0, 1): sfc32 (PractRand, Chris Doty-Humphrey), 32-bit state words, period about 2^128. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, n). */
  below(n: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
  /** Fisher-Yates, in place. */
  shuffle(items: { length: number; [index: number]: number }): void;
  /** An independent stream, named so that adding one elsewhere does not move it. */
  fork(label: string): Random;
}

/** FNV-1a over UTF-16 code units. */
function hashLabel(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The stream for a seed and a label: the same pair always gives the same numbers, on every machine. */
export function seededRandom(seed: number, label = ""): Random {
  let a = (seed >>> 0) ^ 0x9e3779b9;
  let b = hashLabel(label);
  let c = Math.floor(seed / 4294967296) >>> 0;
  let counter = 1;
  const step = () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 16; i++) step();
  const next = () => step() / 4294967296;
  const random: Random = {
    next,
    below: (n) => Math.floor(next() * n),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    shuffle: (items) => {
      for (let i = items.length - 1; i > 0; i--) {
        const j = Math.floor(next() * (i + 1));
        const kept = items[i]!;
        items[i] = items[j]!;
        items[j] = kept;
      }
    },
    fork: (child) => seededRandom(seed, `${label}/${child}`),
  };
  return random;
}
