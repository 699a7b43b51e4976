import { type Graph, type Node, type ValueId, valueById } from "../ir/index.ts";
import { DTYPES } from "../tensor/index.ts";
import type { ActivationCriterion, Consumer, Site } from "./criteria/index.ts";
import { type Family, supportOf } from "./family.ts";
import type { PruneGroup, PruneGroups } from "./group-types.ts";
import { expandRows } from "./groups.ts";
import { unitVectors } from "./unit-vectors.ts";

/** A site with the index tensors that say where its units are: unit of each position, -1 for none. */
export interface PlacedSite {
  readonly site: Site;
  readonly placed: readonly Family[];
}

/**
 * Where the units of a group are seen in activations. "consumers": the computed operands of the operators that sum over the units, since that is where a
 * cut takes effect; where there is none, the last computed value that carries them. "maps": the same before pooling and flattening, which may leave one
 * number of a map. "attention": the attention probabilities of heads.
 */
export function sitesOf(
  graph: Graph,
  groups: PruneGroups,
  group: PruneGroup,
  kind: ActivationCriterion["sites"],
): PlacedSite[] {
  const { coupling, classOf, rows, unitClass } = groups.state;
  const unitOf = new Map<number, number>();
  group.units.forEach((unit, i) => {
    const own = unitClass[unit.id]!;
    for (const id of rows.has(own) ? expandRows(own, rows) : [own]) unitOf.set(id, i);
  });
  const placedOn = (value: ValueId): Family[] => {
    const { data, type } = valueById(graph, value);
    if (data !== undefined || !DTYPES[type.dtype].float) return [];
    return coupling.known(value).flatMap((family) => {
      const ids = family.ids.map((id) => unitOf.get(classOf[id]!) ?? -1);
      return ids.some((unit) => unit >= 0) ? [{ shape: family.shape, ids }] : [];
    });
  };
  const site = (value: ValueId, placed: readonly Family[], consumers: readonly Consumer[]): PlacedSite => ({
    site: { value, units: group.size, consumers },
    placed,
  });
  if (kind === "attention") {
    const values = graph.nodes.flatMap((node) => (node.op === "Softmax" ? [node.outputs[0]!] : []));
    return group.kind === "rows"
      ? values.flatMap((value) => (placedOn(value).length > 0 ? [site(value, placedOn(value), [])] : []))
      : [];
  }
  const seen = new Map<ValueId, { placed: Family[]; consumers: Consumer[] }>();
  for (const { node, operands } of coupling.contractions) {
    for (const { input, axis } of operands) {
      const operand = node.inputs[input]!;
      const summed = placedOn(operand).filter((family) => supportOf(family).includes(axis));
      if (summed.length === 0) continue;
      const value = kind === "maps" ? beforePooling(graph, operand, (from) => placedOn(from).length > 0) : operand;
      const placed = value === operand ? summed : placedOn(value);
      const entry = seen.get(value) ?? { placed, consumers: [] };
      seen.set(value, entry);
      entry.consumers.push(...consumerOf(graph, group, node, operands, input));
    }
  }
  if (seen.size > 0) return [...seen].map(([value, { placed, consumers }]) => site(value, placed, consumers));
  const last = graph.nodes
    .flatMap((node) => node.outputs)
    .reverse()
    .find((value) => placedOn(value).length > 0);
  return last === undefined ? [] : [site(last, placedOn(last), [])];
}

const POOLING = new Set(
  "GlobalAveragePool GlobalMaxPool AveragePool MaxPool ReduceMean ReduceMax ReduceSum Flatten Reshape Squeeze Unsqueeze Identity Dropout".split(
    " ",
  ),
);

/** The value before the pooling and flattening that led to `value`, as far back as `carries` holds. */
function beforePooling(graph: Graph, value: ValueId, carries: (value: ValueId) => boolean): ValueId {
  const node = graph.nodes.find(({ outputs }) => outputs.includes(value));
  const from = node?.inputs[0];
  if (node === undefined || !POOLING.has(node.op) || from === null || from === undefined || !carries(from))
    return value;
  return beforePooling(graph, from, carries);
}

/** The constant operand that meets the computed one, if there is one and the group cuts it. */
function consumerOf(
  graph: Graph,
  group: PruneGroup,
  node: Node,
  operands: readonly { readonly input: number; readonly axis: number }[],
  input: number,
): Consumer[] {
  const other = operands.find((operand) => operand.input !== input);
  if (other === undefined) return [];
  const weight = node.inputs[other.input]!;
  const member = group.members.find((candidate) => candidate.value === weight && candidate.role === "in");
  return member === undefined ? [] : [{ node, weight, vectors: unitVectors(graph, group, member) }];
}
