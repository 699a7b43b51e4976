import { create, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "../formats/onnx/codec/generated/onnx_pb.ts";
import { float32 } from "../tensor/index.ts";
import { openOrt } from "./onnxruntime.ts";

/** The domain of ONNX Runtime's own operators on blocked tensors [N, C/b, H, W, b] (contrib_ops/cpu/nchwc_ops.cc), into which it puts convolutions whose weights are constant. */
export const BLOCKED_DOMAIN = "com.microsoft.nchwc";

/** More than any processor's block. */
const CHANNELS = 64;

/** A model of one node that brings [1, CHANNELS, 1, 2] into the blocked layout. */
function reorderingModel(): Uint8Array {
  const shape = [1, CHANNELS, 1, 2].map((size) => ({ value: { case: "dimValue", value: BigInt(size) } as const }));
  const type = { value: { case: "tensorType", value: { elemType: 1, shape: { dim: shape } } } as const };
  const model = create(ModelProtoSchema, {
    irVersion: 9n,
    opsetImport: [
      { domain: "", version: 20n },
      { domain: BLOCKED_DOMAIN, version: 1n },
    ],
    graph: {
      name: "probe",
      node: [{ opType: "ReorderInput", domain: BLOCKED_DOMAIN, name: "reorder", input: ["x"], output: ["y"] }],
      input: [{ name: "x", type }],
      output: [{ name: "y", type }],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

async function measured(): Promise<number> {
  try {
    const session = await openOrt(reorderingModel(), { threads: 1 });
    const numbers = Float32Array.from({ length: 2 * CHANNELS }, (_, i) => i);
    const { y } = await session.run({ x: float32([1, CHANNELS, 1, 2], numbers) });
    await session.close();
    // The block of the first position, which has even numbers, ends where the second position begins.
    const block = (y!.data as Float32Array).indexOf(1);
    return block > 1 && CHANNELS % block === 0 ? block : 1;
  } catch {
    // A processor (or build) without these kernels.
    return 1;
  }
}

let known: Promise<number> | null = null;

/** Channels in a block of ONNX Runtime's blocked layout on this processor (16 with AVX-512, 8 with AVX); 1 where it has none. Asked of ONNX Runtime once. */
export function blockSize(): Promise<number> {
  known ??= measured();
  return known;
}
