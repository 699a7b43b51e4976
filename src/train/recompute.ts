import {
  type Graph,
  type GraphBuilder,
  type Node,
  producers,
  staticShape,
  type ValueId,
  valueById,
} from "../ir/index.ts";
import { editGraph, formula } from "../ops/index.ts";
import { DTYPES, sizeOf } from "../tensor/index.ts";

/** Values up to this size are kept: statistics and other vectors are cheaper to hold than to compute again. */
const SMALL = 1 << 14;

/** A run of forward nodes that is computed again when the backward pass comes to it. */
type Segment = readonly Node[];

function bytesOf(graph: Graph, id: ValueId): number {
  const { dtype, shape } = valueById(graph, id).type;
  return sizeOf(staticShape(shape)) * DTYPES[dtype].bytes;
}

/**
 * Cuts the forward nodes into `count` runs of about equal bytes. Near each of these places the cut is made where the least is alive, which in a residual
 * network is between two blocks.
 */
function segmentsOf(graph: Graph, forward: readonly Node[], count: number): Segment[] {
  const last = new Map<ValueId, number>();
  forward.forEach(({ inputs }, i) => {
    for (const id of inputs) if (id !== null) last.set(id, i);
  });
  const made: number[] = [];
  const crossing: number[] = [];
  const ends = new Map<number, number>();
  let [total, alive] = [0, 0];
  forward.forEach(({ outputs }, i) => {
    for (const id of outputs) {
      const bytes = bytesOf(graph, id);
      total += bytes;
      const end = last.get(id) ?? i;
      if (end > i) {
        alive += bytes;
        ends.set(end, (ends.get(end) ?? 0) + bytes);
      }
    }
    alive -= ends.get(i) ?? 0;
    made.push(total);
    crossing.push(alive);
  });
  const cuts: number[] = [];
  for (let k = 1; k < count; k++) {
    const [low, high] = [((k - 0.5) * total) / count, ((k + 0.5) * total) / count];
    let best = -1;
    for (let i = (cuts.at(-1) ?? -1) + 1; i < forward.length - 1; i++)
      if (made[i]! >= low && made[i]! <= high && (best < 0 || crossing[i]! < crossing[best]!)) best = i;
    if (best >= 0) cuts.push(best);
  }
  const starts = [0, ...cuts.map((cut) => cut + 1)];
  return starts.map((start, k) => forward.slice(start, starts[k + 1] ?? forward.length));
}

/** The nodes of a segment that are needed for `wanted` when everything in `kept` is there, in order. */
function needed(segment: Segment, wanted: ReadonlySet<ValueId>, kept: ReadonlySet<ValueId>): Node[] {
  const open = new Set(wanted);
  const nodes: Node[] = [];
  for (const node of [...segment].reverse()) {
    if (!node.outputs.some((id) => open.has(id))) continue;
    nodes.push(node);
    for (const id of node.inputs) if (id !== null && !kept.has(id)) open.add(id);
  }
  return nodes.reverse();
}

/** 0 as a number that is known only when `gradient` is, whatever that holds. */
function zeroAfter(builder: GraphBuilder, gradient: ValueId, name: string): ValueId {
  const f = formula(builder, name);
  const flat = f.reshape(gradient, [-1]);
  const one = f.reshape(f.node("Slice", [flat, f.ints([0]), f.ints([1]), f.ints([0])]), []);
  const whole = f.node("Cast", [f.node("Greater", [one, f.number(0)])], { to: 1 });
  return f.mul(whole, f.number(0));
}

/** Everything that depends on some values. */
function downstream(nodes: readonly Node[], from: Iterable<ValueId>): Set<ValueId> {
  const reached = new Set(from);
  for (const { inputs, outputs } of nodes)
    if (inputs.some((id) => id !== null && reached.has(id))) for (const id of outputs) reached.add(id);
  return reached;
}

/**
 * A gradient that the backward pass has when it comes to a segment, before it reads anything of it: it depends on the scores and on nothing of the segment, and
 * is joined with something that does. Null where there is none.
 */
function arriving(
  backward: readonly Node[],
  wanted: ReadonlySet<ValueId>,
  late: ReadonlySet<ValueId>,
  made: ReadonlySet<ValueId>,
): ValueId | null {
  const own = downstream(backward, wanted);
  for (const { inputs } of backward) {
    if (!inputs.some((id) => id !== null && own.has(id))) continue;
    const gate = inputs.find((id) => id !== null && made.has(id) && late.has(id) && !own.has(id));
    if (gate !== undefined) return gate;
  }
  return null;
}

