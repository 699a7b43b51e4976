import { z } from "zod";
import { EspalierError } from "../../../diagnostics/index.ts";
import { checked } from "../schema.ts";

const integer = z.union([z.number(), z.string()]);
const text = z.union([z.string(), z.array(z.int().min(0).max(255))]);
const type = z.union([z.string(), z.number()]);

const shape = z.object({
  dim: z
    .array(z.object({ size: integer.nullish() }))
    .max(32)
    .nullish(),
  unknownRank: z.boolean().nullish(),
});

const list = z.object({
  s: z.array(text).nullish(),
  i: z.array(integer).nullish(),
  f: z.array(z.number()).nullish(),
  type: z.array(type).nullish(),
});

const attribute = z.object({
  s: text.nullish(),
  i: integer.nullish(),
  f: z.union([z.number(), z.string()]).nullish(),
  b: z.boolean().nullish(),
  type: type.nullish(),
  shape: shape.nullish(),
  list: list.nullish(),
});

const node = z.object({
  name: z.string().min(1),
  op: z.string().min(1),
  input: z.array(z.string()).nullish(),
  attr: z.record(z.string(), attribute).nullish(),
});

const topology = z.object({ node: z.array(node).min(1).max(500_000) });

export type TfShape = z.infer<typeof shape>;
type Attribute = z.infer<typeof attribute>;

/** One output of a node. */
export interface TfEdge {
  readonly node: string;
  readonly output: number;
}

/** A TensorFlow NodeDef. Control edges order side effects, of which there are none here, but also say which branch a constant belongs to. */
export interface TfNode {
  readonly name: string;
  readonly op: string;
  /** Data edges, in order. */
  readonly inputs: readonly TfEdge[];
  /** Names of the nodes at the other end of its control edges. */
  readonly controls: readonly string[];
  readonly attrs: ReadonlyMap<string, Attribute>;
}

/** "name:1" is output 1 of a node, "name" its output 0 (TensorFlow, NodeDef.input). */
export function edgeOf(reference: string): TfEdge {
  const match = /^(.*):(\d{1,4})$/.exec(reference);
  return match === null ? { node: reference, output: 0 } : { node: match[1]!, output: Number(match[2]) };
}

/** The nodes of a GraphModel's topology by name, in file order. Throws EspalierError "input" when the structure is wrong. */
export function parseNodes(value: unknown): ReadonlyMap<string, TfNode> {
  const nodes = new Map<string, TfNode>();
  for (const def of checked(topology, value, "model.json.modelTopology").node) {
    if (nodes.has(def.name))
      throw new EspalierError("input", "Two nodes have this name", { where: `node "${def.name}"` });
    nodes.set(def.name, {
      name: def.name,
      op: def.op,
      inputs: (def.input ?? []).filter((input) => !input.startsWith("^")).map(edgeOf),
      controls: (def.input ?? []).filter((input) => input.startsWith("^")).map((input) => edgeOf(input.slice(1)).node),
      attrs: new Map(Object.entries(def.attr ?? {})),
    });
  }
  return nodes;
}

function decodeText(value: z.infer<typeof text>): string {
  return typeof value === "string" ? Buffer.from(value, "base64").toString("utf8") : String.fromCharCode(...value);
}

function wholeNumber(value: string | number, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw new EspalierError("input", `${what} must be an integer, got ${JSON.stringify(value)}`);
  return number;
}

/** Typed access to the attributes of a node; a missing one has the default that is given. */
export interface AttributeReader {
  int(name: string, fallback: number): number;
  float(name: string, fallback: number): number;
  bool(name: string, fallback: boolean): boolean;
  text(name: string, fallback: string): string;
  ints(name: string): readonly number[];
  texts(name: string): readonly string[];
  /** A TensorFlow type, such as "DT_FLOAT", or null when the node has no such attribute. */
  type(name: string): string | null;
  shape(name: string): TfShape | null;
}

/** TensorFlow's numbers of the types that a TF.js model holds (types.proto). */
const typeNames: Readonly<Record<number, string>> = {
  1: "DT_FLOAT",
  2: "DT_DOUBLE",
  3: "DT_INT32",
  4: "DT_UINT8",
  6: "DT_INT8",
  7: "DT_STRING",
  9: "DT_INT64",
  10: "DT_BOOL",
  19: "DT_HALF",
};

/** A type as TensorFlow names it. */
export function typeName(value: string | number): string {
  return typeof value === "string" ? value : (typeNames[value] ?? `DataType ${value}`);
}

export function attributesOf(node: TfNode): AttributeReader {
  const of = (name: string) => node.attrs.get(name);
  const what = (name: string) => `Attribute "${name}"`;
  return {
    int: (name, fallback) => {
      const value = of(name)?.i;
      return value === undefined || value === null ? fallback : wholeNumber(value, what(name));
    },
    float: (name, fallback) => {
      const value = of(name)?.f;
      return value === undefined || value === null ? fallback : Number(value);
    },
    bool: (name, fallback) => of(name)?.b ?? fallback,
    text: (name, fallback) => {
      const value = of(name)?.s;
      return value === undefined || value === null ? fallback : decodeText(value);
    },
    ints: (name) => (of(name)?.list?.i ?? []).map((value) => wholeNumber(value, what(name))),
    texts: (name) => (of(name)?.list?.s ?? []).map(decodeText),
    type: (name) => {
      const value = of(name)?.type;
      return value === undefined || value === null ? null : typeName(value);
    },
    shape: (name) => of(name)?.shape ?? null,
  };
}
