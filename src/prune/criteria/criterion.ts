import type { Graph, Node, ValueId } from "../../ir/index.ts";
import type { Tensor } from "../../tensor/index.ts";

/** What a criterion has to be given besides the graph; `gatherEvidence` collects it from data. */
export type CriterionNeeds = "nothing" | "weights" | "gradients" | "fisher" | "sample-gradients" | "activations";

interface Named {
  readonly name: string;
  readonly says: string;
}

/** Looks at weights one by one: a unit's score in one weight is `finish` of all its `element`s there, added up or the largest of them. */
export interface ElementCriterion extends Named {
  readonly kind: "elements";
  readonly needs: "weights" | "gradients" | "fisher";
  /** `evidence`: the weight's mean gradient or its Fisher information, as `needs` says; the weight itself where it needs neither. */
  readonly element: (weight: number, evidence: number) => number;
  /** Default "sum". */
  readonly combine?: "sum" | "max";
  readonly finish: (combined: number) => number;
  /** Which constants count, in place of the weights that make and read units. */
  readonly counts?: (graph: Graph, value: ValueId) => boolean;
}

/** Compares the units of a group with one another in one weight: one vector a unit in, one score a unit out. */
export interface VectorCriterion extends Named {
  readonly kind: "vectors";
  readonly needs: "weights";
  readonly vectors: (rows: readonly Float32Array[]) => Float64Array;
}

/** Compares the units of a group with one another in all weights together: for each weight one vector a unit in (empty where the unit is not in it). */
export interface JointCriterion extends Named {
  readonly kind: "joint";
  readonly needs: "weights";
  /** Which weights count unless the caller says. */
  readonly roles: readonly ("out" | "in" | "parameter")[];
  readonly weights: (weights: readonly (readonly Float32Array[])[]) => Float64Array;
}

/**
 * Looks at what one sample's loss loses when a unit is scaled down where it is read: the sum of weight x gradient over the unit's slices of the
 * weights that read it, which equals the sum of activation x gradient over the unit's activations. The score is the mean of `sample` of it.
 */
export interface SampleCriterion extends Named {
  readonly kind: "samples";
  readonly needs: "sample-gradients";
  readonly sample: (product: number) => number;
}

/** An operator that sums over the units of a value with a constant weight. */
export interface Consumer {
  readonly node: Node;
  readonly weight: ValueId;
  /** The weight's elements that belong to each unit. */
  readonly vectors: readonly Float32Array[];
}

/** A computed value in which the units of a group are seen. */
export interface Site {
  readonly value: ValueId;
  /** Number of units in the group. */
  readonly units: number;
  readonly consumers: readonly Consumer[];
}

/** One batch at a site. */
export interface ObservedBatch {
  readonly samples: number;
  /** The elements of each unit, [samples, elements of a sample]. */
  readonly units: readonly Float32Array[];
  /** Elements of a unit in a sample as rows x columns: the last axis that the unit covers is the columns. */
  readonly map: readonly [number, number];
  /** The whole value, and the unit of each of its elements in a sample (-1 for none). */
  readonly tensor: Tensor;
  readonly unitOf: Int32Array;
  /** Class of each sample. */
  readonly labels: Int32Array;
}

/** Collects what a criterion wants of the batches at one site. */
export interface Accumulator {
  readonly add: (batch: ObservedBatch) => void;
  /** One score a unit; null where the site tells nothing. */
  readonly scores: () => Float64Array | null;
}

/**
 * Looks at activations on data: "consumers" where units are summed over, "maps" at the same before any pooling and flattening, "attention" at attention
 * probabilities.
 */
export interface ActivationCriterion extends Named {
  readonly kind: "activations";
  readonly needs: "activations";
  readonly sites: "consumers" | "maps" | "attention";
  /** Samples to look at when the caller does not say. */
  readonly samples?: number;
  readonly start: (graph: Graph, site: Site) => Accumulator;
}

/** Draws scores. */
export interface DrawCriterion extends Named {
  readonly kind: "draw";
  readonly needs: "nothing";
}

/** How much a unit matters: higher is more. */
export type Criterion =
  | ElementCriterion
  | VectorCriterion
  | JointCriterion
  | SampleCriterion
  | ActivationCriterion
  | DrawCriterion;
