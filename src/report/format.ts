import type { Evidence, Interval, Unit } from "./schema-figures.ts";

/** 12,345,678 or 1,234.50: thousands separated by commas, a fixed number of decimals, a true minus sign. */
export function formatNumber(value: number, decimals = 0): string {
  const text = Math.abs(value).toFixed(decimals);
  const [whole = "", fraction] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  const sign = value < 0 && Number(text) !== 0 ? "\u2212" : "";
  return `${sign}${grouped}${fraction === undefined ? "" : `.${fraction}`}`;
}

/** A figure with its unit. Bytes below 1 KiB stay bytes; above, they are KiB or MiB (binary). `extra` adds decimals. */
export function formatQuantity(value: number, unit: Unit, extra = 0): string {
  return formatScaled(value, unit, Math.abs(value), extra);
}

/** Several figures of one unit at one scale, with as many decimals (up to 6) as it takes to tell apart those that differ. */
export function formatApart(values: readonly number[], unit: Unit): string[] {
  const scale = Math.max(...values.map(Math.abs));
  const wanted = new Set(values).size;
  let texts: string[] = [];
  for (let extra = 0; extra <= 6; extra++) {
    texts = values.map((value) => formatScaled(value, unit, scale, extra));
    if (new Set(texts).size === wanted) break;
  }
  return texts;
}

/** "measured", "simulated" or "predicted ± 12 %": the marking that stands beside every figure that has evidence. */
export function formatEvidence(evidence: Evidence): string {
  if (evidence.errorPercent === undefined) return evidence.kind;
  return `${evidence.kind} \u00b1 ${trimZeros(formatNumber(evidence.errorPercent, 1))}\u00a0%`;
}

/** "1.02 to 1.31 ms": both ends at one scale, the unit once. */
export function formatInterval(interval: Interval, unit: Unit): string {
  const [low = "", high = ""] = formatApart(interval, unit);
  return `${low.split("\u00a0")[0]} to ${high}`;
}

/** A share of 0 to 1 as percent: "91.24 %". */
export function formatShare(share: number, decimals = 2): string {
  return `${formatNumber(share * 100, decimals)}\u00a0%`;
}

/** How much smaller: "−42.1 %"; "" when there is nothing to compare with. */
export function formatChange(before: number, after: number): string {
  if (before === 0) return "";
  const change = (100 * (after - before)) / before;
  return `${change > 0 ? "+" : ""}${formatNumber(change, 1)}\u00a0%`;
}

/** A difference such as 3.1e-7, or plain 0. */
export function formatScientific(value: number): string {
  if (value === 0) return "0";
  return value >= 0.001 && value < 1e6
    ? String(Number(value.toPrecision(3)))
    : value.toExponential(1).replace("-", "\u2212");
}

/** "12.3 s" or "2 min 05 s". */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)}\u00a0s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}\u00a0min ${String(whole % 60).padStart(2, "0")}\u00a0s`;
}

const KIB = 1024;

function formatScaled(value: number, unit: Unit, scale: number, extra: number): string {
  const of = (amount: number, decimals: number, label: string) =>
    `${formatNumber(amount, decimals + extra)}${label === "" ? "" : `\u00a0${label}`}`;
  if (unit === "ms") return of(value, timeDecimals(scale), "ms");
  if (unit === "percent") return of(value, 2, "%");
  if (unit === "points") return of(value, 2, "points");
  if (unit === "ratio") return of(value, 3, "");
  if (unit === "bytes") {
    if (scale < KIB) return of(value, 0, "B");
    return scale < KIB * KIB ? of(value / KIB, 1, "KiB") : of(value / KIB / KIB, 2, "MiB");
  }
  return of(value, 0, unit === "count" ? "" : unit);
}

/** Three significant digits for times: below 1 ms three decimals, below 100 ms two. */
function timeDecimals(scale: number): number {
  if (scale < 1) return 3 + (scale > 0 && scale < 0.01 ? 1 : 0);
  return scale < 10 ? 2 : 1;
}

function trimZeros(text: string): string {
  return text.replace(/\.0$/, "");
}
