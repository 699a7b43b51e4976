import { canonical, invert, keyOf, type Perm, through } from "./forms.ts";
import { CutNetwork } from "./min-cut.ts";
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

/** The label with which a site reads as is proposed for the root; null where the site has none. */
function labelOfReader(problem: Problem, reading: Reading, order: Perm): Label | null {
  const rule = reading.site < 0 ? null : problem.sites[reading.site]!.rule;
  return rule?.fromInput(reading.input, through(invert(reading.view), order)) ?? null;
}

/** Spreads a proposal from one site to all that are joined to it by flexible sites; the first to reach a site decides. */
function spread(problem: Problem, start: number, label: Label): Proposal {
  const proposal = new Map<number, Label>([[start, label]]);
  const propose = (site: number, wanted: Label | null | undefined) => {
    if (wanted !== null && wanted !== undefined && !proposal.has(site)) proposal.set(site, wanted);
  };
  const reach = (root: Root, order: Perm) => {
    if (root.site >= 0) propose(root.site, problem.sites[root.site]!.rule?.fromOutput(root.output, order));
    for (const reading of root.readings) propose(reading.site, labelOfReader(problem, reading, order));
  };
  for (const [at, own] of proposal) {
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

const same = (a: Label, b: Label) => a.join() === b.join();

/** The cost of one order of elements at a root as penalties between the sites that choose between their label (source) and the proposed one (sink). */
class Penalties {
  readonly #network = new CutNetwork();
  readonly #points = new Map<number, number>();

  constructor(sites: Iterable<number>) {
    for (const site of sites) this.#points.set(site, this.#network.point());
  }

  /** Pays when any of the points is on the sink's side and `from` is not. */
  #any(from: number, points: readonly number[], cost: number): void {
    const any = this.#network.point();
    this.#network.penalise(from, any, cost);
    for (const point of points) this.#network.penalise(any, point, Number.POSITIVE_INFINITY);
  }

  /** Pays when any of the points is on the source's side and `to` is not. */
  #anyOld(to: number, points: readonly number[], cost: number): void {
    const any = this.#network.point();
    this.#network.penalise(any, to, cost);
    for (const point of points) this.#network.penalise(point, any, Number.POSITIVE_INFINITY);
  }

  /** `made`, and each of `wanted`: whether it is so [at the present label, at the proposed one]. Sites that keep their label have -1. */
  add(
    maker: number,
    made: readonly [boolean, boolean],
    wanted: readonly { readonly site: number; readonly when: readonly [boolean, boolean] }[],
    cost: number,
  ): void {
    if (made[0] && made[1]) return;
    const [source, sink] = [CutNetwork.source, CutNetwork.sink];
    const isAlways = wanted.some(({ when }) => when[0] && when[1]);
    const pick = (old: boolean) =>
      wanted.flatMap(({ site, when }) => (when[0] === old && when[1] === !old ? [this.#points.get(site)!] : []));
    const [whenOld, whenNew] = [pick(true), pick(false)];
    const maybe = this.#points.get(maker) ?? source;
    if (isAlways) {
      // A constant term where the maker's choice does not matter.
      if (made[1]) this.#network.penalise(maybe, sink, cost);
      else if (made[0]) this.#network.penalise(source, maybe, cost);
      return;
    }
    const fromNew = made[0] || made[1] ? maybe : source;
    if (whenNew.length > 0) {
      if (made[0]) this.#network.penalise(source, maybe, cost);
      else this.#any(made[1] ? fromNew : source, whenNew, cost);
    }
    if (whenOld.length > 0) {
      if (made[1]) this.#network.penalise(maybe, sink, cost);
      else this.#anyOld(made[0] ? fromNew : sink, whenOld, cost);
    }
  }

  /** The sites that do best to take the proposed label. */
  solve(): number[] {
    const side = this.#network.sinkSide();
    return [...this.#points].flatMap(([site, point]) => (side.has(point) ? [site] : []));
  }
}
