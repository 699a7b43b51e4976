/** The part of docs/SUPPORT.md on what the readers take besides the operator table itself. */
import { DECOMPOSITIONS, MICROSOFT } from "../src/formats/onnx/decompose/registry.ts";
import { UPGRADES } from "../src/formats/onnx/upgrade/registry.ts";
import { GRAPH_OPERATORS } from "../src/formats/tfjs/graph/readers.ts";
import { TFLITE_READ } from "../src/formats/tflite/read/index.ts";
import { isOpType, OP_TYPES, REFUSED } from "../src/ops/index.ts";

const fromTflite = new Set(Object.values(TFLITE_READ).flat());

/** Whether some TFLite operator is read as an operator of the table. */
export function isReadFromTflite(op: string): boolean {
  return fromTflite.has(op);
}

function listed(names: Iterable<string>): string {
  return [...names].sort().join(", ");
}

const becomes = Object.entries(TFLITE_READ).map(([name, gives]) => `| ${name} | ${gives.join(", ") || "-"} |\n`);
const decomposed = new Set([...DECOMPOSITIONS.keys(), ...UPGRADES.keys()].filter((op) => !isOpType(op)));
const reasons = new Map<string, string[]>();
for (const [op, reason] of Object.entries(REFUSED)) reasons.set(reason, [...(reasons.get(reason) ?? []), op]);

/** How many operators each reader takes, for the top of the page. */
export const readerCounts = `The ONNX reader takes all ${OP_TYPES.length}, ${decomposed.size} more of the standard domain and ${MICROSOFT.size} of ONNX Runtime's own domain, which it writes as nodes of
the table; the TFLite reader takes ${Object.keys(TFLITE_READ).length} operators, the TensorFlow.js graph reader ${GRAPH_OPERATORS.length}.`;

/** The sections below the table. */
export const readerSections = `## Read as nodes of the table

- ONNX, standard domain: ${listed(decomposed)}; \`Constant\` becomes data; \`If\`, \`Loop\`, \`Scan\` and model functions are inlined where that is possible.
- ONNX, \`com.microsoft\`: ${listed(MICROSOFT.keys())}.
- TensorFlow.js GraphModel: ${GRAPH_OPERATORS.join(", ")}.

## Refused, with the reason

${[...reasons].map(([reason, ops]) => `- ${ops.join(", ")}: ${reason}.\n`).join("")}
## TFLite operators

Each with the operators that it becomes, besides Transpose around what needs another layout, QuantizeLinear and DequantizeLinear around what is quantised, and fused
activations. Custom operators go by their code.

| TFLite | becomes |
|---|---|
${becomes.join("")}`;
