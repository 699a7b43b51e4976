import { EspalierError } from "../../../diagnostics/index.ts";

/** Typed access to a layer's config; a missing or null entry has the default that is given. */
export interface Config {
  raw(key: string): unknown;
  number(key: string, fallback: number): number;
  int(key: string, fallback: number): number;
  bool(key: string, fallback: boolean): boolean;
  text(key: string, fallback: string): string;
  /** `count` positive or zero integers; one integer stands for all. */
  list(key: string, count: number, fallback: number): readonly number[];
  /** An integer, or a list of them; null when absent. `value`: what to read instead of what stands there. */
  axes(key: string, value?: unknown): readonly number[] | null;
}

function wrong(key: string, value: unknown, wanted: string): never {
  throw new EspalierError("input", `"${key}" must be ${wanted}, got ${JSON.stringify(value)?.slice(0, 80)}`);
}

const isInt = (value: unknown): value is number => Number.isSafeInteger(value);

export function configOf(values: Readonly<Record<string, unknown>>): Config {
  const raw = (key: string): unknown => (Object.hasOwn(values, key) ? values[key] : undefined) ?? undefined;
  const number = (key: string, fallback: number) => {
    const value = raw(key) ?? fallback;
    return typeof value === "number" ? value : wrong(key, value, "a number");
  };
  return {
    raw,
    number,
    int: (key, fallback) => {
      const value = number(key, fallback);
      return isInt(value) ? value : wrong(key, value, "an integer");
    },
    bool: (key, fallback) => {
      const value = raw(key) ?? fallback;
      return typeof value === "boolean" ? value : wrong(key, value, "true or false");
    },
    text: (key, fallback) => {
      const value = raw(key) ?? fallback;
      return typeof value === "string" ? value : wrong(key, value, "a string");
    },
    list: (key, count, fallback) => {
      const value = raw(key) ?? fallback;
      const list = Array.isArray(value) ? (value as unknown[]) : new Array<unknown>(count).fill(value);
      const full = list.length === 1 && count > 1 ? new Array<unknown>(count).fill(list[0]) : list;
      if (full.length !== count || !full.every((item) => isInt(item) && item >= 0 && item < 2 ** 31))
        wrong(key, value, `${count} integers`);
      return full as number[];
    },
    axes: (key, value = raw(key)) => {
      if (value === undefined) return null;
      const list = Array.isArray(value) ? (value as unknown[]) : [value];
      if (!list.every(isInt)) wrong(key, value, "an integer or a list of integers");
      return list as number[];
    },
  };
}
