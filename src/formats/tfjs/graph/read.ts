import { EspalierError, withContext } from "../../../diagnostics/index.ts";
import type { FoldingBuilder } from "../../../fold/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import { type ShapeRule, settledShape } from "../options.ts";
import type { Boundary, NamedOutput } from "../outputs.ts";
import type { ModelJson } from "../schema.ts";
import type { Weights } from "../weights.ts";
import { type BoundaryPort, boundaryOf, PLACEHOLDERS, sizesOf } from "./boundary.ts";
import { nodeContext } from "./context.ts";
import { type Guarded, guardsOf, merged, NO_GUARDS, switched } from "./control.ts";
import { dtypeOfTf } from "./dtype.ts";
import { attributesOf, parseNodes, type TfNode, type TfShape } from "./node-def.ts";
import { GRAPH_READERS, isRead, PASS_THROUGH } from "./readers.ts";
import { refuseUnread } from "./refused.ts";

interface Reading {
  readonly builder: FoldingBuilder;
  readonly weights: Weights;
  readonly inputs: ReadonlyMap<string, ValueId>;
  readonly values: Map<string, readonly Guarded[]>;
}

/** Reads the graph of a GraphModel into the builder and returns its outputs with their names. */
export function readGraphModel(model: ModelJson, weights: Weights, rule: ShapeRule, builder: FoldingBuilder): Boundary {
  const nodes = parseNodes(model.modelTopology);
  const boundary = boundaryOf(model, nodes);
  refuseUnread(boundary.order, isRead);
  const inputs = openInputs(nodes, boundary.inputs, rule, builder);
  const reading: Reading = { builder, weights, inputs, values: new Map() };
  for (const node of boundary.order) {
    try {
      reading.values.set(node.name, readNode(reading, node));
    } catch (error) {
      throw error instanceof EspalierError ? placed(error, node) : error;
    }
  }
  return { inputs: [...inputs.values()], outputs: boundary.outputs.map((port) => outputOf(reading, port)) };
}

/** The error with the node in front, once. */
function placed(error: EspalierError, node: TfNode): EspalierError {
  return error.where?.startsWith("node ") === true ? error : withContext(error, `node "${node.name}" (${node.op})`);
}

function openInputs(
  nodes: ReadonlyMap<string, TfNode>,
  ports: readonly BoundaryPort[],
  rule: ShapeRule,
  builder: FoldingBuilder,
): Map<string, ValueId> {
  const ids = new Map<string, ValueId>();
  for (const port of ports) {
    const node = nodes.get(port.edge.node);
    if (node === undefined)
      throw new EspalierError("input", `The signature names the input "${port.edge.node}", which is no node`, {
        where: "signature",
      });
    const attrs = attributesOf(node);
    const where = `input "${port.name}"`;
    try {
      const dtype = dtypeOfTf(attrs.type("dtype") ?? port.type ?? "DT_FLOAT");
      const sizes =
        sizesOf(attrs.shape("shape") ?? attrs.shape("_output_shapes")) ??
        sizesOf((port.shape ?? null) as TfShape | null);
      const shape = settledShape(rule, [port.name, node.name], sizes);
      ids.set(node.name, builder.input(port.name, { dtype, shape }));
    } catch (error) {
      if (!(error instanceof EspalierError) || error.where !== undefined) throw error;
      throw withContext(error, where);
    }
  }
  return ids;
}

function guardedAt(reading: Reading, name: string, output: number): Guarded {
  const outputs = reading.values.get(name);
  if (outputs === undefined || output >= outputs.length)
    throw new EspalierError("input", `Reads output ${output} of "${name}", which has ${outputs?.length ?? 0}`);
  return outputs[output]!;
}

function readNode(reading: Reading, node: TfNode): readonly Guarded[] {
  const { builder } = reading;
  const input = reading.inputs.get(node.name);
  if (input !== undefined) return [{ id: input, guards: NO_GUARDS }];
  if (PLACEHOLDERS.includes(node.op)) throw new EspalierError("input", "The signature does not name this input");
  const operands = node.inputs.map((edge) => guardedAt(reading, edge.node, edge.output));
  if (node.op === "Merge") return merged({ builder, name: node.name }, operands);
  const controls = node.controls.flatMap((name) => (reading.values.get(name) ?? []).slice(0, 1));
  const guards = guardsOf([...operands, ...controls]);
  if (guards === null) return new Array<Guarded>(8).fill(null);
  const ids = operands.map((operand) => operand!.id);
  if (node.op === "Const") return [{ id: weightOf(reading, node), guards }];
  if (node.op === "Switch") {
    if (ids.length < 2) throw new EspalierError("input", `Switch needs 2 inputs, it has ${ids.length}`);
    return switched({ builder, name: node.name }, ids[0]!, ids[1]!, guards);
  }
  if (PASS_THROUGH.includes(node.op)) return ids.map((id) => ({ id, guards }));
  const outputs = GRAPH_READERS[node.op]!(nodeContext(builder, node, ids));
  return (typeof outputs === "number" ? [outputs] : outputs).map((id) => ({ id, guards }));
}

function weightOf(reading: Reading, node: TfNode): ValueId {
  const data = reading.weights.get(node.name);
  if (data === null)
    throw new EspalierError("input", "The weights manifest has no tensor of this name", {
      hint: "Check that model.json was written whole.",
    });
  return reading.builder.constant(node.name, data);
}

function outputOf(reading: Reading, port: BoundaryPort): NamedOutput {
  const value = guardedAt(reading, port.edge.node, port.edge.output);
  if (value === null)
    throw new EspalierError("input", "The output lies in a branch that is never taken", {
      where: `output "${port.name}"`,
    });
  return { name: port.name, id: value.id };
}
