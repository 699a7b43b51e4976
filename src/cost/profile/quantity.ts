import { z } from "zod";

/** How a number is known, from strongest to weakest claim. */
export const EVIDENCE = ["datasheet", "measurement", "fit", "estimate"] as const;

export type Evidence = (typeof EVIDENCE)[number];

/** A number that says where it comes from. The unit is in the key that holds it (`clockHz`, `sramBytes`). */
export interface Quantity {
  readonly value: number;
  readonly kind: Evidence;
  readonly source: string;
  readonly note?: string | undefined;
}

const describe = {
  value: "the number, in the unit that the key names",
  kind: "datasheet: the vendor's or the tool's text; measurement: timed or counted; fit: least squares over measurements; estimate: reasoned, not measured",
  source: "where the number can be checked",
};

function quantityOf(value: z.ZodNumber): z.ZodType<Quantity> {
  return z.strictObject({
    value: value.describe(describe.value),
    kind: z.enum(EVIDENCE).describe(describe.kind),
    source: z.string().min(3).describe(describe.source),
    note: z.string().optional(),
  });
}

/** Above zero and finite: rates, clocks, sizes that divide. */
export const positive: z.ZodType<Quantity> = quantityOf(z.number().positive());

/** Zero or more: floors, factors that may vanish. */
export const nonNegative: z.ZodType<Quantity> = quantityOf(z.number().nonnegative());

/** Whole and above zero: bytes, channels, lanes. */
export const count: z.ZodType<Quantity> = quantityOf(z.int().positive());
