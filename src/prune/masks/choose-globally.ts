import { EspalierError } from "../../diagnostics/index.ts";
import { type Graph, valueById } from "../../ir/index.ts";
import type { MatrixLayer } from "./input-passes.ts";
import { withoutLowest } from "./lowest.ts";
import { asTensors, type LayerMask } from "./mask-layer.ts";
import { zerosAsked } from "./mask-pattern.ts";
import { matrixValues } from "./weight-matrix.ts";

/** The least magnitudes of all layers together go. Throws EspalierError "budget" where a layer would be left without any weight. */
export function chooseGlobally(graph: Graph, layers: readonly MatrixLayer[], sparsity: number): Map<string, LayerMask> {
  const total = layers.reduce((sum, { size }) => sum + size, 0);
  const magnitudes = new Float64Array(total);
  let end = 0;
  const starts = layers.map(({ matrix, value, size }) => {
    magnitudes.set(matrixValues(matrix, valueById(graph, value).data!).map(Math.abs), end);
    end += size;
    return end - size;
  });
  const keep = withoutLowest(magnitudes, zerosAsked(sparsity, total));
  return new Map(
    layers.map(({ name, matrix, value, size }, i) => {
      const own = keep.subarray(starts[i]!, starts[i]! + size);
      if (!own.includes(1))
        throw new EspalierError(
          "budget",
          `A global share of ${sparsity} leaves "${name}" none of its ${size} weights`,
          {
            hint: "Ask for fewer zeros, or for a share of each layer.",
          },
        );
      const weight = valueById(graph, value).data!;
      const values = matrixValues(matrix, weight);
      for (let at = 0; at < size; at++) if (own[at] === 0) values[at] = 0;
      return [name, asTensors(matrix, weight, values, own)];
    }),
  );
}
