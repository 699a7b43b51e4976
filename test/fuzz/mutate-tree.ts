import type { Random } from "../../src/tensor/index.ts";

/** Numbers that a size, an offset, an index or an axis should not be. */
const NUMBERS = [0, 1, -1, 2, 3, 7, 255, -128, 65536, 2147483647, -2147483648, 1e9];
/** Larger trees are not searched whole. */
const MOST_PLACES = 20_000;

type Holder = Record<string | number, unknown>;

interface Place {
  readonly holder: Holder;
  readonly key: string | number;
}

function isHolder(value: unknown): value is Holder {
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value);
}

/** Every place of a tree of plain objects and arrays, the tree's own type marks left out. */
function placesOf(root: Holder): Place[] {
  const places: Place[] = [];
  const queue: Holder[] = [root];
  for (let next = queue.pop(); next !== undefined && places.length < MOST_PLACES; next = queue.pop()) {
    const keys = Array.isArray(next) ? [...next.keys()] : Object.keys(next).filter((key) => !key.startsWith("$"));
    for (const key of keys) {
      places.push({ holder: next, key });
      const value = next[key];
      if (isHolder(value)) queue.push(value);
    }
  }
  return places;
}

function otherOf<T>(places: readonly Place[], is: (value: unknown) => value is T, random: Random, fallback: T): T {
  for (let attempt = 0; attempt < 20; attempt++) {
    const { holder, key } = places[random.below(places.length)]!;
    const value = holder[key];
    if (is(value)) return value;
  }
  return fallback;
}

const isString = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => typeof value === "number";

function changed(value: unknown, places: readonly Place[], random: Random): unknown {
  if (typeof value === "boolean") return !value;
  if (typeof value === "string") return random.below(8) === 0 ? "" : otherOf(places, isString, random, "x");
  if (typeof value === "bigint") return BigInt(NUMBERS[random.below(NUMBERS.length)]!);
  if (typeof value === "number")
    return random.below(2) === 0 ? NUMBERS[random.below(NUMBERS.length)]! : otherOf(places, isNumber, random, 0);
  if (value instanceof Uint8Array) {
    const copy = value.slice(0, random.below(3) === 0 ? random.below(value.length + 1) : value.length);
    if (copy.length > 0) copy[random.below(copy.length)]! ^= 1 << random.below(8);
    return copy;
  }
  if (!Array.isArray(value)) return value;
  const at = random.below(value.length + 1);
  const kind = random.below(3);
  if (kind === 0) return value.filter((_, i) => i !== at);
  if (kind === 1) return [...value.slice(0, at), ...value.slice(Math.max(0, at - 1))];
  return [...value].reverse();
}

/** Changes one to three places of a tree in place: numbers to extremes, names to other names, elements dropped, doubled or reversed. */
export function mutateTree(root: object, random: Random): void {
  for (let left = random.below(3); left >= 0; left--) {
    const places = placesOf(root as Holder);
    const { holder, key } = places[random.below(places.length)]!;
    holder[key] = changed(holder[key], places, random);
  }
}
