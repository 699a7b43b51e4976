import { type Conversion, convertModel } from "../convert/convert-model.ts";
import type { QuantizeKind } from "../convert/quantise-model.ts";
import { bytesText } from "../inspect/render.ts";
import { FORMAT_NAMES } from "../model-format.ts";
import { parseInputs } from "./input-flag.ts";

/** The options of `convert` as commander gives them. */
export interface ConvertOptions {
  readonly input?: readonly string[];
  readonly quantize: QuantizeKind;
  readonly data?: string;
  readonly samples?: number;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Exit code when the result differs from the original by more than it may. */
const DIFFERS = 2;

/** Outputs listed by name; of more only the worst. */
const LISTED = 8;

/** Converts and prints how far the result is from the original; answers the exit code (0, or 2 when nothing was written). */
export async function runConvert(from: string, to: string, options: ConvertOptions): Promise<number> {
  const { input = [], json, ...rest } = options;
  const conversion = await convertModel({ from, to, ...rest, ...parseInputs(input) });
  process.stdout.write(json === true ? `${toJson(conversion)}\n` : renderConversion(conversion));
  return conversion.verified ? 0 : DIFFERS;
}

/** JSON has no Infinity: a limit that is none, and a difference of shapes, become null. */
function toJson(conversion: Conversion): string {
  return JSON.stringify(conversion, (_, value: unknown) => (value === Number.POSITIVE_INFINITY ? null : value), 2);
}

function outputLine({
  name,
  absolute,
  relative,
  steps,
  unit,
  limit,
  within,
  note,
}: Conversion["outputs"][number]): string {
  if (note !== undefined) return `  ${name}: ${note}`;
  const inSteps = steps === null ? "" : `, ${Number(steps.toFixed(2))} steps`;
  const judged = Number.isFinite(limit)
    ? `; at most ${limit} ${unit === "exact" ? "absolute" : unit}${within ? "" : ": TOO FAR"}`
    : "";
  return `  ${name}: ${absolute.toExponential(1)} absolute, ${relative.toExponential(1)} relative${inSteps}${judged}`;
}

/** A conversion as text for people. */
export function renderConversion(conversion: Conversion): string {
  const { from, to, compared, outputs, verified, notes } = conversion;
  const worst = [...outputs].sort((a, b) => b.relative - a.relative);
  const listed = outputs.length > LISTED ? worst.slice(0, LISTED) : outputs;
  const inputs = compared.inputs === "data" ? "samples" : "random inputs";
  return [
    `${from.file}: ${FORMAT_NAMES[from.format]}, ${bytesText(from.bytes)}, run in ${from.engine}`,
    `${to.file}: ${FORMAT_NAMES[to.format]}, ${bytesText(to.bytes)}, run in ${to.engine}`,
    `Largest difference on ${compared.runs} ${inputs}:`,
    ...listed.map(outputLine),
    ...(outputs.length > LISTED ? [`  (the ${LISTED} largest of ${outputs.length} outputs)`] : []),
    ...notes.map((note) => `note: ${note}`),
    verified ? "Written." : "Not written: the result differs from the original by more than it may.",
    "",
  ].join("\n");
}
