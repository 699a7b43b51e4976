import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { EspalierError } from "../diagnostics/index.ts";
import { sizeOf, type Tensor, tensor } from "../tensor/index.ts";
import { reshaped } from "./array-dataset.ts";
import type { Dataset } from "./dataset.ts";
import type { LoadOptions } from "./load-options.ts";
import { UNIT_NORMALISATION } from "./normalise.ts";

/** What a user's module answers for one split. */
export interface UserSplit {
  readonly sampleShape: readonly number[];
  readonly classes: readonly string[];
  /** One class index a sample. */
  readonly labels: ArrayLike<number>;
  /** The samples with the given indices after each other, ready for the model: indices.length x product of sampleShape numbers. */
  readonly batch: (indices: readonly number[]) => ArrayLike<number>;
}

/** The default export of a user's module. */
export type UserData = (options: {
  split: "train" | "test";
  sampleShape?: readonly number[];
}) => UserSplit | Promise<UserSplit>;

/** Whether a path names an ES module rather than a folder. */
export function isModule(path: string): boolean {
  return /\.m?js$/.test(path);
}

/** One split of the data that a user's ES module yields. The module is the user's own code: it runs with all rights of the process. */
export async function loadModuleDataset(path: string, options: LoadOptions): Promise<Dataset> {
  const make = await importModule(path);
  let made: unknown;
  try {
    made = await make({
      split: options.split,
      ...(options.sampleShape === undefined ? {} : { sampleShape: options.sampleShape }),
    });
  } catch (error) {
    throw new EspalierError("input", `The module failed: ${(error as Error).message}`, { where: path, cause: error });
  }
  const { sampleShape, classes, labels, batch } = checked(made, path);
  const size = sizeOf(sampleShape);
  return {
    name: path,
    sampleShape: reshaped(sampleShape, options.sampleShape, path),
    classes,
    length: labels.length,
    labels,
    normalisation: UNIT_NORMALISATION,
    batch: (indices): Tensor<"float32"> => {
      const values = batch(Array.from(indices));
      if (values.length !== indices.length * size) {
        throw new EspalierError(
          "input",
          `batch() gave ${values.length} numbers for ${indices.length} samples of [${sampleShape.join(", ")}]`,
          { where: path },
        );
      }
      const data = values instanceof Float32Array ? values : Float32Array.from(values);
      return tensor("float32", [indices.length, ...(options.sampleShape ?? sampleShape)], data);
    },
  };
}

async function importModule(path: string): Promise<UserData> {
  let exported: unknown;
  try {
    exported = ((await import(pathToFileURL(resolve(path)).href)) as { default?: unknown }).default;
  } catch (error) {
    throw new EspalierError("input", `The module cannot be loaded: ${(error as Error).message}`, {
      where: path,
      cause: error,
    });
  }
  if (typeof exported !== "function") {
    throw new EspalierError("input", "The module's default export is not a function", {
      where: path,
      hint: "Export default ({ split }) => ({ sampleShape, classes, labels, batch }).",
    });
  }
  return exported as UserData;
}

function checked(
  made: unknown,
  where: string,
): { sampleShape: readonly number[]; classes: readonly string[]; labels: Int32Array; batch: UserSplit["batch"] } {
  const { sampleShape, classes, labels, batch } = (made ?? {}) as Partial<UserSplit>;
  const wrong = (what: string) =>
    new EspalierError("input", what, { where, hint: "The function answers { sampleShape, classes, labels, batch }." });
  if (!Array.isArray(sampleShape) || sampleShape.some((dim) => !Number.isInteger(dim) || dim < 1))
    throw wrong("sampleShape is not a list of sizes");
  if (!Array.isArray(classes) || classes.length === 0 || classes.some((name) => typeof name !== "string"))
    throw wrong("classes is not a list of names");
  if (labels === undefined || typeof labels.length !== "number" || labels.length === 0)
    throw wrong("labels is empty or not a list");
  if (typeof batch !== "function") throw wrong("batch is not a function");
  const indices = Int32Array.from(labels);
  const bad = indices.findIndex((label, i) => label !== labels[i] || label < 0 || label >= classes.length);
  if (bad >= 0) throw wrong(`Sample ${bad} has label ${labels[bad]}, but there are ${classes.length} classes`);
  return { sampleShape, classes, labels: indices, batch };
}
