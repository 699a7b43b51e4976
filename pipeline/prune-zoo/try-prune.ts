import type { Graph } from "../../src/ir/index.ts";
import { type CutProof, cutShapes, findGroups, type PruneGroups } from "../../src/prune/index.ts";
import { totalMacs } from "../../targets/index.ts";
import { parameterFacts } from "../inspect/graph-facts.ts";
import { acceptedInputs } from "../proving/inputs.ts";
import { culprits, isWeak, proveEach, proveOne, type ZooProof } from "../proving/prove-cuts.ts";
import { attempt, messageOf } from "../zoo/attempt.ts";
import type { ZooEntry } from "../zoo/find-models.ts";
import { importAs, isRefusal } from "../zoo/import-as.ts";
import { loadEntry } from "../zoo/load-entry.ts";
import { runOriginal } from "../zoo/reference.ts";
import { emptyRow, type PruneRow } from "./row.ts";
import { type ShareCut, shareCuts } from "./share-cut.ts";

const SEED = 1;

/** Imports one model, cuts it and proves the cuts. Never throws: whatever goes wrong is in the row. */
export async function tryPrune(entry: ZooEntry): Promise<PruneRow> {
  const start = performance.now();
  const done = (changes: Partial<PruneRow>): PruneRow => ({
    ...emptyRow(entry.name),
    ...changes,
    seconds: (performance.now() - start) / 1000,
  });
  const imported = await attempt(() => importEntry(entry));
  if (imported.value === undefined) {
    const status = isRefusal(imported.error) ? "refused" : "FAIL";
    return done({ status, detail: messageOf(imported.error, entry.path) });
  }
  let known: Partial<PruneRow> = {};
  try {
    const graph = imported.value;
    const groups = findGroups(graph);
    known = factsOf(groups);
    return done({ ...known, ...(await pruned(graph, groups)) });
  } catch (error) {
    return done({ ...known, status: "FAIL", detail: messageOf(error) });
  }
}

/** The model in canonical form, with the sizes that its own runtime takes. */
async function importEntry(entry: ZooEntry): Promise<Graph> {
  const { model, golden } = await loadEntry(entry);
  const original = entry.negative ? null : await attempt(() => runOriginal(model, golden, SEED));
  return importAs(model, original?.value).graph;
}

function factsOf(groups: PruneGroups): Partial<PruneRow> {
  const counts = new Map<string, number>();
  for (const { reason } of groups.frozen) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return {
    channels: groups.groups.filter(({ kind }) => kind === "channels").length,
    rows: groups.groups.filter(({ kind }) => kind === "rows").length,
    frozen: [...counts]
      .map(([reason, axes]) => ({ reason, axes }))
      .sort((a, b) => b.axes - a.axes || (a.reason < b.reason ? -1 : 1)),
  };
}

async function pruned(graph: Graph, groups: PruneGroups): Promise<Partial<PruneRow>> {
  const channels = groups.groups.filter(({ kind }) => kind === "channels");
  const rows = groups.groups.filter(({ kind }) => kind === "rows");
  if (groups.groups.length === 0) return { status: "whole" };
  const cuts = channels.length === 0 ? [] : shareCuts(graph, groups, channels, SHARES);
  const left = cuts[0] === undefined ? {} : leftOf(graph, groups, cuts[0]);
  const accepted = await attempt(() => acceptedInputs(graph));
  if (accepted.value === undefined) {
    if (!isRefusal(accepted.error)) throw accepted.error;
    return { ...left, status: "unproved", detail: messageOf(accepted.error) };
  }
  const proving = { graph, groups, ...accepted.value };
  const proofs: ZooProof[] = [];
  const sizes = new Set<number>();
  for (const { cut } of cuts) {
    // Where the groups allow no more, several shares are one cut.
    if (!sizes.has(cut.size)) proofs.push(await proveOne(proving, cut));
    sizes.add(cut.size);
  }
  const own = await proveEach(proving, rows);
  const wrong = proofs.every(({ pass }) => pass) ? [] : await culprits(proving, channels);
  const nothing = proofs[0] !== undefined && isWeak(proofs[0]) ? ["the cut changes nothing that can be seen"] : [];
  return {
    ...left,
    status: wrong.length + own.wrong.length > 0 ? "FAIL" : "ok",
    proof: worstOf(proofs),
    rowsProved: own.proofs.filter(({ pass }) => pass).length,
    rowsDifference: Math.max(0, ...own.proofs.map(({ maxAbs }) => maxAbs)),
    detail: [...nothing, ...roundingNotes(proofs), ...wrong, ...own.wrong].join("; "),
  };
}

/** Shares of channel units that are kept; the first is what figures are given for. */
const SHARES = [0.5, 0.9, 0.7, 0.3] as const;

/** What a cut leaves of the model. */
function leftOf(graph: Graph, groups: PruneGroups, { cut, keep, criterion }: ShareCut): Partial<PruneRow> {
  const small = cutShapes(graph, groups, cut);
  return {
    keep,
    criterion,
    macs: { before: totalMacs(graph), after: totalMacs(small) },
    parameters: { before: parameterFacts(graph).count, after: parameterFacts(small).count },
  };
}

function roundingNotes(proofs: readonly ZooProof[]): string[] {
  const rounded = proofs.flatMap((proof) => (proof.rounded === null ? [] : [proof.rounded]));
  if (rounded.length === 0) return [];
  const most = Math.max(...rounded).toExponential(1);
  return [
    `${rounded.length} of ${proofs.length} cuts proved without rounding: sums half-way between two steps differ by ${most} with it`,
  ];
}

/** The difference that is nearest to its tolerance, with the effect of the first cut. */
function worstOf(proofs: readonly CutProof[]): PruneRow["proof"] {
  const [first] = proofs;
  if (first === undefined) return null;
  const { maxAbs, tolerance } = proofs.reduce((worst, proof) =>
    proof.maxAbs / proof.tolerance > worst.maxAbs / worst.tolerance ? proof : worst,
  );
  return { difference: maxAbs, tolerance, effect: first.effect };
}
