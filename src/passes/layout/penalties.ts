import { CutNetwork } from "./min-cut.ts";

/** The cost of one order of elements at a root as penalties between the sites that choose between their label (source) and the proposed one (sink). */
export class Penalties {
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
    const own = this.#points.get(maker) ?? source;
    // Cases in which the choice of the maker and of a reader pull against each other are charged to the maker alone: a bound.
    if (isAlways || (made[0] && whenNew.length > 0) || (made[1] && whenOld.length > 0)) {
      if (made[1]) this.#network.penalise(own, sink, cost);
      else if (made[0]) this.#network.penalise(source, own, cost);
      if (isAlways) return;
    }
    if (whenNew.length > 0 && !made[0]) this.#any(made[1] ? own : source, whenNew, cost);
    if (whenOld.length > 0 && !made[1]) this.#anyOld(made[0] ? own : sink, whenOld, cost);
  }

  /** The sites that do best to take the proposed label. */
  solve(): number[] {
    const side = this.#network.sinkSide();
    return [...this.#points].flatMap(([site, point]) => (side.has(point) ? [site] : []));
  }
}
