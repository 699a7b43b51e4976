import { planPeakActivations } from "../peak.ts";
import { roundUp } from "../work.ts";
import { ARENA_ALIGNMENT, type MicroBuild } from "./abi.ts";
import { type PlacedBuffer, planBytes, planGreedily } from "./greedy.ts";
import { planRequests } from "./lifetimes.ts";
import { minimumArena } from "./min-arena.ts";
import type { MicroModel } from "./model.ts";
import { offlinePlan } from "./offline-plan.ts";
import { type PersistentBlock, walkPersistent } from "./persistent.ts";

/** TFLM's memory for a model under a build, in bytes. */
export interface ArenaPlan {
  /** Activations and scratch, as the greedy planner places them. */
  readonly head: number;
  /** Structs and buffers that live for ever. */
  readonly tail: number;
  /** head + tail: what `arena_used_bytes()` returns. */
  readonly arenaUsed: number;
  /** Smallest arena with which AllocateTensors succeeds; a multiple of 16. */
  readonly minArena: number;
  readonly plan: readonly PlacedBuffer[];
  readonly persistent: readonly PersistentBlock[];
  /** Step (1 is the first operator) at which most planned bytes are live, and how many. */
  readonly peakStep: number;
  readonly peakLiveBytes: number;
}

/**
 * Plans the arena of a model exactly as TensorFlow Lite Micro 90b983c2b with CMSIS-NN 4ab83cc3 does: persistent structs in its order, buffers with its
 * lifetimes, its greedy planner. Throws `unsupported` for an operator whose sizes are not known, `input` for a model that is inconsistent.
 */
export function planArena(model: MicroModel, build: MicroBuild): ArenaPlan {
  const offline = offlinePlan(model);
  const persistent = walkPersistent(model, build, offline);
  const plan = planGreedily(planRequests(model, persistent.scratch, offline));
  const head = planBytes(plan);
  const arenaUsed = head + persistent.tail;
  const peak = planPeakActivations(plan.map(({ reserved, first, last }) => ({ bytes: reserved, first, last })));
  return {
    head,
    tail: persistent.tail,
    arenaUsed,
    minArena: roundUp(minimumArena(model, build, persistent, head, plan.length), ARENA_ALIGNMENT),
    plan,
    persistent: persistent.blocks,
    peakStep: peak.step,
    peakLiveBytes: peak.bytes,
  };
}
