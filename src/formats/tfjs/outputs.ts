import type { FoldingBuilder } from "../../fold/index.ts";
import type { Graph, Value, ValueId } from "../../ir/index.ts";
import { DTYPES } from "../../tensor/index.ts";

/** An output of the file: its name there, and the value that it is. */
export interface NamedOutput {
  readonly name: string;
  readonly id: ValueId;
}

/** The boundary of a model that has been read. */
export interface Boundary {
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly NamedOutput[];
}

/** Sizes are int64 while reading; at the boundary they are TensorFlow.js's int32. Values that cannot bear the output's name get an Identity. */
function settled(builder: FoldingBuilder, { inputs, outputs }: Boundary): ValueId[] {
  const taken = new Set<ValueId>();
  return outputs.map(({ name, id }) => {
    const { type, data } = builder.value(id);
    const own =
      type.dtype === "int64"
        ? builder.node("Cast", [id], { to: DTYPES.int32.onnx }, { name })
        : taken.has(id) || inputs.includes(id) || data !== undefined
          ? builder.node("Identity", [id], {}, { name })
          : id;
    taken.add(own);
    return own;
  });
}

/** Names made distinct in order: "a", "a" and an input "b", "b" become "a", "a.1" and "b.1". */
export function distinctNames(names: readonly string[], taken: readonly string[]): string[] {
  const used = new Set(taken);
  return names.map((name) => {
    let own = name;
    for (let i = 1; used.has(own); i++) own = `${name}.${i}`;
    used.add(own);
    return own;
  });
}

/** The finished graph, its outputs under the names of the file (made distinct where it repeats them). */
export function finishGraph(builder: FoldingBuilder, boundary: Boundary): Graph {
  const inputNames = boundary.inputs.map((id) => builder.value(id).name);
  const names = distinctNames(
    boundary.outputs.map((output) => output.name),
    inputNames,
  );
  const ids = settled(builder, boundary);
  for (const id of ids) builder.output(id);
  const graph = builder.build();
  const wanted = new Map(ids.map((id, i) => [id, names[i]!]));
  const reserved = new Set([...names, ...inputNames]);
  const used = new Set([...graph.values.values()].map((value) => value.name));
  const renamed = (value: Value): string => {
    const own = wanted.get(value.id);
    if (own !== undefined || !reserved.has(value.name) || boundary.inputs.includes(value.id)) return own ?? value.name;
    // An inner value has an output's name: nobody outside knows it by that.
    const [fresh] = distinctNames([value.name], [...used]);
    used.add(fresh!);
    return fresh!;
  };
  const values = new Map<ValueId, Value>();
  for (const [id, value] of graph.values) values.set(id, { ...value, name: renamed(value) });
  return { ...graph, values };
}
