import { EspalierError } from "../../../diagnostics/index.ts";
import type { TfNode } from "./node-def.ts";

/** Why whole families of operators cannot be read, by their names. */
const causes: readonly (readonly [RegExp, string])[] = [
  [/^(Stateless)?(While|If|Case)$|^(Enter|Exit|NextIteration|LoopCond|LoopBody)$|PartitionedCall$/, "control flow"],
  [/^TensorList|^TensorArray/, "lists of tensors"],
  [
    /^String|Strings?$|^AsString$|^RegexReplace$|^Substr$|^DecodeBase64|^EncodeBase64|Hash(Bucket|Table)|LookupTable|^InitializeTable/,
    "strings and tables",
  ],
  [/^Sparse|^Ragged/, "sparse and ragged tensors"],
  [/^Random|^Multinomial$|^TruncatedNormal$|^Stateless.*(Uniform|Normal)/, "random numbers"],
  [
    /^(Where|Unique|UniqueV2|NonMaxSuppression.*|DynamicPartition|DynamicStitch|ListDiff|Bincount|DenseBincount)$/,
    "shapes that depend on data",
  ],
  [/FFT|^(Complex|Real|Imag|ComplexAbs)$/, "complex numbers"],
];

function causeOf(op: string): string | null {
  return causes.find(([pattern]) => pattern.test(op))?.[1] ?? null;
}

/** Refuses a graph that has operators nobody reads: one error that names them all, by cause. */
export function refuseUnread(nodes: readonly TfNode[], isRead: (op: string) => boolean): void {
  const byCause = new Map<string, Set<string>>();
  for (const node of nodes) {
    if (isRead(node.op)) continue;
    const cause = causeOf(node.op) ?? "not in the operator table";
    byCause.set(cause, (byCause.get(cause) ?? new Set()).add(node.op));
  }
  if (byCause.size === 0) return;
  const list = [...byCause].map(([cause, names]) => `${[...names].sort().join(", ")} (${cause})`).join("; ");
  const first = nodes.find((node) => !isRead(node.op))!;
  throw new EspalierError("unsupported", `The model has operators that are not supported: ${list}`, {
    where: `node "${first.name}" (${first.op})`,
    hint: "Export the part of the model without them: text, tables and loops belong into the program around it.",
  });
}
