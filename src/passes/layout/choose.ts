import { canonical, type Form, invert, keyOf, type Perm, through } from "./forms.ts";
import { Penalties } from "./penalties.ts";
import {
  type Cost,
  type Labelling,
  madeAs,
  type Problem,
  type Reading,
  type Root,
  rootCost,
  startLabels,
  transposeCost,
  wantedAs,
} from "./problem.ts";
import type { Label } from "./rule.ts";

/** A label for some sites, that would let them agree with the one that the search started from. */
type Proposal = ReadonlyMap<number, Label>;

/** Where a proposal starts. */
interface Seed {
  readonly site: number;
  readonly label: Label;
}

const same = (a: Label, b: Label) => a.join() === b.join();

/** The label with which a site reads as is proposed for the root; null where the site has none. */
function labelOfReader(problem: Problem, reading: Reading, order: Perm): Label | null {
  const rule = reading.site < 0 ? null : problem.sites[reading.site]!.rule;
  return rule?.fromInput(reading.input, through(invert(reading.view), order)) ?? null;
}

/**
 * Spreads a proposal from one site to those that are joined to it by flexible sites; the first to reach a site decides. It
 * ends at sites that have the proposed label already: what lies behind them has its own seeds.
 */
function spread(problem: Problem, labels: Labelling, { site: start, label }: Seed): Proposal {
  const proposal = new Map<number, Label>([[start, label]]);
  const propose = (site: number, wanted: Label | null | undefined) => {
    if (wanted !== null && wanted !== undefined && !proposal.has(site)) proposal.set(site, wanted);
  };
  const reach = (root: Root, order: Perm) => {
    if (root.site >= 0) propose(root.site, problem.sites[root.site]!.rule?.fromOutput(root.output, order));
    for (const reading of root.readings) propose(reading.site, labelOfReader(problem, reading, order));
  };
  for (const [at, own] of proposal) {
    if (same(own, labels[at]!)) continue;
    const site = problem.sites[at]!;
    site.roots.forEach((root, j) => {
      reach(problem.roots[root]!, site.rule!.output(own, j));
    });
    for (const reading of site.readings) {
      const form = reading === null ? null : site.rule!.input(own, reading.input);
      const root = reading === null ? undefined : problem.roots[reading.root]!;
      if (root === undefined || root.isConstant || form === null || form.includes(-1)) continue;
      if (form.length === root.shape.length) reach(root, through(reading!.view, form));
    }
  }
  return proposal;
}

/** The roots that sites make or read. */
function rootsAround(problem: Problem, sites: Iterable<number>): Root[] {
  const found = new Set<number>();
  for (const at of sites) {
    const site = problem.sites[at]!;
    for (const root of site.roots) found.add(root);
    for (const reading of site.readings) if (reading !== null) found.add(reading.root);
  }
  return [...found].map((root) => problem.roots[root]!).filter((root) => !root.isConstant);
}

function costOf(problem: Problem, roots: readonly Root[], labels: Labelling): Cost {
  const costs = roots.map((root) => rootCost(problem, root, labels));
  return {
    transposes: costs.reduce((sum, cost) => sum + cost.transposes, 0),
    total: costs.reduce((sum, cost) => sum + cost.total, 0),
  };
}

/** Adds what `rootCost` charges, once by the order of elements and once by the shape. */
function addPenalties(problem: Problem, root: Root, labels: Labelling, proposal: Proposal, penalties: Penalties): void {
  const both = (site: number) => [labels[site] ?? null, proposal.get(site) ?? labels[site] ?? null] as const;
  const made = both(root.site).map((label) => canonical(madeAs(problem, root, label), root.shape));
  const readers = root.readings.map((reading) => ({
    site: reading.site,
    forms: both(reading.site).map((label) => wantedAs(problem, reading, label)),
  }));
  const levels = [
    { nameOf: keyOf, cost: transposeCost(root) },
    { nameOf: (form: Form) => form.join(), cost: 1 },
  ];
  for (const { nameOf, cost } of levels) {
    const names = readers.map(({ site, forms }) => ({ site, names: forms.map(nameOf) }));
    for (const name of new Set(names.flatMap((reader) => reader.names))) {
      const wanted = names.map((reader) => ({
        site: reader.site,
        when: [reader.names[0] === name, reader.names[1] === name] as const,
      }));
      penalties.add(root.site, [nameOf(made[0]!) === name, nameOf(made[1]!) === name], wanted, cost);
    }
  }
}

