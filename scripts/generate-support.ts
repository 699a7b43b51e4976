/** Writes docs/SUPPORT.md, the table of operators, from their declarations: npm run generate:support */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LOWERINGS } from "../src/formats/tflite/ops/index.ts";
import type { Graph, Value } from "../src/ir/index.ts";
import { zeroRule } from "../src/ops/gradient-elementwise.ts";
import { IR_OPSET, OP_TYPES, OPS, type OpSpec, type OpType } from "../src/ops/index.ts";
import { MOBILE_SCHEME, outputRule } from "../src/quantize/index.ts";

/** Operators that the TFLite writer removes: they compute nothing there, or become a tensor's quantisation. */
const REMOVED: ReadonlySet<string> = new Set(["Identity", "Dropout", "DequantizeLinear"]);

const introduction = `# Operators

This page is generated from the operator table (\`src/ops\`), the TFLite lowerings (\`src/formats/tflite/ops\`) and the quantisation rules
(\`src/quantize\`) by \`npm run generate:support\`; a test keeps it fresh. Names and semantics are ONNX's at opset ${IR_OPSET}; files of opset 7 to 23
are brought there when they are read.

Every operator in the table is read, written, type-checked and run as ONNX. An operator that is not in it is refused by name. \`Constant\` becomes
data when a file is read.

- **gradient**: *yes*; *zero* where the derivative is 0 almost everywhere; *no*: a trained weight may not lie behind it.
- **pruning**: *follows*: a cut of channels passes through it, or it says per axis why not (\`docs/coupling.md\`); *frozen*: whatever it touches keeps its size.
- **TFLite**: *yes*; *folded*: needs no operator there; *no*: emitting TFLite refuses the graph and names the node.
- **int8**: *yes*: has an int8 kernel and runs on it in a quantised graph where its weights and settings are constants; *float*: runs on real numbers
  between DEQUANTIZE and QUANTIZE; *-*: not a matter of numbers, or not in TFLite.

| operator | kernel class | counts MACs | gradient | pruning | TFLite | int8 |
|---|---|---|---|---|---|---|
`;

/** A graph of one node whose inputs but the first are constants: all that the quantisation rules look at. */
function oneNode(op: OpType): Graph {
  const type = { dtype: "float32", shape: [1] } as const;
  const data = { dtype: "float32", shape: [1], data: new Float32Array(1) } as const;
  const value = (id: number): Value => ({ id, name: `v${id}`, type, ...(id === 1 || id === 2 ? { data } : {}) });
  return {
    name: op,
    inputs: [0],
    outputs: [3],
    nodes: [{ name: op, op, inputs: [0, 1, 2], outputs: [3], attrs: {} }],
    values: new Map([0, 1, 2, 3].map((id) => [id, value(id)])),
    metadata: {},
  };
}

function gradientOf(spec: OpSpec): string {
  if (spec.gradient === "not-differentiable") return "no";
  return (spec.gradient as unknown) === zeroRule ? "zero" : "yes";
}

function int8Of(op: OpType): string {
  if (OPS[op].kind === "quantization" || REMOVED.has(op) || LOWERINGS[op] === undefined) return "-";
  const graph = oneNode(op);
  return LOWERINGS[op].int8 && outputRule(graph, graph.nodes[0]!, MOBILE_SCHEME).kind !== "float" ? "yes" : "float";
}

function rowOf(op: OpType): string {
  const spec = OPS[op] as unknown as OpSpec;
  const tflite = REMOVED.has(op) ? "folded" : LOWERINGS[op] === undefined ? "no" : "yes";
  const pruning = spec.couple === "frozen" ? "frozen" : "follows";
  const cells = [op, spec.kind, spec.macs === undefined ? "" : "yes", gradientOf(spec), pruning, tflite, int8Of(op)];
  return `| ${cells.join(" | ")} |\n`;
}

/** The text of docs/SUPPORT.md. */
export function renderSupport(): string {
  const missing = OP_TYPES.filter((op) => LOWERINGS[op] === undefined && !REMOVED.has(op));
  return `${introduction}${OP_TYPES.map(rowOf).join("")}
${OP_TYPES.length} operators, ${OP_TYPES.length - missing.length} of them in TFLite. Limits of single forms (a dilated and strided convolution, say) are errors that name the
node and the remedy.
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL("../docs/SUPPORT.md", import.meta.url), renderSupport());
