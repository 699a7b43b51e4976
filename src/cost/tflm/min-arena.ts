import { roundUp } from "../work.ts";
import { ARENA_ALIGNMENT, CORE_SIZES, MAX_SCRATCH_REQUESTS, type MicroBuild, PLANNER_BYTES_PER_BUFFER } from "./abi.ts";
import { type MicroModel, type MicroTensor, scaleCount } from "./model.ts";
import type { Persistent } from "./persistent.ts";

/**
 * Smallest arena, before rounding: the largest of the moments at which AllocateTensors holds most. A: the finished plan; B: the planner with its lifetime
 * table and working memory; C: each Prepare with its temporary tensors; D: the request list before them. Small networks are ruled by B.
 */
export function minimumArena(
  model: MicroModel,
  build: MicroBuild,
  persistent: Persistent,
  head: number,
  planned: number,
): number {
  const sizes = CORE_SIZES[build.abi];
  const tensors = model.subgraphs.reduce((sum, { tensors: list }) => sum + list.length, 0);
  const requests = persistent.scratch.length;
  const room = (earlier: number) => sizes.scratchRequest * (MAX_SCRATCH_REQUESTS + earlier);
  const finished = head + persistent.tail;
  const lists = room(requests) + 4 * model.subgraphs.length + sizes.allocationInfo * (tensors + requests);
  const planning =
    roundUp(lists, ARENA_ALIGNMENT) +
    PLANNER_BYTES_PER_BUFFER * planned +
    roundUp(persistent.tailAtPlanning, ARENA_ALIGNMENT);
  let preparing = 0;
  for (const { subgraph, operator, tail, earlierRequests } of persistent.prepares) {
    const bytes = room(earlierRequests) + temporaryBytes(model, build, subgraph, operator) + tail;
    preparing = Math.max(preparing, bytes);
  }
  return Math.max(finished, planning, preparing);
}

/** Operators whose Prepare looks at input, filter and output twice. */
const TWICE: ReadonlySet<string> = new Set(["CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"]);

/** Temporary tensor structs of one Prepare: one per operand, freed together only at its end. */
function temporaryBytes(model: MicroModel, build: MicroBuild, subgraph: number, operator: number): number {
  const graph = model.subgraphs[subgraph];
  const entry = graph?.operators[operator];
  if (graph === undefined || entry === undefined) return 0;
  const bytesOf = (index: number) => {
    const tensor = graph.tensors[index];
    return tensor === undefined ? 0 : temporaryTensorBytes(tensor, build);
  };
  const once = [...entry.inputs, ...entry.outputs].reduce((sum, index) => sum + bytesOf(index), 0);
  if (!TWICE.has(entry.opcode)) return once;
  return once + bytesOf(entry.inputs[0] ?? -1) + bytesOf(entry.inputs[1] ?? -1) + bytesOf(entry.outputs[0] ?? -1);
}

function temporaryTensorBytes(tensor: MicroTensor, build: MicroBuild): number {
  const sizes = CORE_SIZES[build.abi];
  const scales = scaleCount(tensor);
  return sizes.tensor + (scales > 0 ? sizes.affine + 4 + 4 * scales : 0);
}
