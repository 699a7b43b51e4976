import { EspalierError, nearestWord } from "../diagnostics/index.ts";
import { type Graph, GraphBuilder, type Infer, type Node, type TensorType, validate, valueById } from "../ir/index.ts";
import * as activation from "./activation.ts";
import { completeAttributes } from "./attributes.ts";
import * as conv from "./conv.ts";
import * as einsum from "./einsum.ts";
import * as elementwise from "./elementwise.ts";
import * as indexing from "./indexing.ts";
import * as integer from "./integer.ts";
import * as logical from "./logical.ts";
import * as matmul from "./matmul.ts";
import * as matrix from "./matrix.ts";
import * as movement from "./movement.ts";
import * as norm from "./norm.ts";
import * as normAxes from "./norm-axes.ts";
import * as pool from "./pool.ts";
import * as quantization from "./quantization.ts";
import * as ranking from "./ranking.ts";
import * as recurrent from "./recurrent.ts";
import * as reduce from "./reduce.ts";
import { refusalOf } from "./refused.ts";
import * as resize from "./resize.ts";
import * as sampling from "./sampling.ts";
import * as selection from "./selection.ts";
import * as shape from "./shape.ts";
import * as signal from "./signal.ts";
import * as softmax from "./softmax.ts";
import * as spaceDepth from "./space-depth.ts";
import { OpContext, type OpSpec } from "./spec.ts";

/** The opset whose semantics the IR has, and which the ONNX writer states. */
export const IR_OPSET = 20;

const declared = {
  Conv: conv.Conv,
  ConvTranspose: conv.ConvTranspose,
  ...matmul,
  ...elementwise,
  ...activation,
  ...logical,
  ...ranking,
  ...matrix,
  ...norm,
  ...normAxes,
  ...pool,
  ...quantization,
  ...softmax,
  ReduceSum: reduce.ReduceSum,
  ReduceMean: reduce.ReduceMean,
  ReduceMax: reduce.ReduceMax,
  ReduceMin: reduce.ReduceMin,
  ReduceSumSquare: reduce.ReduceSumSquare,
  ReduceL1: reduce.ReduceL1,
  ReduceLogSum: reduce.ReduceLogSum,
  ReduceLogSumExp: reduce.ReduceLogSumExp,
  ReduceL2: reduce.ReduceL2,
  ReduceProd: reduce.ReduceProd,
  ArgMax: reduce.ArgMax,
  ArgMin: reduce.ArgMin,
  Reshape: movement.Reshape,
  Flatten: movement.Flatten,
  Transpose: movement.Transpose,
  Squeeze: movement.Squeeze,
  Unsqueeze: movement.Unsqueeze,
  Expand: movement.Expand,
  Tile: movement.Tile,
  Concat: selection.Concat,
  Split: selection.Split,
  Slice: selection.Slice,
  Gather: selection.Gather,
  Pad: selection.Pad,
  Einsum: einsum.Einsum,
  GatherElements: indexing.GatherElements,
  GatherND: indexing.GatherND,
  ScatterElements: indexing.ScatterElements,
  ScatterND: indexing.ScatterND,
  Compress: indexing.Compress,
  ReverseSequence: indexing.ReverseSequence,
  ...integer,
  ...recurrent,
  Resize: resize.Resize,
  ...sampling,
  Shape: shape.Shape,
  Size: shape.Size,
  ConstantOfShape: shape.ConstantOfShape,
  Range: shape.Range,
  HannWindow: shape.HannWindow,
  HammingWindow: shape.HammingWindow,
  BlackmanWindow: shape.BlackmanWindow,
  MelWeightMatrix: shape.MelWeightMatrix,
  ...signal,
  ...spaceDepth,
};

/** The name of a declared operator. */
export type OpType = keyof typeof declared;

/** Every operator that Espalier knows. To add one, declare it in its family file and list it here. */
export const OPS: { readonly [T in OpType]: (typeof declared)[T] } = declared;

/** Names of all declared operators, sorted. */
export const OP_TYPES = Object.keys(OPS).sort() as OpType[];

/** Whether the operator table declares an operator. */
export function isOpType(op: string): op is OpType {
  return Object.hasOwn(OPS, op);
}

/** The declaration of an operator; an unknown one is refused with the nearest known name. */
export function specOf(op: string): OpSpec {
  if (!isOpType(op)) {
    const reason = refusalOf(op);
    const nearest = nearestWord(op, OP_TYPES);
    throw new EspalierError("unsupported", `Operator "${op}" is not supported${reason === null ? "" : `: ${reason}`}`, {
      hint: `${nearest === null ? "" : `Did you mean "${nearest}"? `}docs/SUPPORT.md lists the operators that are.`,
    });
  }
  return OPS[op] as unknown as OpSpec;
}

/** Type inference by the operator table: what every builder, pass and validation uses. */
export const inferTypes: Infer = (node, inputs) => {
  const where = `node "${node.name}" (${node.op})`;
  try {
    const spec = specOf(node.op);
    const [least, most] = spec.inputs;
    if (inputs.length < least || inputs.length > most)
      throw new EspalierError(
        "input",
        `${node.op} takes ${least === most ? least : `${least} to ${most}`} inputs, got ${inputs.length}`,
      );
    const absent = inputs.slice(0, least).indexOf(null);
    if (absent >= 0) throw new EspalierError("input", `${node.op} needs input ${absent}`);
    return spec.infer(
      new OpContext(node.op, completeAttributes(node.op, spec.attrs, node.attrs), inputs, node.outputCount),
    );
  } catch (error) {
    if (!(error instanceof EspalierError) || error.where !== undefined) throw error;
    throw new EspalierError(error.code, error.message, {
      where,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
};

/** The facts about a node of a finished graph, with attributes complete. */
export function contextOf(graph: Graph, node: Node): OpContext<never> {
  const facts = node.inputs.map((id) => (id === null ? null : valueById(graph, id)));
  return new OpContext(
    node.op,
    completeAttributes(node.op, specOf(node.op).attrs, node.attrs) as never,
    facts,
    node.outputs.length,
  );
}

/** Multiply-accumulates of a node; symbols (the batch) count as `batch`. */
export function macsOf(graph: Graph, node: Node, batch = 1): number {
  const spec = specOf(node.op);
  if (spec.macs === undefined) return 0;
  const outputs: TensorType[] = node.outputs.map((id) => valueById(graph, id).type);
  const { factor, symbols } = spec.macs(contextOf(graph, node), outputs);
  return factor * batch ** symbols.length;
}

/** A builder that infers types by the operator table. */
export function newBuilder(name: string): GraphBuilder {
  return new GraphBuilder(name, inferTypes);
}

/** A builder that starts as a copy of a graph. */
export function editGraph(graph: Graph): GraphBuilder {
  return GraphBuilder.from(graph, inferTypes);
}

/** Structural and type validation by the operator table. */
export function validateGraph(graph: Graph): void {
  validate(graph, inferTypes);
}
