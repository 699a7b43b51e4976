import { EspalierError, nearestWord } from "../../src/diagnostics/index.ts";
import { type Graph, type Node, type Value, valueById } from "../../src/ir/index.ts";
import { type AxisWhy, type PruneGroups, whyAxes } from "../../src/prune/index.ts";
import { printable } from "../../src/report/index.ts";
import { freezeWords } from "./freeze-reasons.ts";

export interface NodeName {
  readonly name: string;
  readonly operator: string;
}

/** What goes when a unit of an axis goes. */
export interface CompanionFact {
  readonly weight: string;
  readonly axes: readonly number[];
  readonly role: "out" | "in" | "parameter";
  /** The nodes that tie it to the axis, from the axis on; null where both only lie on one grid and lose equally many. */
  readonly through: readonly NodeName[] | null;
}

/** One axis of the tensor that was asked about. Both lists are empty where nothing is chosen along it. */
export interface AxisFact {
  readonly axis: number;
  /** Null for a size that is left open. */
  readonly size: number | null;
  readonly groups: readonly {
    readonly group: string;
    readonly kind: "channels" | "rows";
    /** Units of the group that lie on the axis, of how many. */
    readonly units: number;
    readonly of: number;
    readonly with: readonly CompanionFact[];
  }[];
  readonly frozen: readonly {
    readonly reason: string;
    readonly because: string;
    readonly positions: number;
    readonly node: NodeName | null;
    /** From the axis to the node that froze it. */
    readonly through: readonly NodeName[];
    /** For a grid: why a row that must lose as many cannot lose any, where that is known. */
    readonly row: { readonly reason: string; readonly because: string; readonly node: NodeName | null } | null;
  }[];
}

export interface Explanation {
  readonly tensor: string;
  readonly shape: readonly (number | string)[];
  readonly constant: boolean;
  readonly axes: readonly AxisFact[];
}

/** Why a tensor is cut or not: `text` is its name, or `name[axis]`. Throws EspalierError "usage" for a name or an axis that is not there. */
export function explainTensor(graph: Graph, groups: PruneGroups, text: string): Explanation {
  const { value, axis } = findTensor(graph, text);
  const all = whyAxes(groups, value.id);
  const axes = axis === null ? all : all.filter((fact) => fact.axis === axis);
  return {
    tensor: value.name,
    shape: value.type.shape,
    constant: value.data !== undefined,
    axes: axes.map((fact) => axisFact(graph, fact)),
  };
}

function axisFact(graph: Graph, { axis, size, groups, frozen }: AxisWhy): AxisFact {
  return {
    axis,
    size: size === 0 ? null : size,
    groups: groups.map(({ group, units, companions }) => ({
      group: group.name,
      kind: group.kind,
      units,
      of: group.size,
      with: companions.map(({ member, through }) => ({
        weight: valueById(graph, member.value).name,
        axes: member.axes,
        role: member.role,
        through: through === null ? null : through.map(nodeName),
      })),
    })),
    frozen: frozen.map(({ reason, node, through, positions, row }) => ({
      reason,
      because: freezeWords(reason),
      positions,
      node: node === null ? null : nodeName(node),
      through: through.map(nodeName),
      row:
        row === null
          ? null
          : {
              reason: row.reason,
              because: freezeWords(row.reason),
              node: row.node === null ? null : nodeName(row.node),
            },
    })),
  };
}

function nodeName({ name, op }: Node): NodeName {
  return { name, operator: op };
}

function findTensor(graph: Graph, text: string): { readonly value: Value; readonly axis: number | null } {
  const byName = new Map([...graph.values.values()].map((value) => [value.name, value]));
  // A name may itself end in brackets.
  const whole = byName.get(text);
  if (whole !== undefined) return { value: whole, axis: null };
  const match = /^(.+)\[(\d{1,9})\]$/s.exec(text);
  const value = match === null ? undefined : byName.get(match[1]!);
  if (value === undefined) throw unknownTensor(graph, match?.[1] ?? text);
  const axis = Number(match![2]);
  const rank = value.type.shape.length;
  if (axis >= rank)
    throw new EspalierError("usage", `"${printable(value.name)}" has ${rank} axes, --why asks for axis ${axis}`, {
      hint: rank === 0 ? "It is a single number." : `Its axes are 0 to ${rank - 1}.`,
    });
  return { value, axis };
}

/** Names of a model may be thousands: the nearest is offered, or how to list them. */
function unknownTensor(graph: Graph, name: string): EspalierError {
  const known = [...graph.values.values()].map((value) => value.name);
  const nearest = nearestWord(name, known) ?? known.find((other) => name !== "" && other.includes(name)) ?? null;
  return new EspalierError("usage", `The model has no tensor "${printable(name)}"`, {
    hint:
      nearest === null
        ? "Leave --why out to list the groups with their weights."
        : `Did you mean "${printable(nearest)}"? Without --why, the groups are listed with their weights.`,
  });
}
