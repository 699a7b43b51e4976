import type { Random } from "../../src/tensor/index.ts";

/** 32-bit words that formats and sizes trip over. */
const WORDS = [0, 1, 2, 4, 0x7f, 0x80, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
/** Varint bytes at the borders of their lengths. */
const BYTES = [0, 1, 0x7f, 0x80, 0x81, 0xff];
/** Numbers that a size, an offset or an index should not be. */
const NUMBERS = [
  "0",
  "-1",
  "1e9",
  "2147483648",
  "9007199254740993",
  "1e400",
  "0.5",
  "null",
  "[]",
  "{}",
  '""',
  '"../x"',
];

function splice(bytes: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length - removed + inserted.length);
  out.set(bytes.subarray(0, at));
  out.set(inserted, at);
  out.set(bytes.subarray(at + removed), at + inserted.length);
  return out;
}

type Change = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const changes: readonly Change[] = [
  (bytes, random) => {
    bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    return bytes;
  },
  (bytes, random) => {
    bytes[random.below(bytes.length)] = BYTES[random.below(BYTES.length)]!;
    return bytes;
  },
  (bytes, random) => {
    if (bytes.length < 8) return bytes;
    const at = random.below(bytes.length - 4) & ~3;
    const word = random.below(2) === 0 ? WORDS[random.below(WORDS.length)]! : random.below(bytes.length * 2);
    new DataView(bytes.buffer).setUint32(at, word >>> 0, true);
    return bytes;
  },
  (bytes, random) => bytes.slice(0, random.below(bytes.length)),
  (bytes, random) => {
    const at = random.below(bytes.length);
    return splice(bytes, at, Math.min(random.below(24), bytes.length - at), new Uint8Array(0));
  },
  (bytes, random) => {
    const from = random.below(bytes.length);
    return splice(bytes, random.below(bytes.length), 0, bytes.slice(from, from + 1 + random.below(48)));
  },
  (bytes, random, other) => {
    const from = random.below(other.length);
    const piece = other.slice(from, from + 1 + random.below(64));
    const at = random.below(bytes.length);
    return splice(bytes, at, Math.min(piece.length, bytes.length - at), piece);
  },
];

/** A copy of a file with one to four changes: flipped bits, extreme words, cuts, repetitions, pieces of another file. */
export function mutateBytes(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  let copy: Uint8Array = bytes.slice();
  for (let left = random.below(4); left >= 0 && copy.length > 0; left--)
    copy = changes[random.below(changes.length)]!(copy, random, other);
  return copy;
}

/** A copy of a JSON text with one to three changes of its tokens: numbers and strings replaced, pairs dropped or doubled. */
export function mutateJson(text: string, random: Random): string {
  let tokens: string[] = text.match(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[[\]{}:,]|true|false|null/g) ?? [];
  for (let left = random.below(3); left >= 0 && tokens.length > 0; left--) {
    const at = random.below(tokens.length);
    const kind = random.below(5);
    const instead = kind === 0 ? [NUMBERS[random.below(NUMBERS.length)]!] : [tokens[random.below(tokens.length)]!];
    if (kind <= 1) tokens = [...tokens.slice(0, at), ...instead, ...tokens.slice(at + 1)];
    else if (kind === 2) tokens = [...tokens.slice(0, at), ...tokens.slice(at + 1 + random.below(4))];
    else if (kind === 3) {
      const piece = tokens.slice(at, at + 1 + random.below(16));
      tokens = [...tokens.slice(0, at), ...piece, ...tokens.slice(at)];
    } else if (tokens[at]!.startsWith('"')) {
      // Another string of the file: operators change places, references meet themselves.
      const strings = tokens.filter((token) => token.startsWith('"'));
      tokens[at] = strings[random.below(strings.length)]!;
    }
  }
  return tokens.join("");
}
