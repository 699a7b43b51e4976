import type { Node, ValueId } from "../ir/index.ts";
import type { Coupling } from "./coupling.ts";
import { expandFamily, type Family, selectFamily, supportOf } from "./family.ts";
import { meet, type Term } from "./join.ts";
import { reshapeFamily } from "./reshape-family.ts";

function sizes(shape: readonly (number | string)[]): number[] {
  return shape.map((size) => (typeof size === "number" ? size : 1));
}

/**
 * One family at the given positions of an axis. A contiguous part of a grid's columns must stay equally large in all rows, which is
 * recorded; one column takes its whole row along, any other choice of columns joins the rows. A selection that leaves one position of a lone axis freezes it.
 */
function selected(coupling: Coupling, family: Family, axis: number, positions: readonly number[]): Family | null {
  if (family.shape[axis] === 1) return family;
  const size = family.shape[axis]!;
  let source = family;
  const inner = supportOf(family).some((other) => other < axis);
  if (inner) {
    const contiguous = positions.every((position, i) => position === positions[0]! + i);
    // A single column cannot lose any: then whole rows go (the pairs of a channel shuffle whose halves are gathered).
    if (positions.length === 1) source = coupling.collapse(family, axis);
    else if (contiguous) {
      const start = positions[0] ?? 0;
      const all = Array.from({ length: size }, (_, i) => i);
      for (const part of [all.slice(0, start), all.slice(start + positions.length)])
        if (part.length > 0) coupling.grids.push(selectFamily(family, axis, part));
    } else {
      for (const other of supportOf(family)) if (other !== axis) source = coupling.collapse(source, other);
    }
  }
  const result = source.shape[axis] === 1 ? source : selectFamily(source, axis, positions);
  if (supportOf(result).length > 0) {
    if (inner) coupling.grids.push(result);
    return result;
  }
  coupling.freezeFamily(result, "single-position");
  return null;
}

export function selectPositions(
  coupling: Coupling,
  input: ValueId,
  output: ValueId,
  axes: readonly { readonly axis: number; readonly positions: readonly number[] }[],
): void {
  const families = coupling.familiesOf(input).flatMap((family) => {
    let current: Family | null = family;
    for (const { axis, positions } of axes)
      if (current !== null) current = selected(coupling, current, axis, positions);
    return current === null ? [] : [current];
  });
  coupling.setOutput(output, families);
}

/** Gather by constant indices: a selection, then the axis takes the shape of the indices. */
export function gatherPositions(
  coupling: Coupling,
  node: Node,
  axis: number,
  positions: readonly number[],
  indexShape: readonly number[],
): void {
  const shape = coupling.shapeOf(node.inputs[0]!);
  const flat = shape.map((size, i) => (i === axis ? positions.length : size));
  const output = node.outputs[0]!;
  const target = [...shape.slice(0, axis), ...indexShape, ...shape.slice(axis + 1)];
  const families = coupling.familiesOf(node.inputs[0]!).flatMap((family) => {
    const part = selected(coupling, family, axis, positions);
    if (part === null) return [];
    const moved = reshapeFamily(part, flat, target);
    if (moved === null) coupling.freezeFamily(part, "reshape");
    return moved === null ? [] : [moved];
  });
  coupling.setOutput(output, families);
}

/** A table read by a computed index: any position may be read, so the axis of positions is frozen; the others pass. */
export function lookUp(coupling: Coupling, node: Node, axis: number, indexRank: number): void {
  const table = node.inputs[0]!;
  const shape = coupling.shapeOf(table);
  const families = coupling.familiesOf(table);
  coupling.pin(table, axis, "looked-up");
  const rank = shape.length - 1 + indexRank;
  const to = shape.map((_, i) => (i < axis ? i : i + indexRank - 1));
  const passing = families.filter((family) => family.shape[axis] === 1);
  coupling.setOutput(
    node.outputs[0]!,
    passing.map((family) => coupling.remap(family, to, rank)),
  );
}

