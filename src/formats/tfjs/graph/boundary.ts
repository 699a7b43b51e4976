import { z } from "zod";
import { EspalierError } from "../../../diagnostics/index.ts";
import { checked, type ModelJson, type TfSignature } from "../schema.ts";
import { edgeOf, type TfEdge, type TfNode, type TfShape, typeName } from "./node-def.ts";
import { orderedFrom } from "./order.ts";

/** An input or output of a GraphModel. */
export interface BoundaryPort {
  /** The signature's key, or the node's name when there is no signature; without a ":0" at its end. */
  readonly name: string;
  readonly edge: TfEdge;
  /** TensorFlow type of the signature, when there is one. */
  readonly type: string | null;
  readonly shape: unknown;
}

const nested = z.looseObject({ signature: z.unknown().optional() });
const signatureOf = z.object({
  inputs: z.record(z.string(), z.looseObject({})).nullish(),
  outputs: z.record(z.string(), z.looseObject({})).nullish(),
});

/** The signature, which older converters put into userDefinedMetadata. */
function signature(model: ModelJson): TfSignature | null {
  if (model.signature !== null && model.signature !== undefined) return model.signature;
  const old = nested.safeParse(model.userDefinedMetadata ?? {}).data?.signature;
  return old === undefined || old === null
    ? null
    : (checked(signatureOf, old, "model.json.userDefinedMetadata.signature") as TfSignature);
}

function portsOf(entries: NonNullable<TfSignature["inputs"]>): BoundaryPort[] {
  return Object.entries(entries).map(([key, info]) => ({
    name: key.replace(/:0$/, ""),
    edge: edgeOf(info.name ?? key),
    type: info.dtype === undefined ? null : typeName(info.dtype),
    shape: info.tensorShape,
  }));
}

const unnamed = (node: TfNode): BoundaryPort => ({
  name: node.name,
  edge: { node: node.name, output: 0 },
  type: null,
  shape: undefined,
});

/** Operators that stand for an input. */
export const PLACEHOLDERS: readonly string[] = ["Placeholder", "PlaceholderV2"];

/** What a GraphModel computes and from what. */
export interface GraphBoundary {
  readonly inputs: readonly BoundaryPort[];
  readonly outputs: readonly BoundaryPort[];
  /** The nodes that the outputs depend on, operands first. */
  readonly order: readonly TfNode[];
}

/** What the outputs depend on; where branches merge, also by control edges: they say which branch a constant is of. */
function orderOf(nodes: ReadonlyMap<string, TfNode>, outputs: readonly BoundaryPort[]): TfNode[] {
  const roots = outputs.map((port) => port.edge.node);
  const order = orderedFrom(nodes, roots);
  return order.some((node) => node.op === "Merge") ? orderedFrom(nodes, roots, true) : order;
}

/** The inputs and outputs of a GraphModel in the signature's order; without one: placeholders that are read, and nodes that nothing reads. */
export function boundaryOf(model: ModelJson, nodes: ReadonlyMap<string, TfNode>): GraphBoundary {
  const given = signature(model);
  const stated = portsOf(given?.inputs ?? {});
  const placeholders = [...nodes.values()].filter((node) => PLACEHOLDERS.includes(node.op));
  const read = new Set(
    [...nodes.values()].flatMap((node) => [...node.inputs.map((input) => input.node), ...node.controls]),
  );
  const ends = [...nodes.values()].filter(
    (node) => !read.has(node.name) && node.op !== "NoOp" && !PLACEHOLDERS.includes(node.op),
  );
  const named = portsOf(given?.outputs ?? {});
  const outputs = named.length > 0 ? named : ends.map(unnamed);
  if (outputs.length === 0)
    throw new EspalierError("input", "The graph has no outputs", { where: "model.json.modelTopology" });
  const order = orderOf(nodes, outputs);
  const reached = new Set(order.map((node) => node.name));
  const others = placeholders.filter(
    (node) => !stated.some((port) => port.edge.node === node.name) && reached.has(node.name),
  );
  return { inputs: [...stated, ...others.map(unnamed)], outputs, order };
}

/** Sizes of a TensorFlow shape, -1 where they are open; null when the rank is. */
export function sizesOf(shape: TfShape | null): number[] | null {
  if (shape === null || shape.unknownRank === true) return null;
  return (shape.dim ?? []).map((dim) => {
    const size = dim.size === undefined || dim.size === null ? -1 : Number(dim.size);
    if (!Number.isSafeInteger(size) || size > 2 ** 31)
      throw new EspalierError("input", `A size of ${JSON.stringify(dim.size)} is not possible`);
    return size < 0 ? -1 : size;
  });
}
