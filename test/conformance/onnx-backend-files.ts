import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import {
  type ModelProto,
  ModelProtoSchema,
  TensorProtoSchema,
} from "../../src/formats/onnx/codec/generated/onnx_pb.ts";
import { readTensor } from "../../src/formats/onnx/tensors.ts";
import type { Tensor } from "../../src/tensor/index.ts";

/** A test of the ONNX backend suite: a model, and what it must give for what. */
export interface BackendCase {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly model: ModelProto;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly outputs: ReadonlyMap<string, Tensor>;
}

function tensors(folder: string, kind: "input" | "output", names: readonly string[]): Map<string, Tensor> {
  const files = readdirSync(folder).filter((file) => file.startsWith(`${kind}_`)).length;
  const found = new Map<string, Tensor>();
  for (let i = 0; i < files; i++) {
    const bytes = readFileSync(join(folder, `${kind}_${i}.pb`));
    found.set(names[i] ?? `${i}`, readTensor(fromBinary(TensorProtoSchema, bytes), `${kind} ${i}`));
  }
  return found;
}

/** Reads one test; values that are no tensors of numbers (strings, sequences, optionals) are refused. */
export function readCase(suite: string, name: string): BackendCase {
  const folder = join(suite, name);
  const bytes = readFileSync(join(folder, "model.onnx"));
  const model = fromBinary(ModelProtoSchema, bytes);
  const infos = [...(model.graph?.input ?? []), ...(model.graph?.output ?? [])];
  const odd = infos.find(({ type }) => type?.value.case !== "tensorType");
  if (odd !== undefined) throw new Error(`"${odd.name}" is a sequence or an optional`);
  const set = join(folder, "test_data_set_0");
  const names = (list: readonly { name: string }[] = []) => list.map((info) => info.name);
  return {
    name,
    bytes,
    model,
    inputs: tensors(set, "input", names(model.graph?.input)),
    outputs: tensors(set, "output", names(model.graph?.output)),
  };
}

/** Names of the tests in a folder of the suite. */
export function listCases(suite: string): string[] {
  return readdirSync(suite, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.startsWith("test_"))
    .map((entry) => entry.name)
    .sort();
}
