import { EspalierError } from "../../diagnostics/index.ts";
import type { ValueId } from "../../ir/index.ts";
import { scalar } from "../../tensor/index.ts";
import type { FileNode } from "./file-node.ts";

/** Operators with initial states, which are zero where they are left out. */
const RECURRENT = new Set(["GRU", "LSTM", "RNN"]);
/** Inputs of these operators that are initial states. */
const STATES = [5, 6];
/** Operators that make zeros of zeros, whatever their other operands. */
const MOVES = new Set([
  "Cast",
  "Expand",
  "Gather",
  "Identity",
  "Reshape",
  "Slice",
  "Split",
  "Squeeze",
  "Transpose",
  "Unsqueeze",
]);

/** Whether a node fills a shape that holds the batch with zeros. */
function fillsBatch(node: FileNode): boolean {
  const operand = node.op === "ConstantOfShape" ? 0 : node.op === "Expand" ? 1 : -1;
  const shape = node.optional(operand);
  if (shape === null || node.session.builder.sizes(shape)?.some((size) => typeof size === "string") !== true)
    return false;
  const given = node.op === "Expand" ? node.data(node.input(0)) : node.attrs.value;
  if (given === undefined) return true;
  if (given === null || typeof given !== "object" || !("data" in given)) return false;
  return Array.prototype.every.call(given.data, (value) => Number(value) === 0);
}

/**
 * Zeros in the shape of an open batch are how exporters start a recurrent operator. The IR has no such constant, and
 * needs none there: their value stands for them until a recurrent operator leaves it out; anything else that reads it is refused with `error`.
 */
function standIn(node: FileNode, error: EspalierError): ValueId {
  const id = node.constant("zeros", scalar("float32", 0));
  node.session.zeros.set(id, error);
  return id;
}

/** The zeros that a node reads, if any. */
function zerosRead(node: FileNode): { readonly id: ValueId; readonly error: EspalierError } | null {
  for (const id of node.inputs) {
    const error = id === null ? undefined : node.session.zeros.get(id);
    if (error !== undefined) return { id: id!, error };
  }
  return null;
}

/** Handles a node that reads zeros in the shape of the batch: gives its outputs, or null when it goes on as any other. */
export function fromZeros(node: FileNode): readonly ValueId[] | null {
  const { zeros } = node.session;
  if (RECURRENT.has(node.op))
    for (const i of STATES) if (node.inputs[i] !== undefined && zeros.has(node.inputs[i] ?? -1)) node.inputs[i] = null;
  const read = zerosRead(node);
  if (read === null) return null;
  const all = node.op === "Concat" && node.inputs.every((id) => id !== null && zeros.has(id));
  if (!all && (!MOVES.has(node.op) || node.inputs[0] !== read.id)) throw read.error;
  return node.outputs.map(() => standIn(node, read.error));
}

/** Runs `make`; where it refuses zeros in the shape of the batch, they become a stand-in. */
export function orZeros(node: FileNode, make: () => readonly (ValueId | null)[]): readonly (ValueId | null)[] {
  if (!fillsBatch(node)) return make();
  try {
    return make();
  } catch (error) {
    if (!(error instanceof EspalierError) || error.code === "internal") throw error;
    return [standIn(node, error)];
  }
}
