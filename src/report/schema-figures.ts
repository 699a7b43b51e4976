import * as z from "zod";

/** Units a figure may carry. Bytes are whole bytes, `percent` is 0 to 100, `points` are percentage points, `ratio` is plain. */
export const UNITS = ["ms", "bytes", "MACs", "parameters", "percent", "points", "ratio", "count"] as const;
export const Unit = z.enum(UNITS);
export type Unit = z.infer<typeof Unit>;

/** A name or a sentence. It may come from an untrusted model file: renderers escape it and shorten it, the schema keeps it whole. */
export const Text = z.string();
/** A whole number of things: bytes, parameters, MACs, channels. */
export const Count = z.int().nonnegative();
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** [low, high], in the unit of the figure it belongs to. */
export const Interval = z.tuple([z.number(), z.number()]);
export type Interval = z.infer<typeof Interval>;

/** How a figure was established, and from what. */
export const Evidence = z
  .strictObject({
    kind: z
      .enum(["measured", "simulated", "predicted"])
      .describe(
        "measured: read from a run of the artifact; simulated: computed by a planner that reproduces the runtime; predicted: computed by a fitted or analytic model",
      ),
    errorPercent: z
      .number()
      .nonnegative()
      .optional()
      .describe("Half-width of the error, in percent of the value, on rows that the model was not fitted to"),
    how: Text.describe("One sentence: how the figure was established"),
    source: Text.describe("Where it comes from: a runtime with its version, a profile, a page"),
    timed: z
      .boolean()
      .optional()
      .describe(
        "True when a clock was read: the figure varies from run to run and is left out of the deterministic part",
      ),
  })
  .describe("How a figure was established");
export type Evidence = z.infer<typeof Evidence>;

export const Estimate = z
  .strictObject({ value: z.number().nonnegative(), interval: Interval.optional(), evidence: Evidence })
  .describe("A figure with its evidence; the unit is said by the field that holds it");
export type Estimate = z.infer<typeof Estimate>;

export const Accuracy = z
  .strictObject({
    value: z.number().min(0).max(1).describe("Share of samples that are right, 0 to 1"),
    n: Count.describe("Number of samples"),
    interval: Interval.optional().describe("95 % Wilson score interval of the share"),
  })
  .describe("Accuracy on the test split, run in the model's real runtime");
export type Accuracy = z.infer<typeof Accuracy>;

/** A requirement as the pipeline states it, before it is judged. */
export const RequirementFacts = z.strictObject({
  id: Text.describe('Stable word for machines, such as "flash"'),
  title: Text.describe("What is required, for people"),
  comparison: z.enum(["<=", ">=", "=="]),
  limit: z.number(),
  value: z
    .number()
    .nullable()
    .describe("null: no figure could be established; such a row fails unless it is not applicable"),
  unit: Unit,
  evidence: Evidence,
  interval: Interval.optional().describe("[low, high] around the value; derived from errorPercent when absent"),
  decidedBy: z
    .enum(["value", "pessimistic"])
    .optional()
    .describe("Which figure is held against the limit. Predicted rows are always decided by the pessimistic end"),
  notApplicable: Text.optional().describe("The reason why this requirement does not apply to this run"),
  note: Text.optional(),
});
export type RequirementFacts = z.infer<typeof RequirementFacts>;

/** A requirement as it was judged. */
export const Requirement = RequirementFacts.extend({
  decidedBy: z.enum(["value", "pessimistic"]),
  pessimistic: z.number().nullable().describe("The end of the interval that is worse for this requirement"),
  margin: z
    .strictObject({
      absolute: z.number().describe("Room between the deciding figure and the limit; negative: the limit is broken"),
      percent: z.number().nullable().describe("The same in percent of the limit; null when the limit is 0"),
    })
    .nullable(),
  verdict: z.enum(["pass", "fail", "not-applicable"]),
  caution: Text.optional().describe("Set when a row passes by its value while its interval crosses the limit"),
}).describe("One line of the compliance report");
export type Requirement = z.infer<typeof Requirement>;
