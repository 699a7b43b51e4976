export { type AttributeSpec, type AttributeSpecs, type AttributesOf, completeAttributes } from "./attributes.ts";
export { convWindow } from "./conv.ts";
export {
  type AxisMap,
  alignedAxes,
  CONTRACTED,
  type CouplingContext,
  type CouplingRule,
  type CutView,
  type NodeChange,
  OPAQUE,
  type Operand,
} from "./coupling-rule.ts";
export { type Formula, formula } from "./gradient-formula.ts";
export { compressedPositions, NO_AXIS } from "./indexing.ts";
export { type InterpolatedAxis, type Interpolation, interpolationMatrix } from "./interpolation.ts";
export { reshaped } from "./movement.ts";
export { reducedAxes } from "./reduce.ts";
export { REFUSED, refusalOf } from "./refused.ts";
export { type ResizeAttributes, resizedAxes } from "./resize.ts";
export { type AxisSlice, resolvePads, resolveSlices, splitSizes } from "./selection.ts";
export { rangeLength, shapeBounds, statedShape } from "./shape.ts";
export { defineOp, type GradientContext, type GradientRule, OpContext, type OpKind, type OpSpec } from "./spec.ts";
export {
  contextOf,
  editGraph,
  IR_OPSET,
  inferTypes,
  isOpType,
  macsOf,
  newBuilder,
  OP_TYPES,
  OPS,
  type OpType,
  specOf,
  validateGraph,
} from "./table.ts";
export { resolveWindow, type Window, windowOutput } from "./window.ts";
