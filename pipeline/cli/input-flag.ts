import { EspalierError } from "../../src/diagnostics/index.ts";
import type { Dim } from "../../src/ir/index.ts";
import type { InputSettings } from "../model-file.ts";

const HINT = "Write --input name:1,3,224,224 for a shape (N for an open batch), --input name=16000 for a constant.";
/** What the flag `--input` says of itself in every command that has it. */
export const INPUT_HELP =
  "size of an input that the file leaves open (name:1,3,224,224) or a constant for it (name=16000); may be repeated";

/** Gathers a flag that may be repeated. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** No tensor has more elements. */
const LARGEST_SIZE = 2 ** 31 - 1;

function refuse(text: string, fact: string): EspalierError {
  return new EspalierError("usage", `--input got "${text}": ${fact}`, { hint: HINT });
}

/** "name:1,3,224,224": the name may hold colons itself, so the last one counts. */
function parseShape(text: string): readonly [string, readonly Dim[]] {
  const match = /^(.+):([^:]*)$/s.exec(text);
  if (match === null) throw refuse(text, "neither a shape nor a value");
  const [, name, sizes] = match as unknown as [string, string, string];
  const shape =
    sizes === ""
      ? []
      : sizes.split(",").map((word, axis): Dim => {
          const size = word.trim();
          if (size === "N" && axis === 0) return "N";
          if (!/^\d{1,10}$/.test(size) || Number(size) < 1 || Number(size) > LARGEST_SIZE)
            throw refuse(text, `"${size}" is not a size from 1 on`);
          return Number(size);
        });
  return [name, shape];
}

/** "name=16000" or "name=1,2,3". */
function parseValue(text: string): readonly [string, number | readonly number[]] | null {
  const match = /^(.+?)=([-+\d.eE,\s]+)$/s.exec(text);
  if (match === null) return null;
  const words = match[2]!.split(",").map((word) => word.trim());
  const numbers = words.map(Number);
  if (words.includes("") || numbers.some((value) => !Number.isFinite(value)))
    throw refuse(text, "the value is no number");
  return [match[1]!, numbers.length === 1 ? numbers[0]! : numbers];
}

/** The flags `--input` in one. Throws EspalierError "usage" for one that is neither a shape nor a value, or comes twice. */
export function parseInputs(texts: readonly string[]): InputSettings {
  const inputShapes: Record<string, readonly Dim[]> = {};
  const inputValues: Record<string, number | readonly number[]> = {};
  for (const text of texts) {
    const value = parseValue(text);
    const [name] = value ?? parseShape(text);
    if (Object.hasOwn(inputShapes, name) || Object.hasOwn(inputValues, name))
      throw refuse(text, `"${name}" comes twice`);
    if (value !== null) inputValues[name] = value[1];
    else inputShapes[name] = parseShape(text)[1];
  }
  return {
    ...(Object.keys(inputShapes).length === 0 ? {} : { inputShapes }),
    ...(Object.keys(inputValues).length === 0 ? {} : { inputValues }),
  };
}
