import { type Graph, type GraphBuilder, type Node, type ValueId, valueById } from "../../ir/index.ts";
import { newBuilder } from "../../ops/index.ts";
import { int64s, takeAlong } from "../../tensor/index.ts";
import { spellReshape } from "../simplify-reshape.ts";
import { rowOrder } from "./flatten-rows.ts";
import { canonical, identityPerm, isIdentity, keyOf, type Perm, permuteConstant, shapeOf } from "./forms.ts";
import { type Labelling, madeAs, type Problem, type Reading, type Root, type Site, wantedAs } from "./problem.ts";
import type { Label } from "./rule.ts";

interface Made {
  readonly id: ValueId;
  /** Canonical. */
  readonly form: readonly number[];
}

const nameOf = (root: Root, form: readonly number[]) => `${root.id}:${form.join()}`;

/** Writes the graph of a labelling: each node in its layout, and a Transpose where a value is read in another order than it is made. */
class Rebuild {
  readonly #problem: Problem;
  readonly #labels: Labelling;
  readonly #b: GraphBuilder;
  /** The forms of each root so far; the first is the one in which its site makes it. */
  readonly #made = new Map<Root, Made[]>();
  readonly #forms = new Map<string, ValueId>();
  /** Transposes that stand in the graph, by what they give: their names are used again. */
  readonly #standing = new Map<string, Node>();
  /** Names of graph outputs, by what they hold; a name is taken by the first value that holds it. */
  readonly #claims = new Map<string, string>();
  readonly #orders = new Map<Node, { input: number; axis: number; order: ArrayLike<number> }>();

  constructor(problem: Problem, labels: Labelling) {
    this.#problem = problem;
    this.#labels = labels;
    this.#b = newBuilder(problem.graph.name);
    this.#b.setMetadata(problem.graph.metadata);
    for (const reading of problem.outputs) {
      const root = problem.roots[reading.root]!;
      const key = nameOf(root, wantedAs(problem, reading, null));
      const id = problem.graph.outputs[reading.input]!;
      if (!this.#claims.has(key)) this.#claims.set(key, valueById(problem.graph, id).name);
    }
    this.#collectStanding();
    problem.sites.forEach((site, i) => {
      if (site.rows.length > 0 && site.rule !== null && !isIdentity(labels[i]!)) this.#orderRows(site, labels[i]!);
    });
  }

  get #graph(): Graph {
    return this.#problem.graph;
  }

  #collectStanding(): void {
    const views = new Map<ValueId, { root: Root; view: Perm }>();
    for (const root of this.#problem.roots) views.set(root.id, { root, view: identityPerm(root.shape.length) });
    for (const node of this.#graph.nodes) {
      if (node.op !== "Transpose") continue;
      const from = views.get(node.inputs[0]!);
      if (from === undefined) continue;
      const rank = from.view.length;
      const perm = (node.attrs.perm as readonly number[] | undefined) ?? identityPerm(rank).reverse();
      const view = (perm.length > 0 ? perm : identityPerm(rank).reverse()).map((axis) => from.view[axis]!);
      views.set(node.outputs[0]!, { root: from.root, view });
      const key = nameOf(from.root, canonical(view, from.root.shape));
      if (!this.#standing.has(key)) this.#standing.set(key, node);
    }
  }

  /** Puts the rows of the weights behind a flattening node in the order in which it now reads. */
  #orderRows(site: Site, label: Label): void {
    const shape = valueById(this.#graph, site.node.inputs[0]!).type.shape.slice(1) as number[];
    const order = rowOrder(shape, label);
    for (const { node, input, axis } of site.rows) this.#orders.set(node, { input, axis, order });
  }

  #interfaceNames(): ReadonlySet<string> {
    return new Set(this.#graph.outputs.map((id) => valueById(this.#graph, id).name));
  }

  /** The name of a value: the graph's output, if it is what the output holds; else its own, unless an output has that. */
  #nameFor(root: Root, form: readonly number[], wanted: string): string {
    const claim = this.#claims.get(nameOf(root, form));
    if (claim !== undefined) return claim;
    return this.#interfaceNames().has(wanted) ? `${wanted}.inner` : wanted;
  }

  #materialise(root: Root, form: readonly number[]): ValueId {
    const key = nameOf(root, form);
    const known = this.#forms.get(key);
    if (known !== undefined) return known;
    const value = valueById(this.#graph, root.id);
    let id: ValueId;
    if (value.data !== undefined) {
      const isAsIs = form.join() === canonical(identityPerm(root.shape.length), root.shape).join();
      id = this.#b.constant(value.name, isAsIs ? value.data : permuteConstant(value.data, form));
    } else {
      id = this.#convert(root, form);
      this.#made.get(root)!.push({ id, form });
    }
    this.#forms.set(key, id);
    return id;
  }

