import { EspalierError } from "../../src/diagnostics/index.ts";
import { readOnnx, writeOnnx } from "../../src/formats/onnx/index.ts";
import { type Graph, valueById } from "../../src/ir/index.ts";
import { openOrt } from "../../src/runtimes/onnxruntime.ts";
import { sizeOf, type Tensor, toNumbers } from "../../src/tensor/index.ts";
import { type BackendCase, readCase } from "./onnx-backend-files.ts";

/** Tolerances of ONNX's own backend runner (onnx/backend/test/loader, `rtol` and `atol`): |a - b| <= atol + rtol * |b|. */
export const RELATIVE = 1e-3;
export const ABSOLUTE = 1e-7;

/**
 * passed: read, written, run, and equal. bound: the same, with operands that the test feeds (shapes, axes, sizes) bound to their values, because the
 * IR wants them constant. refused: Espalier says why not. runtime: ONNX Runtime does not pass the original model either. failed: none of these.
 */
export type CaseStatus = "passed" | "bound" | "refused" | "runtime" | "failed";

export interface CaseResult {
  readonly name: string;
  readonly status: CaseStatus;
  /** Operators of the model's main graph. */
  readonly operators: readonly string[];
  /** Why, for all but "passed". */
  readonly reason: string;
}

function why(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The first difference between two sets of outputs, or null. */
export function difference(
  expected: ReadonlyMap<string, Tensor>,
  actual: Readonly<Record<string, Tensor>>,
): string | null {
  for (const [name, want] of expected) {
    const got = actual[name];
    if (got === undefined) return `output "${name}" is absent`;
    const types = [want, got].map(({ dtype, shape }) => `${dtype}[${shape.join(", ")}]`);
    if (types[0] !== types[1]) return `output "${name}" is ${types[1]}, expected ${types[0]}`;
    const [a, b] = [toNumbers(got), toNumbers(want)];
    const at = a.findIndex((value, i) => !close(value, b[i]!));
    if (at >= 0) return `output "${name}"[${at}] is ${a[at]}, expected ${b[at]}`;
  }
  return null;
}

function close(a: number, b: number): boolean {
  return (
    Object.is(a, b) ||
    a === b ||
    (Number.isNaN(a) && Number.isNaN(b)) ||
    Math.abs(a - b) <= ABSOLUTE + RELATIVE * Math.abs(b)
  );
}

async function runOn(model: Graph | Uint8Array, inputs: ReadonlyMap<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await openOrt(model, { threads: 1, optimise: "basic" });
  try {
    const feeds = [...inputs].filter(([name]) => session.inputNames.includes(name));
    return await session.run(Object.fromEntries(feeds));
  } finally {
    await session.close();
  }
}

/** What ONNX Runtime makes of the original: null when it passes. */
async function originalFailure({ bytes, inputs, outputs }: BackendCase): Promise<string | null> {
  try {
    return difference(outputs, await runOn(bytes, inputs));
  } catch (error) {
    return why(error);
  }
}

/** Inputs small enough to be shapes, axes and the like: all of them but the first, which is data as a rule, or all. */
function operandsOf({ inputs }: BackendCase, from: number): Record<string, readonly number[]> {
  const small = [...inputs].slice(from).filter(([, t]) => t.shape.length <= 1 && sizeOf(t.shape) <= 64);
  return Object.fromEntries(small.map(([name, t]) => [name, Array.from(toNumbers(t))]));
}

/** Reads a test's model; where operands that the test feeds must be constant, bound to their values. */
function read(test: BackendCase): { graph: Graph; bound: boolean } {
  const open = (test.model.graph?.input ?? []).filter(
    ({ type }) =>
      type?.value.case === "tensorType" &&
      type.value.value.shape?.dim.some(({ value }) => value.case !== "dimValue" || value.value === 0n),
  );
  const inputShapes = Object.fromEntries(open.map(({ name }) => [name, test.inputs.get(name)!.shape]));
  try {
    return { graph: readOnnx(test.bytes, { name: test.name, inputShapes }), bound: false };
  } catch (error) {
    for (const from of [1, 0]) {
      const inputValues = operandsOf(test, from);
      if (Object.keys(inputValues).length === 0) continue;
      try {
        return { graph: readOnnx(test.bytes, { name: test.name, inputShapes, inputValues }), bound: true };
      } catch (again) {
        if (!(again instanceof EspalierError)) throw again;
      }
    }
    throw error;
  }
}

/** Runs one test of the suite: reader, writer, ONNX Runtime, expected outputs. */
export async function runCase(suite: string, name: string): Promise<CaseResult> {
  let test: BackendCase;
  try {
    test = readCase(suite, name);
  } catch (error) {
    return { name, status: "refused", operators: [], reason: why(error) };
  }
  return checkCase(test);
}

/** The same for a test in memory. */
export async function checkCase(test: BackendCase): Promise<CaseResult> {
  const operators = [...new Set((test.model.graph?.node ?? []).map((node) => node.opType))];
  const result = (status: CaseStatus, reason = ""): CaseResult => ({ name: test.name, status, operators, reason });
  let graph: Graph;
  let bound: boolean;
  try {
    ({ graph, bound } = read(test));
  } catch (error) {
    const refused = error instanceof EspalierError && error.code !== "internal";
    const original = refused ? await originalFailure(test) : null;
    return original === null ? result(refused ? "refused" : "failed", why(error)) : result("runtime", original);
  }
  let reason: string | null;
  try {
    const names = graph.outputs.map((id) => valueById(graph, id).name);
    const missing = [...test.outputs.keys()].find((name) => !names.includes(name));
    reason =
      missing === undefined
        ? difference(test.outputs, await runOn(writeOnnx(graph), test.inputs))
        : `no output "${missing}"`;
  } catch (error) {
    reason = why(error);
  }
  if (reason === null) return result(bound ? "bound" : "passed");
  const original = await originalFailure(test);
  return original === null ? result("failed", reason) : result("runtime", original);
}