/** Concatenation: units follow one another along the axis and meet on the others. */
export function concatInputs(coupling: Coupling, node: Node, axis: number, reasonOf: (value: ValueId) => string): void {
  const inputs = node.inputs.filter((id) => id !== null);
  const along: (readonly Family[])[] = [];
  const terms: Term[] = inputs.map((value) => {
    const constant = coupling.isConstant(value);
    if (constant) coupling.constantAxis(value, axis);
    const families = coupling.known(value);
    along.push(families.filter((family) => family.shape[axis]! > 1));
    return {
      shape: sizes(coupling.shapeOf(value)).map((size, i) => (i === axis ? 1 : size)),
      families: families.filter((family) => family.shape[axis] === 1),
      constant: constant ? { value, axes: coupling.shapeOf(value).map((_, i) => i) } : null,
      reason: reasonOf(value),
    };
  });
  const result = [...meet(coupling, terms)];
  const layers = Math.max(0, ...along.map((families) => families.length));
  for (let layer = 0; layer < layers; layer++) {
    const rank = coupling.shapeOf(inputs[0]!).length;
    const joint = new Array<number>(rank).fill(1);
    for (const families of along)
      families[layer]?.shape.forEach((size, i) => {
        joint[i] = Math.max(joint[i]!, size);
      });
    const parts = inputs.map((value, i) => {
      const own = coupling.shapeOf(value)[axis] as number;
      const family = along[i]![layer];
      const shape = joint.map((size, k) => (k === axis ? own : size));
      return family === undefined ? own : expandFamily(family, shape);
    });
    const blind = inputs.find((_, i) => along[i]![layer] === undefined);
    result.push(coupling.concat(parts, joint, axis, blind === undefined ? "" : reasonOf(blind)));
  }
  coupling.setOutput(node.outputs[0]!, result);
}

/** New positions before and after each axis; a grid that is padded is frozen. */
export function padInput(coupling: Coupling, node: Node, begins: readonly number[], ends: readonly number[]): void {
  const shape = sizes(coupling.shapeOf(node.inputs[0]!));
  const families = coupling.familiesOf(node.inputs[0]!).flatMap((family) => {
    const axes = supportOf(family).filter((axis) => begins[axis] !== 0 || ends[axis] !== 0);
    if (axes.length === 0) return [family];
    const axis = axes[0]!;
    if (supportOf(family).length > 1) {
      coupling.freezeFamily(family, "padded-grid");
      return [];
    }
    const [before, after] = [begins[axis]!, ends[axis]!];
    const from = Math.max(0, -before);
    const kept = Array.from({ length: shape[axis]! - from - Math.max(0, -after) }, (_, i) => from + i);
    const ids = [
      coupling.ids.fresh(Math.max(0, before)),
      selectFamily(family, axis, kept).ids,
      coupling.ids.fresh(Math.max(0, after)),
    ];
    const merged = Int32Array.from(ids.flatMap((part) => [...part]));
    return [{ shape: family.shape.map((size, i) => (i === axis ? merged.length : size)), ids: merged }];
  });
  coupling.setOutput(node.outputs[0]!, families);
}

/** Broadcasting to a constant shape; an axis that grows from 1 has the fixed size that the node states. */
export function expandInput(coupling: Coupling, node: Node): void {
  const output = node.outputs[0]!;
  const rank = coupling.shapeOf(output).length;
  const offset = new Array<number>(rank - coupling.shapeOf(node.inputs[0]!).length).fill(1);
  coupling.setOutput(
    output,
    coupling.familiesOf(node.inputs[0]!).map((family) => ({ shape: [...offset, ...family.shape], ids: family.ids })),
  );
}

export function tileInput(coupling: Coupling, node: Node, repeats: readonly number[]): void {
  const families = coupling.familiesOf(node.inputs[0]!).map((family) => {
    let tiled = family;
    for (const axis of supportOf(family)) {
      const size = family.shape[axis]!;
      const positions = Array.from({ length: size * repeats[axis]! }, (_, i) => i % size);
      tiled = selectFamily(tiled, axis, positions);
    }
    return tiled;
  });
  coupling.setOutput(node.outputs[0]!, families);
}
