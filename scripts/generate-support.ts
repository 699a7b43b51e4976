/** Writes docs/SUPPORT.md, the table of operators, from their declarations: npm run generate:support */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { COMPOSED } from "../src/formats/tflite/legalise/index.ts";
import { LOWERINGS } from "../src/formats/tflite/ops/index.ts";
import type { Graph, Value } from "../src/ir/index.ts";
import { zeroRule } from "../src/ops/gradient-elementwise.ts";
import { IR_OPSET, OP_TYPES, OPS, type OpSpec, type OpType } from "../src/ops/index.ts";
import { MOBILE_SCHEME, outputRule } from "../src/quantize/index.ts";
import { isReadFromTflite, readerCounts, readerSections } from "./support-readers.ts";

/** Operators that the TFLite writer removes: they compute nothing there, or become a tensor's quantisation. */
const REMOVED: ReadonlySet<string> = new Set(["Identity", "Dropout", "DequantizeLinear"]);

const inTflite = OP_TYPES.filter((op) => LOWERINGS[op] !== undefined || COMPOSED.has(op) || REMOVED.has(op));

const introduction = `# Operators

${OP_TYPES.length} operators are in the table, ${inTflite.length} of them can be written as TFLite. ${readerCounts}

This page is generated from the operator table (\`src/ops\`), the readers (\`src/formats\`), the TFLite lowerings (\`src/formats/tflite/ops\`) and the quantisation
rules (\`src/quantize\`) by \`npm run generate:support\`; a test keeps it fresh. Names and semantics are ONNX's at opset ${IR_OPSET}; files of opset 1 to 23 are
brought there when they are read.

Every operator in the table is read, written, type-checked and run as ONNX. An operator that is neither in it nor below it is refused by name. Limits of single
forms (a dilated and strided convolution in TFLite, say) are errors that name the node and the remedy.

- **gradient**: *yes*; *zero* where the derivative is 0 almost everywhere; *no*: there is none; *not yet*: there is one, which is not written. Behind *no* and
  *not yet* no weight can be trained.
- **pruning**: *follows*: a cut of channels passes through it, or it says per axis why not (\`docs/coupling.md\`); *frozen*: whatever it touches keeps its size.
- **TFLite**: *yes*; *composed*: of others (\`docs/tflite.md\`); *folded*: needs no operator there; *no*: emitting TFLite refuses the graph and names the node.
- **int8**: *yes*: has an int8 kernel and runs on it in a quantised graph where its weights and settings are constants; *float*: runs on real numbers
  between DEQUANTIZE and QUANTIZE; *-*: not a matter of numbers, or not in TFLite.
- **from TFLite**: *yes*: some operator of a TFLite file becomes it, alone or with others (listed at the end).

| operator | kernel class | counts MACs | gradient | pruning | TFLite | int8 | from TFLite |
|---|---|---|---|---|---|---|---|
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
  if (spec.gradient === "not-written") return "not yet";
  return (spec.gradient as unknown) === zeroRule ? "zero" : "yes";
}

function int8Of(op: OpType): string {
  if (OPS[op].kind === "quantization" || REMOVED.has(op)) return "-";
  if (LOWERINGS[op] === undefined) return COMPOSED.has(op) ? "float" : "-";
  const graph = oneNode(op);
  return LOWERINGS[op].int8 && outputRule(graph, graph.nodes[0]!, MOBILE_SCHEME).kind !== "float" ? "yes" : "float";
}

function rowOf(op: OpType): string {
  const spec = OPS[op] as unknown as OpSpec;
  const tflite = REMOVED.has(op)
    ? "folded"
    : LOWERINGS[op] !== undefined
      ? "yes"
      : COMPOSED.has(op)
        ? "composed"
        : "no";
  const pruning = spec.couple === "frozen" ? "frozen" : "follows";
  const cells = [op, spec.kind, spec.macs === undefined ? "" : "yes", gradientOf(spec), pruning, tflite, int8Of(op)];
  cells.push(isReadFromTflite(op) ? "yes" : "");
  return `| ${cells.join(" | ")} |\n`;
}

/** The text of docs/SUPPORT.md. */
export function renderSupport(): string {
  return `${introduction}${OP_TYPES.map(rowOf).join("")}
${readerSections}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL("../docs/SUPPORT.md", import.meta.url), renderSupport());
