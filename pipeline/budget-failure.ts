import { EspalierError } from "../src/diagnostics/index.ts";
import type { Metric, Witness } from "../src/search/index.ts";
import type { Granularity } from "../targets/index.ts";
import type { Limits } from "./config.ts";

const NAMES: Readonly<Record<Metric, { readonly title: string; readonly unit: string; readonly flag: string }>> = {
  latencyMs: { title: "latency", unit: " ms", flag: "--latency" },
  flashBytes: { title: "flash", unit: " bytes", flag: "--flash" },
  ramBytes: { title: "RAM", unit: " bytes", flag: "--ram" },
  macs: { title: "multiply-accumulates", unit: "", flag: "--macs" },
  parameters: { title: "parameters", unit: "", flag: "--flash" },
};

const ALL: readonly Granularity[] = ["channels", "heads", "blocks"];

/** The error of a budget that cannot be met: every limit that fails, with the least reached, where the limit comes from, and the flag that raises it. */
export function budgetFailure(
  witnesses: readonly Witness[],
  limits: Limits,
  granularity: readonly Granularity[] = ALL,
): EspalierError {
  const rows = witnesses.map(({ metric, limit, best }) => {
    const { title, unit } = NAMES[metric];
    return `${title}: the least reached is ${figure(best)}${unit}, the limit is ${figure(limit)}${unit}${originOf(metric, limits)}`;
  });
  const message =
    rows.length === 0
      ? "No candidate meets all limits together, although each is met alone"
      : `The budget cannot be met. ${rows.join("; ")}`;
  const flags = [...new Set(witnesses.map(({ metric }) => NAMES[metric].flag))].join(" and ");
  const more = ALL.every((word) => granularity.includes(word)) ? "" : ", cut more with --granularity all";
  return new EspalierError("budget", message, {
    hint: `Set a higher limit${flags === "" ? "" : ` with ${flags}`}${more}, or start from a smaller model.`,
  });
}

function originOf(metric: Metric, limits: Limits): string {
  const percent = (share: number | null) => (share === null ? "" : ` (${Math.round(100 * share)} % of the original's)`);
  if (metric === "latencyMs") return percent(limits.latencyMs === null ? limits.latencyShare : null);
  if (metric === "macs") return percent(limits.macs === null ? limits.macsShare : null);
  return "";
}

function figure(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(4)));
}
