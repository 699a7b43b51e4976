import type { Node, ValueId } from "../ir/index.ts";
import type { Coupling } from "./coupling.ts";
import { type Family, supportOf } from "./family.ts";

/**
 * LSTM, GRU and RNN. A hidden unit is a row of each gate's block in W [directions, gates * hidden, input], R [directions, gates * hidden, hidden],
 * B [directions, 2 * gates * hidden] and P [directions, 3 * hidden], a column of R, and a position of the states. The directions are the rows of
 * a grid: each chooses its own units, equally many. Features of x [sequence, batch, input] meet the input axis of W.
 */
export function coupleRecurrence(
  coupling: Coupling,
  node: Node,
  gates: number,
  reasonOf: (value: ValueId) => string,
): void {
  const [x, w, r] = node.inputs as [ValueId, ValueId, ValueId];
  const parameters = [w, r, node.inputs[3] ?? null, node.inputs[7] ?? null];
  if (parameters.some((value) => value !== null && !coupling.isConstant(value))) {
    for (const value of node.inputs) if (value !== null) coupling.pinAxes(value, "computed-weights");
    return;
  }
  coupleFeatures(coupling, x, w, reasonOf(x));
  coupling.contractions.push({ node, operands: [1, 0].map((input) => ({ input, axis: 2 })) });
  coupling.contractions.push({ node, operands: [{ input: 2, axis: 2 }] });
  const [directions, , hidden] = coupling.shapeOf(r) as [number, number, number];
  const units = coupling.ids.fresh(directions * hidden);
  const blocks = (value: ValueId | null, count: number) => {
    if (value === null) return;
    const rank = coupling.shapeOf(value).length;
    const ids = new Int32Array(directions * count * hidden);
    for (let d = 0; d < directions; d++)
      for (let i = 0; i < count * hidden; i++) ids[d * count * hidden + i] = units[d * hidden + (i % hidden)]!;
    tie(coupling, value, { shape: [directions, count * hidden, ...(rank === 3 ? [1] : [])], ids });
  };
  blocks(w, gates);
  blocks(r, gates);
  blocks(parameters[2]!, 2 * gates);
  blocks(parameters[3]!, 3);
  tie(coupling, r, { shape: [directions, 1, hidden], ids: units });
  coupleStates(coupling, node, units, reasonOf);
}

/** Families that track more than the features of x would change the steps or the batch: they stay. */
function coupleFeatures(coupling: Coupling, x: ValueId, w: ValueId, reason: string): void {
  const features = coupling.known(x).filter((family) => supportOf(family).join() === "2");
  for (const family of coupling.known(x)) if (!features.includes(family)) coupling.freezeFamily(family, "mixed");
  for (const family of features) tie(coupling, w, family);
  if (features.length > 0) return;
  coupling.constantAxis(w, 2);
  coupling.pin(w, 2, coupling.isConstant(x) ? "constant" : reason);
}

/** Initial states are tied to the units, and the outputs get them. With `layout` 1 the batch comes first. */
function coupleStates(coupling: Coupling, node: Node, units: Int32Array, reasonOf: (value: ValueId) => string): void {
  const [directions, , hidden] = coupling.shapeOf(node.inputs[2]!) as [number, number, number];
  const state = node.attrs.layout === 1 ? [1, directions, hidden] : [directions, 1, hidden];
  const family = { shape: state, ids: units };
  for (const value of [node.inputs[5], node.inputs[6]]) {
    if (value === null || value === undefined) continue;
    if (coupling.isConstant(value)) {
      tie(coupling, value, family);
      continue;
    }
    const known = coupling.known(value);
    const same = known.find((other) => other.shape.join() === state.join());
    if (same !== undefined) coupling.unify(same.ids, units);
    else coupling.freezeFamily(family, reasonOf(value));
    for (const other of known) if (other !== same) coupling.freezeFamily(other, "mixed");
  }
  const all = node.attrs.layout === 1 ? [1, 1, directions, hidden] : [1, directions, 1, hidden];
  node.outputs.forEach((output, i) => {
    coupling.setOutput(output, [{ shape: i === 0 ? all : state, ids: units }]);
  });
}

/** Lays a family over a constant, or unifies it with the one that lies there; one that lies otherwise on the same axis freezes both. */
function tie(coupling: Coupling, value: ValueId, family: Family): void {
  const last = supportOf(family).at(-1);
  if (last === undefined) {
    coupling.freezeFamily(family, "single-unit");
    return;
  }
  const known = coupling.known(value).filter((other) => supportOf(other).at(-1) === last);
  const same = known.find((other) => other.shape.join() === family.shape.join());
  if (same !== undefined) coupling.unify(same.ids, family.ids);
  else if (known.length === 0) coupling.adopt(value, family);
  else for (const other of [family, ...known]) coupling.freezeFamily(other, "shared-blocks");
}
