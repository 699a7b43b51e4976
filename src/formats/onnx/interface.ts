import { EspalierError, suggestion } from "../../diagnostics/index.ts";
import type { Dim, TensorType } from "../../ir/index.ts";
import { fromNumbers, sizeOf, type Tensor } from "../../tensor/index.ts";
import type { TensorShapeProto_Dimension, ValueInfoProto } from "./codec/generated/onnx_pb.ts";
import { valueType } from "./element-types.ts";

/** What a caller says of the inputs of a model. */
export interface InterfaceOptions {
  /** Shapes for inputs whose sizes the file leaves open; a string stays symbolic. */
  readonly inputShapes?: Readonly<Record<string, readonly Dim[]>>;
  /** Values of inputs that become constants: the model then has these inputs no more. */
  readonly inputValues?: Readonly<Record<string, number | boolean | readonly number[]>>;
}

/** The symbol of the batch. */
const BATCH = "N";

/** An input as the graph will have it. */
export interface ReadInput {
  readonly name: string;
  readonly type: TensorType;
  /** Its value, when the caller binds it. */
  readonly value: Tensor | null;
}

/** How a file writes a size: a number, a name, or nothing. */
function statedSize(dim: TensorShapeProto_Dimension): number | string | null {
  const { value } = dim;
  if (value.case === "dimParam") return value.value === "" ? null : value.value;
  // Sizes of 0 and -1 are how some exporters write an open one.
  return value.case === "dimValue" && value.value > 0n ? Number(value.value) : null;
}

interface StatedInput {
  readonly name: string;
  readonly where: string;
  readonly dtype: TensorType["dtype"];
  /** Null: not even the rank is stated. */
  readonly dims: readonly (number | string | null)[] | null;
}

function stated(info: ValueInfoProto): StatedInput {
  const where = `input "${info.name}"`;
  const type = info.type?.value;
  if (type?.case !== "tensorType")
    throw new EspalierError("unsupported", "Only tensor inputs are supported (no sequences, maps or optionals)", {
      where,
      hint: "Export the model with tensors as inputs.",
    });
  const dims = type.value.shape?.dim.map(statedSize) ?? null;
  return { name: info.name, where, dtype: valueType(type.value.elemType, where), dims };
}

/** A size that the caller gave for a name is that size wherever the file has the name. */
function bindNames(inputs: readonly StatedInput[], shapes: Readonly<Record<string, readonly Dim[]>>): Map<string, Dim> {
  const sizes = new Map<string, Dim>();
  for (const { name, dims, where } of inputs) {
    const given = Object.hasOwn(shapes, name) ? shapes[name]! : undefined;
    if (given === undefined || dims === null) continue;
    if (given.length !== dims.length)
      throw new EspalierError("usage", `The input has ${dims.length} axes, ${given.length} sizes were given`, {
        where,
      });
    given.forEach((size, axis) => {
      const own = dims[axis];
      if (typeof own === "number" && own !== size)
        throw new EspalierError("usage", `Size ${axis} is ${own} in the file, ${size} was given`, {
          where,
          hint: "Only sizes that the file leaves open can be chosen.",
        });
      if (typeof own === "string" && !sizes.has(own)) sizes.set(own, size);
    });
  }
  return sizes;
}

function checkSize(size: Dim, axis: number, where: string): Dim {
  if (typeof size === "string" || (Number.isInteger(size) && size >= 0 && size <= 2 ** 31)) return size;
  throw new EspalierError("input", `Size ${axis} is ${size}: it must be from 0 to 2147483648`, { where });
}

function openSize(input: StatedInput, axis: number): never {
  const own = input.dims![axis];
  const example = input.dims!.map((dim, i) =>
    typeof dim === "number" ? dim : i === 0 ? 1 : i === axis ? "SIZE" : "…",
  );
  throw new EspalierError(
    "input",
    `Size ${axis} of this input is open (${typeof own === "string" ? `"${own}"` : "not stated"})`,
    { where: input.where, hint: `Choose it: --input ${input.name}:${example.join(",")}` },
  );
}

function shapeOf(
  input: StatedInput,
  given: readonly Dim[] | undefined,
  named: ReadonlyMap<string, Dim>,
  batch: Dim,
): Dim[] {
  if (input.dims === null && given === undefined)
    throw new EspalierError("input", "The file does not state how many axes this input has", {
      where: input.where,
      hint: `Choose its shape: --input ${input.name}:SIZE,SIZE`,
    });
  if (given !== undefined) return given.map((size, axis) => checkSize(size, axis, input.where));
  return input.dims!.map((own, axis) => {
    if (typeof own === "number") return checkSize(own, axis, input.where);
    if (own !== null && named.has(own)) return named.get(own)!;
    return axis === 0 ? batch : openSize(input, axis);
  });
}

/** A bound value as a tensor of the input's type; a number fills an input of one element. */
function boundValue(type: TensorType, value: number | boolean | readonly number[], where: string): Tensor {
  const shape = type.shape.map((dim) => (typeof dim === "number" ? dim : 1));
  const numbers = Array.isArray(value) ? (value as readonly number[]) : [Number(value)];
  if (numbers.length !== sizeOf(shape))
    throw new EspalierError(
      "usage",
      `The input has ${sizeOf(shape)} elements (shape [${shape.join(", ")}]), ${numbers.length} were given`,
      { where, hint: "Bind only small inputs that decide what the model does." },
    );
  if (numbers.some((number) => !Number.isFinite(number) || (type.dtype.includes("int") && !Number.isInteger(number))))
    throw new EspalierError("usage", `[${numbers.join(", ")}] is not a value of type ${type.dtype}`, { where });
  return fromNumbers(type.dtype, shape, numbers);
}

function checkNames(what: string, given: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  for (const name of Object.keys(given))
    if (!known.includes(name))
      throw new EspalierError("usage", `The model has no input "${name}" to ${what}`, {
        hint: suggestion(name, known),
      });
}

/**
 * The inputs of a model with their shapes complete: an open first size becomes the batch's symbol (or `batch` where it is given, and wherever the
 * file uses the same name for it); any other open size must be given, and is refused with the input, the axis and the remedy.
 */
export function readInterface(
  infos: readonly ValueInfoProto[],
  options: InterfaceOptions,
  batch: Dim = BATCH,
): ReadInput[] {
  const { inputShapes = {}, inputValues = {} } = options;
  const inputs = infos.map(stated);
  const names = inputs.map(({ name }) => name);
  checkNames("give a shape to", inputShapes, names);
  checkNames("bind", inputValues, names);
  const named = bindNames(inputs, inputShapes);
  if (batch !== BATCH)
    for (const { dims } of inputs) {
      const own = dims?.[0];
      if (typeof own === "string" && !named.has(own)) named.set(own, batch);
    }
  return inputs.map((input) => {
    const { name, dtype, where } = input;
    const given = Object.hasOwn(inputShapes, name) ? inputShapes[name] : undefined;
    const bound = Object.hasOwn(inputValues, name) ? inputValues[name]! : undefined;
    const shape = shapeOf(input, given ?? (bound === undefined || input.dims !== null ? undefined : []), named, batch);
    const type = { dtype, shape };
    return { name, type, value: bound === undefined ? null : boundValue(type, bound, where) };
  });
}
