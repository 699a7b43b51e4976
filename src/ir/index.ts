export { GraphBuilder, type Infer, type InputFact, type NodeOptions } from "./builder.ts";
export {
  type Attribute,
  type Attributes,
  consumers,
  type Dim,
  type Graph,
  type Node,
  producers,
  type Shape,
  type TensorType,
  type Value,
  type ValueId,
  valueById,
} from "./graph.ts";
export { hashGraph } from "./hash.ts";
export { orderNodes } from "./order.ts";
export { parseGraph } from "./parse.ts";
export {
  broadcastShapes,
  type DimProduct,
  normalAxis,
  productOf,
  shapeText,
  staticDim,
  staticShape,
  typeText,
} from "./shape.ts";
export { type PrintOptions, printGraph } from "./text.ts";
export { validate } from "./validate.ts";
