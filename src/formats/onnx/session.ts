import { EspalierError, withContext } from "../../diagnostics/index.ts";
import type { FoldingBuilder } from "../../fold/index.ts";
import type { Attributes, NodeOptions, ValueId } from "../../ir/index.ts";
import { isOpType, specOf } from "../../ops/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { AttributeScope } from "./attributes.ts";
import type { FunctionProto, GraphProto, NodeProto, TensorProto } from "./codec/generated/onnx_pb.ts";
import type { ExternalFiles } from "./external.ts";
import type { DenseBudget } from "./sparse.ts";

/** What loops and functions may add to the nodes that the file has. */
const MOST_EXTRA_NODES = 65_536;
/** Sub-graphs and functions inside each other. */
const MOST_DEPTH = 32;

/** A weight of the file that no node has asked for yet. */
export interface StoredWeight {
  readonly read: () => Tensor;
  /** Whether the file keeps it in 4 bits an element. */
  readonly narrow: boolean;
}

/** A graph, sub-graph or function body while it is read: what its names stand for. */
export interface Frame {
  /** Values by name; null is an optional input that a function's call left out. */
  readonly names: Map<string, ValueId | null>;
  /** Weights that are not read yet. */
  readonly stored: ReadonlyMap<string, StoredWeight>;
  /** Where a sub-graph finds the names that it does not define; null for a graph and a function. */
  readonly outer: Frame | null;
  /** Opset versions by domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly attributes: AttributeScope;
  /** Names that something in this frame reads. */
  readonly used: ReadonlySet<string>;
  /** In front of the names of values and nodes. */
  readonly prefix: string;
  readonly depth: number;
}

/** Reads a node into the graph; handed around so that control flow can read the nodes of sub-graphs. */
export type ReadNode = (session: Session, frame: Frame, node: NodeProto) => void;

function countNodes(nodes: readonly NodeProto[]): number {
  let count = nodes.length;
  for (const { attribute } of nodes) for (const { g } of attribute) if (g !== undefined) count += countNodes(g.node);
  return count;
}

/** Weights that a first, failed reading of the file has read already. */
export type TensorCache = Map<TensorProto, Tensor>;

export interface SessionParts {
  readonly tensors: TensorCache;
  readonly builder: FoldingBuilder;
  readonly graph: GraphProto;
  readonly functions: ReadonlyMap<string, FunctionProto>;
  readonly files: ExternalFiles;
  readonly budget: DenseBudget;
  readonly readNode: ReadNode;
}

function refuseUnknown(op: string, where: string): void {
  try {
    specOf(op);
  } catch (error) {
    throw withContext(error, where);
  }
}

/** One reading of one file: the graph that grows, and the bounds that hold it. */
export class Session {
  readonly builder: FoldingBuilder;
  readonly functions: ReadonlyMap<string, FunctionProto>;
  readonly files: ExternalFiles;
  readonly budget: DenseBudget;
  readonly readNode: ReadNode;
  /** Values that the file stores in 4 bits: they are wider here, so that nothing may saturate to their type. */
  readonly narrow = new Set<ValueId>();
  /** Values that stand for zeros in the shape of the batch, with the error for what cannot do without the shape. */
  readonly zeros = new Map<ValueId, EspalierError>();
  readonly #tensors: TensorCache;
  readonly #sources = new Map<ValueId, readonly (ValueId | null)[]>();
  readonly #fileNames: ReadonlySet<string>;
  #steps: number;

