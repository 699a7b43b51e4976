import type * as tf from "@tensorflow/tfjs-core";
import { einsumAsMatMul } from "./einsum-kernel.ts";

type Values = Float32Array | Int32Array | Uint8Array;
type Arguments = Parameters<tf.KernelFunc>[0];
type Result = ReturnType<tf.KernelFunc>;

/** The storage that both backends share as an interface: values in, values out, by id. */
interface Store {
  write(values: Values | null, shape: number[], dtype: tf.DataType): object;
  readSync(dataId: object): Values;
  disposeData(dataId: object): void;
}

/** One operator on the plain CPU backend, over values of the WebAssembly one. */
function onCpu(core: typeof tf, kernel: tf.KernelFunc, { inputs, backend, attrs }: Arguments): Result {
  const wasm = backend as unknown as Store;
  const cpu = core.engine().findBackend("cpu") as unknown as Store;
  const move = ({ dataId, shape, dtype }: tf.TensorInfo): tf.TensorInfo => ({
    dataId: cpu.write(wasm.readSync(dataId), shape, dtype),
    shape,
    dtype,
  });
  // Operators of any number of inputs get a list, whatever the declared type says; absent operands are left out.
  const given = inputs as tf.NamedTensorInfoMap | readonly tf.TensorInfo[];
  const present = Object.entries(given).filter(([, info]) => info !== undefined && info !== null);
  const moved = (
    Array.isArray(given)
      ? given.map(move)
      : Object.fromEntries(present.map(([key, info]) => [key, move(info as tf.TensorInfo)]))
  ) as tf.NamedTensorInfoMap;
  const output = kernel({ inputs: moved, backend: cpu, ...(attrs === undefined ? {} : { attrs }) });
  const outputs = [output].flat();
  const results = outputs.map(({ dataId, shape, dtype }) => ({
    dataId: wasm.write(cpu.readSync(dataId), shape, dtype),
    shape,
    dtype,
  }));
  for (const { dataId } of [...Object.values(moved), ...outputs] as tf.TensorInfo[]) cpu.disposeData(dataId);
  return Array.isArray(output) ? results : results[0]!;
}

type Wrong = (inputs: Readonly<Record<string, tf.TensorInfo>>, attrs: Readonly<Record<string, unknown>>) => boolean;

/** Cases in which the WebAssembly backend 4.22.0 answers wrongly: compared with the plain CPU backend and with ONNX Runtime. */
const wrongOnWasm: Readonly<Record<string, Wrong>> = {
  Cast: (_, attrs) => attrs.dtype === "bool", // 2 stays 2
  GatherV2: (_, attrs) => Number(attrs.batchDims ?? 0) > 0, // batches after the first read elsewhere
  OneHot: (_, attrs) => attrs.dtype === "float32", // writes the bits of integers
  _FusedMatMul: ({ a, b }) => a!.shape[0] !== 1 || b!.shape[0] !== 1, // the bias is read beyond its end
};

function einsum(core: typeof tf, { inputs, backend, attrs }: Arguments): tf.TensorInfo | null {
  const infos = Object.values(inputs) as tf.TensorInfo[];
  const tensors = infos.map((info) => {
    // The handle made here is disposed of with its scope: without a reference of its own it would take the caller's values along.
    (backend as unknown as { incRef(dataId: object): void }).incRef(info.dataId);
    return core.engine().makeTensorFromTensorInfo(info);
  });
  return einsumAsMatMul(core, tensors, String(attrs?.equation ?? ""));
}

/**
 * Lets the WebAssembly backend compute on the plain CPU one what it lacks (an operator, or a case of one that it refuses or
 * gets wrong), so that one such node does not make a whole model run on plain JavaScript.
 */
export function borrowKernels(core: typeof tf): void {
  for (const { kernelName, kernelFunc } of core.getKernelsForBackend("cpu")) {
    const own = core.getKernel(kernelName, "wasm");
    if (own !== undefined) core.unregisterKernel(kernelName, "wasm");
    core.registerKernel({
      kernelName,
      backendName: "wasm",
      kernelFunc: (given) => {
        const product = kernelName === "Einsum" ? einsum(core, given) : null;
        if (product !== null) return product;
        const wrong =
          wrongOnWasm[kernelName]?.(given.inputs as Record<string, tf.TensorInfo>, given.attrs ?? {}) ?? false;
        if (own === undefined || wrong) return onCpu(core, kernelFunc, given);
        try {
          return own.kernelFunc(given);
        } catch {
          return onCpu(core, kernelFunc, given);
        }
      },
    });
  }
}
