import { formatNumber, formatScientific, formatShare } from "../format.ts";
import type { Report } from "../schema.ts";
import type { Proof, Quantization, Sparsity } from "../schema-sections.ts";
import { invalidLayers } from "../verdict.ts";
import { figure, leftOut, name, section, table, text, verdictMark } from "./elements.ts";
import { type Html, join, markup, NOTHING, sentence } from "./markup.ts";

const MOST_PROOFS = 24;
const MOST_LAYERS = 40;
const MOST_TENSORS = 12;

/** The numeric proofs: masked = sliced for each group, sparsity patterns read back, int8 agreement of each tensor. */
export function proofSection(report: Report): Html {
  const content = [proofTable(report.proofs), sparsityTable(report.sparsity), quantizationTable(report.quantization)];
  const lead =
    "Each row was computed in the runtime named: zeroing a group and cutting it must give the same outputs, and the emitted file must give the outputs of the graph.";
  return section("Proof", content, lead);
}

function proofTable(proofs: readonly Proof[]): Html {
  if (proofs.length === 0) return markup`<p><b>No proof was run.</b></p>\n`;
  const ordered = [...proofs].sort((a, b) => Number(a.pass) - Number(b.pass) || relative(b) - relative(a));
  const shown = ordered.slice(0, MOST_PROOFS);
  const rows = shown.map((proof) => [
    proof.note === undefined ? proof.title : join([proof.title, markup`<small>${sentence(proof.note)}</small>`]),
    proof.difference === null ? "not run" : formatScientific(proof.difference),
    formatScientific(proof.tolerance),
    proof.unit === "absolute" ? "" : proof.unit,
    formatNumber(proof.samples),
    proof.runtime,
    verdictMark(proof.pass ? "pass" : "fail"),
  ]);
  const columns = [
    text("What agrees"),
    figure("Largest difference"),
    figure("Tolerance"),
    text("Unit"),
    figure("Samples"),
    text("Runtime"),
    text("Verdict"),
  ];
  return join([
    table(columns, rows),
    leftOut(proofs.length, shown.length, "proofs, all within their tolerance and closer to it than none of these,"),
  ]);
}

function relative(proof: Proof): number {
  if (proof.difference === null) return Number.POSITIVE_INFINITY;
  return proof.tolerance === 0 ? proof.difference : proof.difference / proof.tolerance;
}

function sparsityTable(sparsity: Sparsity | undefined): Html {
  if (sparsity === undefined) return NOTHING;
  const eligible = sparsity.layers.filter((layer) => layer.eligible).length;
  const shown = sparsity.layers.slice(0, MOST_LAYERS);
  const rows = shown.map((layer) => [
    layer.node,
    layer.eligible ? "eligible" : (layer.reason ?? "not eligible"),
    layer.weights === 0 ? "" : formatShare(layer.zeros / layer.weights, 1),
    formatNumber(layer.weights),
    layer.eligible ? verdictMark(layer.valid === true ? "pass" : "fail") : "",
  ]);
  const broken = invalidLayers(sparsity).length;
  return join([
    markup`<h3>Sparsity ${sparsity.pattern}: ${eligible - broken} of ${eligible} eligible layers valid</h3>\n`,
    table([name("Layer"), text("Eligible"), figure("Zeros"), figure("Weights"), text("Pattern read back")], rows),
    leftOut(sparsity.layers.length, shown.length, "layers"),
  ]);
}

function quantizationTable(quantization: Quantization | undefined): Html {
  if (quantization === undefined) return NOTHING;
  const { tensors } = quantization;
  const shown = [...tensors]
    .sort((a, b) => b.maxSteps - a.maxSteps || (b.meanSteps ?? 0) - (a.meanSteps ?? 0))
    .slice(0, MOST_TENSORS);
  const rows = shown.map((one) => [
    one.tensor,
    formatScientific(one.scale),
    formatNumber(one.zeroPoint),
    formatScientific(one.maxSteps),
    one.meanSteps === undefined ? "" : formatScientific(one.meanSteps),
  ]);
  const exact = tensors.filter((one) => one.maxSteps === 0).length;
  const lead = `${quantization.scheme}. Ranges: ${quantization.calibration}, from ${formatNumber(quantization.calibrationSamples)} samples. Runtime and graph compared on ${formatNumber(quantization.samples)} samples: ${exact} of ${tensors.length} tensors are equal to the last bit.`;
  const columns = [
    name("Tensor"),
    figure("Scale"),
    figure("Zero point"),
    figure("Largest difference (steps)"),
    figure("Mean difference (steps)"),
  ];
  return join([
    markup`<h3>Quantisation</h3>\n<p class="lead">${sentence(lead)}</p>\n`,
    tensors.length === 0 ? NOTHING : table(columns, rows),
    leftOut(tensors.length, shown.length, "tensors, that differ no more than these,"),
  ]);
}