  /** A Transpose, a Reshape, or both. */
  #convert(root: Root, form: readonly number[]): ValueId {
    const made = this.#made.get(root)!;
    // Two shapes of one order of elements need one Transpose.
    const from = made.find((known) => keyOf(known.form) === keyOf(form)) ?? made[0]!;
    const name = valueById(this.#graph, root.id).name;
    const standing = this.#standing.get(nameOf(root, form));
    const own = standing === undefined ? `${name}.permuted` : valueById(this.#graph, standing.outputs[0]!).name;
    const outputNames = [this.#nameFor(root, form, own)];
    if (keyOf(from.form) === keyOf(form))
      return this.#reshape(from.id, root, form, { name: standing?.name ?? `${name}.reshaped`, outputNames });
    const perm = permBetween(from.form, form);
    if (perm !== null)
      return this.#b.node(
        "Transpose",
        [from.id],
        { perm },
        { name: standing?.name ?? `${name}.permuted`, outputNames },
      );
    // Axes of size 1 come or go: they follow the move of the others.
    const order = form.filter((axis) => axis >= 0).map((axis) => from.form.indexOf(axis));
    const rest = from.form.flatMap((axis, i) => (axis < 0 ? [i] : []));
    const moved = this.#b.node("Transpose", [from.id], { perm: [...order, ...rest] }, { name: `${name}.permuted` });
    return this.#reshape(moved, root, form, { name: standing?.name ?? `${name}.reshaped`, outputNames });
  }

  #reshape(id: ValueId, root: Root, form: readonly number[], names: { name: string; outputNames: string[] }): ValueId {
    const to = shapeOf(form, root.shape);
    const spelled =
      spellReshape(this.#b.value(id).type.shape, to) ?? to.map((dim) => (typeof dim === "number" ? dim : -1));
    return this.#b.node("Reshape", [id, this.#b.constant(`${names.name}.shape`, int64s(spelled))], {}, names);
  }

  #read(reading: Reading, label: Label | null): ValueId {
    return this.#materialise(this.#problem.roots[reading.root]!, wantedAs(this.#problem, reading, label));
  }

  #addSite(site: Site, label: Label): void {
    const { node, rule } = site;
    const inputs = site.readings.map((reading) => (reading === null ? null : this.#read(reading, label)));
    const order = this.#orders.get(node);
    if (order !== undefined) {
      const weight = valueById(this.#graph, node.inputs[order.input]!);
      inputs[order.input] = this.#b.constant(weight.name, takeAlong(weight.data!, order.axis, order.order));
    }
    const isSame = rule === null || label.join() === rule.start.join();
    const constant = (role: string, data: Parameters<GraphBuilder["constant"]>[1]) =>
      this.#b.constant(`${node.name}.${role}`, data);
    const written = isSame ? { inputs, attrs: node.attrs } : rule.write(label, inputs, constant);
    const forms = site.roots.map((at) => {
      const root = this.#problem.roots[at]!;
      return { root, form: canonical(madeAs(this.#problem, root, label), root.shape) };
    });
    const outputNames = forms.map(({ root, form }) => this.#nameFor(root, form, valueById(this.#graph, root.id).name));
    const options = { name: node.name, outputs: node.outputs.length, outputNames };
    const ids = this.#b.nodes(written.op ?? node.op, written.inputs, written.attrs, options);
    forms.forEach(({ root, form }, j) => {
      this.#made.set(root, [{ id: ids[j]!, form }]);
      this.#forms.set(nameOf(root, form), ids[j]!);
    });
  }

  build(): Graph {
    const { sites, roots, outputs } = this.#problem;
    const inputRoots = new Map(roots.map((root) => [root.id, root]));
    for (const id of this.#graph.inputs) {
      const { name, type } = valueById(this.#graph, id);
      const input = this.#b.input(name, type);
      const root = inputRoots.get(id);
      if (root === undefined) continue;
      const form = canonical(identityPerm(type.shape.length), type.shape);
      this.#made.set(root, [{ id: input, form }]);
      this.#forms.set(nameOf(root, form), input);
    }
    sites.forEach((site, i) => {
      this.#addSite(site, this.#labels[i]!);
    });
    for (const reading of outputs) this.#addOutput(reading);
    return this.#b.build();
  }

  /** A graph output has its own name, and a value of its own. */
  #addOutput(reading: Reading): void {
    const { name } = valueById(this.#graph, this.#graph.outputs[reading.input]!);
    const id = this.#read(reading, null);
    const isOwn = this.#b.value(id).name === name;
    this.#b.output(isOwn ? id : this.#b.node("Identity", [id], {}, { name, outputNames: [name] }));
  }
}

/** The permutation that leads from one form to another of equal length; null when they have not the same axes of size 1. */
function permBetween(from: readonly number[], to: readonly number[]): number[] | null {
  const units = from.flatMap((axis, i) => (axis < 0 ? [i] : []));
  if (from.length !== to.length) return null;
  return to.map((axis) => (axis < 0 ? units.shift()! : from.indexOf(axis)));
}

/** The graph of a labelling. */
export function rebuild(problem: Problem, labels: Labelling): Graph {
  return new Rebuild(problem, labels).build();
}
