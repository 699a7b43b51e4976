import { roundUp } from "../work.ts";
import { ARENA_ALIGNMENT, CORE_SIZES, type MicroBuild } from "./abi.ts";
import type { ScratchRequest } from "./lifetimes.ts";
import { type MicroModel, type MicroTensor, scaleCount, tensorBytes } from "./model.ts";
import { opDataBytes, optionsBlock } from "./operator-sizes.ts";
import { prepareMemory } from "./prepare.ts";

/** A block of the arena's tail: never freed. `used` is what it takes with the padding of its alignment. */
export interface PersistentBlock {
  readonly what: string;
  readonly subgraph?: number;
  readonly operator?: number;
  readonly bytes: number;
  readonly align: number;
  readonly used: number;
}

/** The tail and what was learnt on the way. */
export interface Persistent {
  readonly blocks: readonly PersistentBlock[];
  readonly scratch: readonly ScratchRequest[];
  /** Tail after each operator's Prepare, with the scratch requests of the operators before it: for the peaks during allocation. */
  readonly prepares: readonly {
    readonly subgraph: number;
    readonly operator: number;
    readonly tail: number;
    readonly earlierRequests: number;
  }[];
  /** Tail when planning starts: all but the input and output structs. */
  readonly tailAtPlanning: number;
  readonly tail: number;
}

/**
 * Walks TFLM's persistent allocations in its order. The tail grows down from an end that is a multiple of 16, so its size after a block is
 * roundUp(size + bytes, align). `offline` gives the offsets of an offline plan: a variable with one lives in the head.
 */
export function walkPersistent(model: MicroModel, build: MicroBuild, offline: readonly number[] | null): Persistent {
  const sizes = CORE_SIZES[build.abi];
  const blocks: PersistentBlock[] = [];
  let tail = 0;
  const add = (what: string, bytes: number, align: number, place: { subgraph?: number; operator?: number } = {}) => {
    const next = roundUp(tail + bytes, align);
    blocks.push({ what, ...place, bytes, align, used: next - tail });
    tail = next;
  };
  const { align } = sizes;
  add("arena allocator", sizes.arenaAllocator, align);
  add("memory planner", sizes.planner, align);
  add("micro allocator", sizes.microAllocator, align);
  add("builtin data allocator", sizes.builtinDataAllocator, align);
  add("subgraph allocations", sizes.subgraphAllocations * model.subgraphs.length, align);
  model.subgraphs.forEach((g, subgraph) => {
    add("eval tensors", sizes.evalTensor * g.tensors.length, align, { subgraph });
  });
  model.subgraphs.forEach((g, subgraph) => {
    add("nodes", sizes.node * g.operators.length, align, { subgraph });
  });
  forEachOperator(model, (opcode, subgraph, operator) => {
    const block = optionsBlock(opcode, build);
    if (block !== null) add("options", block.bytes, block.align, { subgraph, operator });
  });
  forEachOperator(model, (opcode, subgraph, operator) => {
    const bytes = opDataBytes(opcode, build);
    if (bytes > 0) add("kernel data", bytes, ARENA_ALIGNMENT, { subgraph, operator });
  });
  const scratch: ScratchRequest[] = [];
  const prepares: Persistent["prepares"][number][] = [];
  model.subgraphs.forEach((g, subgraph) => {
    g.operators.forEach((entry, operator) => {
      const memory = prepareMemory({ model, subgraph: g, operator: entry, build });
      for (const bytes of memory.persistent) add("kernel buffers", bytes, ARENA_ALIGNMENT, { subgraph, operator });
      prepares.push({ subgraph, operator, tail, earlierRequests: scratch.length });
      for (const bytes of memory.scratch) scratch.push({ subgraph, operator, bytes });
    });
  });
  if (scratch.length > 0) add("scratch handles", sizes.scratchHandle * scratch.length, align);
  let flat = 0;
  model.subgraphs.forEach((g, subgraph) => {
    for (const tensor of g.tensors) {
      const isOffline = (offline?.[flat++] ?? -1) !== -1;
      if (tensor.isVariable === true && !isOffline) add("variable", tensorBytes(tensor), ARENA_ALIGNMENT, { subgraph });
    }
  });
  const tailAtPlanning = tail;
  addInterface(model, build, add);
  return { blocks, scratch, prepares, tailAtPlanning, tail };
}

function forEachOperator(model: MicroModel, visit: (opcode: string, subgraph: number, operator: number) => void): void {
  model.subgraphs.forEach((g, subgraph) => {
    g.operators.forEach(({ opcode, customCode }, operator) => {
      visit(opcode === "CUSTOM" ? `CUSTOM:${customCode ?? ""}` : opcode, subgraph, operator);
    });
  });
}

/** The full tensor structs of the entry graph's inputs, then of its outputs. */
function addInterface(
  model: MicroModel,
  build: MicroBuild,
  add: (what: string, bytes: number, align: number) => void,
): void {
  const sizes = CORE_SIZES[build.abi];
  const entry = model.subgraphs[0];
  for (const side of [entry?.inputs ?? [], entry?.outputs ?? []]) {
    add("interface pointers", sizes.pointer * side.length, ARENA_ALIGNMENT);
    for (const index of side) {
      add("interface tensor", sizes.tensor, sizes.align);
      const tensor: MicroTensor | undefined = entry?.tensors[index];
      const scales = tensor === undefined ? 0 : scaleCount(tensor);
      if (scales === 0) continue;
      add("interface quantization", sizes.affine, sizes.align);
      add("interface zero points", 4 + 4 * scales, 4);
    }
  }
}