/** Adds copies of nodes that read `gate`d copies of what was kept, and answers the copies of their outputs. */
function copied(builder: GraphBuilder, graph: Graph, nodes: readonly Node[], gate: ValueId): Map<ValueId, ValueId> {
  const zero = zeroAfter(builder, gate, `${nodes[0]!.name}.again`);
  const copies = new Map<ValueId, ValueId>();
  const read = (id: ValueId): ValueId => {
    const known = copies.get(id);
    if (known !== undefined) return known;
    const { name, type, data } = valueById(graph, id);
    const kept =
      data === undefined && type.dtype === "float32" && bytesOf(graph, id) > SMALL && isActivation(graph, id);
    if (!kept) return id;
    const gated = builder.node("Add", [id, zero], {}, { name: `${name}.kept` });
    copies.set(id, gated);
    return gated;
  };
  for (const node of nodes) {
    const inputs = node.inputs.map((id) => (id === null ? null : read(id)));
    const outputs = builder.nodes(node.op, inputs, node.attrs, {
      outputs: node.outputs.length,
      name: `${node.name}.again`,
    });
    for (const [i, id] of node.outputs.entries()) copies.set(id, outputs[i]!);
  }
  return copies;
}

/** Samples, or what a node computes: not a weight. */
function isActivation(graph: Graph, id: ValueId): boolean {
  const place = graph.inputs.indexOf(id);
  return place <= 0;
}

/** The graph with its new nodes right before the first old one that reads them: ONNX Runtime's order of execution, and with it memory, follows from the nodes'. */
function inPlace(graph: Graph, before: Graph): Graph {
  const place = new Map(before.nodes.map(({ outputs }, i) => [outputs[0]!, i]));
  const makers = producers(graph);
  const order: Node[] = [];
  const done = new Set<Node>();
  const visit = (node: Node) => {
    if (done.has(node)) return;
    done.add(node);
    for (const id of node.inputs) {
      const maker = id === null ? undefined : makers.get(id);
      if (maker !== undefined && !done.has(maker)) visit(maker);
    }
    order.push(node);
  };
  const old = graph.nodes.filter(({ outputs }) => place.has(outputs[0]!));
  for (const node of old.sort((a, b) => place.get(a.outputs[0]!)! - place.get(b.outputs[0]!)!)) visit(node);
  return { ...graph, nodes: order };
}

/**
 * Activation checkpointing (Chen et al. 2016): cuts the forward pass into `count` segments, keeps what crosses the cuts, and computes the rest of each segment
 * again when the backward pass comes to it. Results are the same numbers. `forward` are the nodes before the reverse walk in topological order, `scores` what
 * the loss is taken of. The first input of the graph are its samples.
 */
export function withRecomputation(
  graph: Graph,
  forward: readonly Node[],
  scores: readonly ValueId[],
  count: number,
): Graph {
  const ahead = new Set(forward.flatMap(({ outputs }) => outputs));
  const nodes = graph.nodes.filter(({ outputs }) => ahead.has(outputs[0]!));
  const backward = graph.nodes.filter(({ outputs }) => !ahead.has(outputs[0]!));
  const made = new Set(backward.flatMap(({ outputs }) => outputs));
  const late = downstream(graph.nodes, scores);
  const builder = editGraph(graph);
  const segments = segmentsOf(graph, nodes, count);
  for (const segment of segments.slice(0, -1).reverse()) {
    const inside = new Set<Node>(segment);
    const outer = new Set(nodes.filter((node) => !inside.has(node)).flatMap(({ inputs }) => inputs));
    const own = segment.flatMap(({ outputs }) => outputs);
    const dropped = new Set(
      own.filter((id) => !outer.has(id) && !graph.outputs.includes(id) && bytesOf(graph, id) > SMALL),
    );
    const wanted = new Set(backward.flatMap(({ inputs }) => inputs.filter((id): id is ValueId => dropped.has(id!))));
    const gate = arriving(backward, wanted, late, made);
    if (wanted.size === 0 || gate === null) continue;
    const everything = new Set([...graph.values.keys()].filter((id) => !dropped.has(id)));
    const copies = copied(builder, graph, needed(segment, wanted, everything), gate);
    const change = (id: ValueId | null) => (id !== null && wanted.has(id) ? copies.get(id)! : id);
    for (const node of builder.currentNodes)
      if (made.has(node.outputs[0]!) && node.inputs.some((id) => id !== null && wanted.has(id)))
        builder.replaceNode(node, { ...node, inputs: node.inputs.map(change) });
  }
  return inPlace(builder.build(), graph);
}
