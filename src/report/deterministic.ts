import { createHash } from "node:crypto";
import { stableJson } from "./json.ts";
import type { Report } from "./schema.ts";

/**
 * What the same inputs, seed and profile must give again, byte for byte: the report without `run`, without every figure
 * that a clock gave (`evidence.timed`), and without the verdict sentence, which quotes figures.
 * A timed requirement keeps its id, limit and unit; a timed latency breakdown, its layer shares, a timed search and the
 * reason why a model was shipped are left out whole. Notes and diagnostics stay: they must quote no timed figure.
 */
export function deterministicPart(report: Report): Record<string, unknown> {
  const { run: _run, verdict: _verdict, ...rest } = report;
  const { search, shipped } = report;
  const timedBreakdown = report.latency?.evidence.timed === true;
  return {
    ...rest,
    requirements: report.requirements.map((row) => {
      if (row.evidence.timed !== true) return row;
      const { id, title, comparison, limit, unit } = row;
      return { id, title, comparison, limit, unit, timed: true };
    }),
    models: report.models.map((model) => {
      if (model.latency?.evidence.timed !== true) return model;
      const { latency: _latency, ...others } = model;
      return others;
    }),
    layers: timedBreakdown ? report.layers.map(withoutShares) : report.layers,
    shipped: shipped === undefined ? undefined : { model: shipped.model },
    search: search?.evidence?.timed === true ? undefined : search,
    latency: timedBreakdown ? undefined : report.latency,
  };
}

/** SHA-256 of the deterministic part: the short text that ties a signed sheet of paper to its report.json. */
export function fingerprint(report: Report): string {
  return createHash("sha256")
    .update(stableJson(deterministicPart(report)))
    .digest("hex");
}

function withoutShares(layer: Report["layers"][number]): unknown {
  const { latencyShareBefore: _before, latencyShareAfter: _after, ...others } = layer;
  return others;
}
