import { EspalierError } from "../../../diagnostics/index.ts";
import type { FoldingBuilder } from "../../../fold/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import type { Weights } from "../weights.ts";

/** The weights of layers. A layer that is called twice reads the same constants. */
export interface LayerWeights {
  /** Throws EspalierError "input" when the file has no such weight. */
  value(builder: FoldingBuilder, path: string, name: string): ValueId;
}

/** "layer/cell/kernel" as "layer/kernel": TensorFlow 2.2 put the cell's name in between (tfjs-layers, Container.loadWeights). */
function withoutCell(name: string): string {
  const parts = name.split("/");
  return [...parts.slice(0, -2), ...parts.slice(-1)].join("/");
}

/** Looks up layer weights by exact name, else without the cell's name, else by the end of the name where that is unique (nested models). */
export function layerWeights(weights: Weights): LayerWeights {
  const short = new Map<string, string>();
  const byEnd = new Map<string, string[]>();
  for (const name of weights.names) {
    short.set(withoutCell(name), name);
    for (const form of new Set([name, withoutCell(name)])) {
      const end = form.split("/").slice(-2).join("/");
      byEnd.set(end, [...(byEnd.get(end) ?? []), name]);
    }
  }
  const known = new Map<string, ValueId>();
  const find = (wanted: string): string | null => {
    if (weights.names.has(wanted)) return wanted;
    const near = short.get(wanted);
    if (near !== undefined) return near;
    const ends = byEnd.get(wanted) ?? [];
    return ends.length === 1 ? ends[0]! : null;
  };
  return {
    value: (builder, path, name) => {
      const wanted = `${path}/${name}`;
      const found = find(wanted);
      const data = found === null ? null : weights.get(found);
      if (found === null || data === null)
        throw new EspalierError("input", `The weights manifest has no "${wanted}"`, {
          hint: "Check that model.json and its weights belong together.",
        });
      const id = known.get(found) ?? builder.constant(found, data);
      known.set(found, id);
      return id;
    },
  };
}
