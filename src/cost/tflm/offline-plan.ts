import { EspalierError } from "../../diagnostics/index.ts";
import type { MicroModel } from "./model.ts";

const NAME = "OfflineMemoryAllocation";

/**
 * Offsets of a plan stored in the file, one per tensor of all subgraphs in order, -1 where the tensor is planned online; null when the file holds none. The
 * metadata is int32: version, subgraph, count, offsets. Throws `input` when its count is not the number of tensors, as TFLM refuses it.
 */
export function offlinePlan(model: MicroModel): number[] | null {
  const entry = model.metadata?.find(({ name }) => name === NAME);
  if (entry === undefined) return null;
  const { bytes } = entry;
  const tensors = model.subgraphs.reduce((sum, subgraph) => sum + subgraph.tensors.length, 0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength >= 12 ? view.getInt32(8, true) : -1;
  if (count !== tensors || bytes.byteLength < 12 + 4 * tensors) {
    throw new EspalierError("input", `The offline memory plan is for ${count} tensors, the model has ${tensors}`, {
      where: `metadata ${NAME}`,
      hint: "Remove the metadata entry or plan again.",
    });
  }
  return Array.from({ length: tensors }, (_, i) => view.getInt32(12 + 4 * i, true));
}
