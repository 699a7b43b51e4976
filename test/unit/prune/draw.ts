import type { Graph, ValueId } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { findGroups, type PruneGroup, type PruneGroups } from "../../../src/prune/index.ts";
import { openOrt } from "../../../src/runtimes/index.ts";
import { float32, int64s, seededRandom, type Tensor } from "../../../src/tensor/index.ts";

/** A small vocabulary to draw graphs with: named weights with seeded values, and the operators that need inputs made of integers. */
export function draw(name: string) {
  const builder = newBuilder(name);
  const random = seededRandom(1, name);
  const weight = (label: string, ...shape: number[]): ValueId =>
    builder.constant(
      label,
      float32(
        shape,
        Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.1 + random.next()),
      ),
    );
  const ints = (...values: number[]): ValueId => builder.constant("shape", int64s(values));
  const node = (op: string, inputs: (ValueId | null)[], attrs = {}, label = op): ValueId =>
    builder.node(op, inputs, attrs, { name: label });
  const channels = (id: ValueId): number => builder.value(id).type.shape[1] as number;
  return {
    builder,
    weight,
    ints,
    node,
    input: (...shape: (number | string)[]) => builder.input("x", { dtype: "float32", shape }),
    conv: (x: ValueId, label: string, out: number, { kernel = 1, group = 1 } = {}): ValueId => {
      const pad = (kernel - 1) / 2;
      const w = weight(`${label}.w`, out, channels(x) / group, kernel, kernel);
      return node("Conv", [x, w, weight(`${label}.b`, out)], { group, pads: [pad, pad, pad, pad] }, label);
    },
    norm: (x: ValueId, label: string): ValueId => {
      const c = channels(x);
      const parts = ["scale", "bias", "mean", "var"].map((part) => weight(`${label}.${part}`, c));
      return node("BatchNormalization", [x, ...parts], {}, label);
    },
    /** Pooled classifier with `classes` outputs. */
    head: (x: ValueId, classes = 3): ValueId => {
      const pooled = node("Flatten", [node("GlobalAveragePool", [x])]);
      return node("Gemm", [pooled, weight("fc.w", classes, channels(x)), weight("fc.b", classes)], { transB: 1 }, "fc");
    },
    done: (...outputs: ValueId[]): Graph => {
      for (const id of outputs) builder.output(id);
      return builder.build();
    },
  };
}

/** One line a group: `members | size`, with the kind of rows stated. */
export function groupLines(groups: PruneGroups): string[] {
  return groups.groups.map((g) => `${g.kind === "rows" ? "rows: " : ""}${g.texts.join(", ")} | ${g.size}`);
}

export function frozenLines(groups: PruneGroups): string[] {
  return groups.frozen.map((f) => `${f.name}[${f.axis}] ${f.reason}`);
}

export function groupsOf(graph: Graph): PruneGroups {
  return findGroups(graph);
}

export function groupNamed(groups: PruneGroups, name: string): PruneGroup {
  const group = groups.groups.find((g) => g.name === name);
  if (group === undefined)
    throw new Error(`no group ${name}; there are ${groups.groups.map((g) => g.name).join(", ")}`);
  return group;
}

/** Runs a graph in ONNX Runtime. */
export async function run(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const session = await openOrt(graph, { threads: 1, optimise: "basic" });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

/** Normal values for the input x, batch 2. */
export function feedsOf(graph: Graph): Record<string, Tensor> {
  const random = seededRandom(2, "feeds");
  const feeds: Record<string, Tensor> = {};
  for (const id of graph.inputs) {
    const { name, type } = graph.values.get(id)!;
    const shape = type.shape.map((dim) => (typeof dim === "number" ? dim : 2));
    const size = shape.reduce((a, b) => a * b, 1);
    feeds[name] = float32(
      shape,
      Array.from({ length: size }, () => random.normal()),
    );
  }
  return feeds;
}

/** Shape of a constant by name. */
export function weightShape(graph: Graph, name: string): readonly (number | string)[] {
  for (const value of graph.values.values()) if (value.name === name) return value.type.shape;
  throw new Error(`no value ${name}`);
}
