import { lstat, realpath } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { EspalierError } from "../../src/diagnostics/index.ts";

/** A file that may be written. */
export interface Destination {
  readonly path: string;
  readonly format: "onnx" | "tflite";
}

/** The format by the ending of the path. Throws EspalierError "usage" for an unknown ending, "input" for a place that cannot be written. */
export async function checkDestination(request: {
  readonly from: string;
  readonly to: string;
  readonly force?: boolean;
}): Promise<Destination> {
  const { to: path } = request;
  const ending = extname(path).toLowerCase();
  if (path === "" || path.includes("\0") || (ending !== ".onnx" && ending !== ".tflite")) {
    throw new EspalierError("usage", `The ending "${ending}" of the output names no format`, {
      where: path,
      hint: "End it with .onnx or .tflite.",
    });
  }
  const folder = await lstat(dirname(path)).catch(() => null);
  if (folder === null)
    throw new EspalierError("input", "The folder of the output does not exist", {
      where: dirname(path),
      hint: "Create it first.",
    });
  const facts = await lstat(path).catch(() => null);
  if (facts?.isDirectory() === true)
    throw new EspalierError("input", "The output is a folder, a file is needed", { where: path });
  if (facts !== null) {
    const same = (await realpath(path).catch(() => path)) === (await realpath(request.from).catch(() => null));
    if (same)
      throw new EspalierError("usage", "The output is the input itself", {
        where: path,
        hint: "Give it another name.",
      });
    if (request.force !== true)
      throw new EspalierError("input", "The output exists already", {
        where: path,
        hint: "Replace it with --force, or give another name.",
      });
  }
  return { path, format: ending === ".onnx" ? "onnx" : "tflite" };
}