/** The sites that do best to take what is proposed to them, as a new labelling; null when no choice is cheaper. */
function improved(problem: Problem, labels: Labelling, proposal: Proposal): Label[] | null {
  const open = [...proposal].filter(([site, label]) => !same(label, labels[site]!));
  const change = new Map(open);
  const penalties = new Penalties(change.keys());
  const around = rootsAround(problem, change.keys());
  for (const root of around) addPenalties(problem, root, labels, change, penalties);
  const result = [...labels];
  for (const site of penalties.solve()) result[site] = change.get(site)!;
  const [before, after] = [costOf(problem, around, labels), costOf(problem, around, result)];
  return after.total < before.total && after.transposes <= before.transposes ? result : null;
}

/** Readings that a Transpose (or Reshape) stands in front of. */
function mismatches(problem: Problem, labels: Labelling): Reading[] {
  return problem.roots.flatMap((root) => {
    if (root.isConstant) return [];
    const made = canonical(madeAs(problem, root, labels[root.site] ?? null), root.shape).join();
    return root.readings.filter((reading) => wantedAs(problem, reading, labels[reading.site] ?? null).join() !== made);
  });
}

/** What would make one reading fit: its reader takes what is made, or its maker makes what is read. */
function seedsAt(problem: Problem, labels: Labelling, reading: Reading): Seed[] {
  const root = problem.roots[reading.root]!;
  const reader = labelOfReader(problem, reading, madeAs(problem, root, labels[root.site] ?? null));
  const maker = root.site < 0 ? null : problem.sites[root.site]!.rule;
  const own = labels[reading.site];
  const rule = reading.site < 0 ? null : problem.sites[reading.site]!.rule;
  const form = own === undefined || rule === null ? null : rule.input(own, reading.input);
  const wanted = through(reading.view, form ?? reading.view.map((_, i) => i));
  const isOrder = wanted.length === root.shape.length && !wanted.includes(-1);
  const made = isOrder ? (maker?.fromOutput(root.output, wanted) ?? null) : null;
  return [
    reader === null ? [] : { site: reading.site, label: reader },
    made === null ? [] : { site: root.site, label: made },
  ].flat();
}

/**
 * Chooses the layout of each flexible node so that transposes are few and small. A proposal starts at a Transpose and
 * spreads the layout on one side of it through all flexible nodes that are joined to the other; a minimum cut says which
 * of them gain from taking it (binary moves of graph cuts: Boykov, Veksler, Zabih, "Fast approximate energy minimization
 * via graph cuts", 2001). Accepted moves lower a whole-number cost, so the search ends.
 */
export function chooseLabels(problem: Problem): Label[] {
  let labels = startLabels(problem);
  for (let isBetter = true; isBetter; ) {
    isBetter = false;
    // A seed that an earlier proposal of this round contains would spread to the same.
    const tried = new Set<string>();
    for (const reading of mismatches(problem, labels)) {
      for (const seed of seedsAt(problem, labels, reading)) {
        if (tried.has(`${seed.site}:${seed.label.join()}`)) continue;
        const proposal = spread(problem, labels, seed);
        for (const [at, own] of proposal) tried.add(`${at}:${own.join()}`);
        const next = improved(problem, labels, proposal);
        if (next === null) continue;
        labels = next;
        isBetter = true;
      }
    }
  }
  return labels;
}