  constructor(parts: SessionParts) {
    this.builder = parts.builder;
    this.functions = parts.functions;
    this.files = parts.files;
    this.budget = parts.budget;
    this.readNode = parts.readNode;
    this.#tensors = parts.tensors;
    this.#fileNames = new Set([
      ...parts.graph.node.flatMap((node) => node.output),
      ...parts.graph.initializer.map(({ name }) => name),
      ...parts.graph.input.map(({ name }) => name),
    ]);
    let own = countNodes(parts.graph.node);
    for (const { node } of parts.functions.values()) own += countNodes(node);
    this.#steps = own + MOST_EXTRA_NODES;
  }

  /** Counts a node, or a turn of a loop. */
  step(where: string): void {
    if (--this.#steps < 0)
      throw new EspalierError(
        "unsupported",
        `Loops and functions add more than ${MOST_EXTRA_NODES} nodes to this model`,
        {
          where,
          hint: "Export the model with fewer iterations, or without functions.",
        },
      );
  }

  /** The tensor of a weight: read once a file. */
  tensor(proto: TensorProto, read: () => Tensor): Tensor {
    const known = this.#tensors.get(proto);
    if (known !== undefined) return known;
    const data = read();
    this.#tensors.set(proto, data);
    return data;
  }

  /** A frame's depth, one further in. */
  deeper(frame: Frame, where: string): number {
    if (frame.depth >= MOST_DEPTH)
      throw new EspalierError("unsupported", `Sub-graphs and functions are more than ${MOST_DEPTH} deep`, { where });
    return frame.depth + 1;
  }

  /** A name for a value that the file does not have, which no value of the file bears. */
  fresh(name: string): string {
    let free = name;
    while (this.#fileNames.has(free)) free += "_";
    return free;
  }

  constant(name: string, data: Tensor): ValueId {
    return this.builder.constant(this.fresh(name), data);
  }

  nodes(op: string, inputs: readonly (ValueId | null)[], attrs: Attributes, options: NodeOptions): ValueId[] {
    if (!isOpType(op)) refuseUnknown(op, `node "${options.name ?? op}" (${op})`);
    for (const id of inputs) {
      const error = id === null ? undefined : this.zeros.get(id);
      if (error !== undefined) throw error;
    }
    const outputs = this.builder.nodes(op, inputs, attrs, options);
    for (const id of outputs) this.#sources.set(id, inputs);
    return outputs;
  }

  /** Names of the graph inputs that a value depends on; those of few elements, which decide rather than compute, come first. */
  deciding(id: ValueId): string[] {
    const seen = new Set<ValueId>();
    const found: ValueId[] = [];
    const open: ValueId[] = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      const sources = this.#sources.get(next);
      if (sources !== undefined) open.push(...sources.filter((source) => source !== null));
      else if (this.builder.value(next).data === undefined) found.push(next);
    }
    const values = found.map((value) => this.builder.value(value));
    return values.sort((a, b) => a.type.shape.length - b.type.shape.length).map(({ name }) => name);
  }

  /** Remedy for a decision that depends on an input. */
  bindHint(id: ValueId): string {
    const [input] = this.deciding(id);
    return input === undefined
      ? "Export the model without control flow."
      : `Bind the input that decides it to a number: --input ${input}=VALUE. Or export the model without control flow.`;
  }
}

/** The value of a name that a node reads. */
export function resolve(session: Session, frame: Frame, name: string, where: string): ValueId | null {
  for (let at: Frame | null = frame; at !== null; at = at.outer) {
    const known = at.names.get(name);
    if (known !== undefined) return known;
    const stored = at.stored.get(name);
    if (stored !== undefined) {
      const id = session.builder.constant(at.prefix === "" ? name : session.fresh(at.prefix + name), stored.read());
      if (stored.narrow) session.narrow.add(id);
      at.names.set(name, id);
      return id;
    }
  }
  throw new EspalierError("input", `Value "${name}" is read but never computed`, { where });
}

/** The value of a name that must be there. */
export function resolvePresent(session: Session, frame: Frame, name: string, where: string): ValueId {
  const id = resolve(session, frame, name, where);
  if (id === null) throw new EspalierError("input", `Value "${name}" is read, but its caller leaves it out`, { where });
  return id;
}

/** Gives a value its name in a frame. */
export function bind(frame: Frame, name: string, id: ValueId | null, where: string): void {
  if (frame.names.has(name) || frame.stored.has(name))
    throw new EspalierError("input", `Value "${name}" is computed twice`, { where });
  frame.names.set(name, id);
}
