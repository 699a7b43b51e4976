/** Names that are taken, and what a wanted one becomes: "x", then "x.1", "x.2"... */
export class UniqueNames {
  readonly #taken = new Set<string>();
  /** Where the search for a free suffix stopped, by name: many equal names would make it quadratic. */
  readonly #next = new Map<string, number>();

  /** The wanted name, or the first free one with a suffix; it is taken from now on. */
  claim(wanted: string): string {
    const base = wanted === "" ? "v" : wanted;
    let name = base;
    if (this.#taken.has(base)) {
      let suffix = this.#next.get(base) ?? 1;
      while (this.#taken.has(`${base}.${suffix}`)) suffix++;
      this.#next.set(base, suffix + 1);
      name = `${base}.${suffix}`;
    }
    this.#taken.add(name);
    return name;
  }
}
