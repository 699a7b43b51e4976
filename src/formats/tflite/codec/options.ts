import { EspalierError, invariant } from "../../../diagnostics/index.ts";
import { tfliteSchema } from "./generated/schema.ts";
import type { TfliteOperator, TfliteOptions, TfliteOptionsByType, TfliteOptionsType } from "./model.ts";

/** An options table with the schema's defaults for the fields not given: `tfliteOptions("Conv2DOptions", { strideW: 2 })`. */
export function tfliteOptions<T extends TfliteOptionsType>(
  type: T,
  fields: Partial<TfliteOptionsByType[T]> = {},
): { readonly type: T } & TfliteOptionsByType[T] {
  const table = tfliteSchema.tables[type];
  invariant(table !== undefined, `the TFLite schema has no table ${type}`);
  const values: Record<string, unknown> = { type };
  for (const field of table) {
    if (field.kind !== "scalar") continue;
    values[field.name] = field.enum === undefined ? field.default : enumDefault(field.enum, Number(field.default));
  }
  return { ...values, ...fields } as unknown as { readonly type: T } & TfliteOptionsByType[T];
}

/**
 * An operator's options as the table that its kind has. An operator stored without options has the defaults, as in
 * TFLite; one stored with another kind's options is malformed (EspalierError "input").
 */
export function optionsAs<T extends TfliteOptionsType>(operator: TfliteOperator, type: T): TfliteOptionsByType[T] {
  const { options } = operator;
  if (options === undefined) return tfliteOptions(type);
  if (options.type !== type) {
    throw new EspalierError("input", `${operator.opcode} has ${options.type}, expected ${type}`);
  }
  return options as TfliteOptions as unknown as TfliteOptionsByType[T];
}

function enumDefault(name: string, value: number): string {
  const found = Object.entries(tfliteSchema.enums[name] ?? {}).find(([, number]) => number === value);
  invariant(found !== undefined, `the default ${value} of ${name} has no name`);
  return found[0];
}
