import { EspalierError } from "../../diagnostics/index.ts";

const keywords = new Set(
  "alignas auto bool break case char class const constexpr continue default delete do double else enum extern false float for if inline int long namespace new operator private protected public register return short signed sizeof static struct switch template this throw true try typedef union unsigned using virtual void volatile while".split(
    " ",
  ),
);

/** A name that C and C++ take; refuses one that they do not, so that a header never carries other text. */
export function checkIdentifier(name: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name) || name.includes("__") || keywords.has(name) || name.length > 63) {
    throw new EspalierError("usage", `${JSON.stringify(name)} is not a C identifier`, {
      hint: "Use letters, digits and single underscores, a letter first, 63 at most.",
    });
  }
  return name;
}

/** Names as an include guard: "kws", "arena" give KWS_ARENA_H_. */
export function guard(...names: string[]): string {
  return `${names.join("_")}_H_`.toUpperCase();
}

/** "kws_model" as a type or constant name: KwsModel. */
export function pascal(name: string): string {
  return name.replace(/(^|_)([a-z0-9])/g, (_, __, letter: string) => letter.toUpperCase());
}
