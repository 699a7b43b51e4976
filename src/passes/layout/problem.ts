import { type Graph, type Node, type Shape, type ValueId, valueById } from "../../ir/index.ts";
import { completeAttributes, contextOf, OPS } from "../../ops/index.ts";
import { freeRows, type RowOrder } from "./flatten-rows.ts";
import { canonical, identityPerm, isIdentity, keyOf, type Perm, through } from "./forms.ts";
import type { Label, LayoutRule, NodeFacts } from "./rule.ts";
import { layoutRuleOf } from "./rule-table.ts";
import { flattening } from "./rules-reshape.ts";

/** A node that is not a Transpose. */
export interface Site {
  readonly node: Node;
  /** Null for a node that works only in the layout that it has. */
  readonly rule: LayoutRule | null;
  readonly readings: readonly (Reading | null)[];
  /** What each output is, as a root. */
  readonly roots: readonly number[];
  /** Weights behind a flattening site that follow its label. */
  readonly rows: readonly RowOrder[];
}

/** A value as a site reads it: a root seen through the transposes on the way. */
export interface Reading {
  /** -1: an output of the graph. */
  readonly site: number;
  readonly input: number;
  readonly root: number;
  readonly view: Perm;
}

/** A value that no Transpose makes. */
export interface Root {
  readonly id: ValueId;
  readonly shape: Shape;
  readonly isConstant: boolean;
  readonly isInput: boolean;
  /** The site that makes it and as which output; -1 for inputs and constants. */
  readonly site: number;
  readonly output: number;
  readonly readings: Reading[];
}

/** The graph with its transposes taken out: they come back wherever a root is not made in the layout in which it is read. */
export interface Problem {
  readonly graph: Graph;
  readonly sites: readonly Site[];
  readonly roots: readonly Root[];
  readonly outputs: readonly Reading[];
}

/** The permutation of a Transpose; absent, it turns the axes round. */
export function permOf(graph: Graph, node: Node): Perm {
  const { perm } = completeAttributes("Transpose", OPS.Transpose.attrs, node.attrs);
  const rank = valueById(graph, node.inputs[0]!).type.shape.length;
  return perm.length > 0 ? perm : identityPerm(rank).reverse();
}

/** A Transpose costs a pass over its elements and a launch, which weighs as much as this many elements. */
const launch = 1024;

/** What one more Transpose of a shape costs; symbols count as 1. At an input of the graph, where whoever feeds it may do without, it is cheaper by a trifle. */
export function transposeCost({ shape, isInput }: { readonly shape: Shape; readonly isInput: boolean }): number {
  const size = shape.reduce<number>((product, dim) => (typeof dim === "number" ? product * dim : product), 1);
  return launch + size + (isInput ? 0 : 1);
}

class ProblemBuilder {
  readonly #graph: Graph;
  readonly #roots: Root[] = [];
  readonly #view = new Map<ValueId, { root: number; view: Perm }>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  #addRoot(id: ValueId, site: number, output: number): number {
    const { type, data } = valueById(this.#graph, id);
    const root = this.#roots.length;
    this.#roots.push({
      id,
      shape: type.shape,
      isConstant: data !== undefined,
      isInput: this.#graph.inputs.includes(id),
      site,
      output,
      readings: [],
    });
    this.#view.set(id, { root, view: identityPerm(type.shape.length) });
    return root;
  }

  #viewOf(id: ValueId): { root: number; view: Perm } {
    if (!this.#view.has(id)) this.#addRoot(id, -1, 0);
    return this.#view.get(id)!;
  }

  #read(id: ValueId, site: number, input: number): Reading {
    const reading = { site, input, ...this.#viewOf(id) };
    this.#roots[reading.root]!.readings.push(reading);
    return reading;
  }

  build(): Problem {
    const graph = this.#graph;
    const rowsOf = freeRows(graph);
    const sites: Site[] = [];
    for (const node of graph.nodes) {
      if (node.op === "Transpose") {
        const { root, view } = this.#viewOf(node.inputs[0]!);
        this.#view.set(node.outputs[0]!, { root, view: through(view, permOf(graph, node)) });
        continue;
      }
      const site = sites.length;
      const rows = rowsOf.get(node) ?? [];
      const readings = node.inputs.map((id, i) => (id === null ? null : this.#read(id, site, i)));
      const facts: NodeFacts = {
        node,
        context: contextOf(graph, node),
        outputs: node.outputs.map((id) => valueById(graph, id).type),
      };
      const rule = rows.length > 0 ? flattening(facts) : layoutRuleOf(facts);
      sites.push({ node, rule, readings, rows, roots: node.outputs.map((id, j) => this.#addRoot(id, site, j)) });
    }
    const outputs = graph.outputs.map((id, i) => this.#read(id, -1, i));
    return { graph, sites, roots: this.#roots, outputs };
  }
}

/** Reads a graph as a layout problem. */
export function layoutProblem(graph: Graph): Problem {
  return new ProblemBuilder(graph).build();
}

/** A label for each site. */
export type Labelling = readonly Label[];

/** The labelling of the graph as it stands. */
export function startLabels(problem: Problem): Label[] {
  return problem.sites.map(({ rule }) => rule?.start ?? []);
}

/** The order of axes in which a site makes a root at a label (its own present one, for what is not made by a flexible site). */
export function madeAs(problem: Problem, root: Root, label: Label | null): Perm {
  const rule = root.site < 0 ? null : problem.sites[root.site]!.rule;
  return rule === null || label === null ? identityPerm(root.shape.length) : rule.output(label, root.output);
}

/** The form, in axes of the root, in which a reading wants it at the site's label. */
export function wantedAs(problem: Problem, reading: Reading, label: Label | null): number[] {
  const rule = reading.site < 0 ? null : problem.sites[reading.site]!.rule;
  const own = rule === null || label === null ? null : rule.input(label, reading.input);
  return canonical(through(reading.view, own ?? identityPerm(reading.view.length)), problem.roots[reading.root]!.shape);
}

export interface Cost {
  readonly transposes: number;
  readonly total: number;
}

/** What a labelling costs at one root: a Transpose for each order of elements in which it is read and not made, and 1 for each shape. */
export function rootCost(problem: Problem, root: Root, labels: Labelling): Cost {
  if (root.isConstant) return { transposes: 0, total: 0 };
  const made = canonical(madeAs(problem, root, labels[root.site] ?? null), root.shape);
  const forms = new Set<string>();
  const keys = new Set<string>();
  for (const reading of root.readings) {
    const form = wantedAs(problem, reading, labels[reading.site] ?? null);
    if (form.join() === made.join()) continue;
    forms.add(form.join());
    if (keyOf(form) !== keyOf(made)) keys.add(keyOf(form));
  }
  return { transposes: keys.size, total: keys.size * transposeCost(root) + forms.size };
}

/** What the transposes that stand in the graph cost. One that moves only axes of size 1 is dearer than the Reshape that it could be. */
export function standingCost(graph: Graph): Cost {
  let transposes = 0;
  let total = 0;
  for (const node of graph.nodes) {
    const source = valueById(graph, node.inputs[0] ?? -1);
    if (node.op !== "Transpose" || source.data !== undefined) continue;
    const { shape } = source.type;
    const isMoving = !isIdentity(
      permOf(graph, node)
        .filter((axis) => shape[axis] !== 1)
        .map((axis, _, kept) => [...kept].sort((a, b) => a - b).indexOf(axis)),
    );
    transposes += isMoving ? 1 : 0;
    total += isMoving ? transposeCost({ shape, isInput: graph.inputs.includes(source.id) }) + 1 : 2;
  }
  return { transposes, total };
}
