import { type Graph, type ValueId, valueById } from "../../ir/index.ts";
import { type Random, seededRandom, toFloat32, toNumbers } from "../../tensor/index.ts";
import { addRows, emptyGram, type Gram, productOf } from "../recover/gram.ts";
import { type LinearLayer, linearLayer, type RowReader, spreadRows } from "../recover/linear-layer.ts";
import { type ReadProduct, removalErrors } from "../recover/removal-errors.ts";
import type { Accumulator, ActivationCriterion, ObservedBatch, Site } from "./criterion.ts";

/** Features of a product beyond which its Hessian is not inverted: that takes the cube of them. */
const MOST_FEATURES = 2304;
/** Rows that are looked at in a batch: twice the features, within these bounds. */
const [LEAST_ROWS, MOST_ROWS] = [512, 2048];
/** By what share each element of a Hessian's diagonal is raised: a feature that is hardly there costs hardly anything. */
const RIDGE = 1e-3;

/**
 * What the squared error of the layers that read a unit gains when it is removed and all weights that are left are refitted, with the units that cost less
 * already gone (`removalErrors`): half of it, summed over a sample's positions. `recover` with "least-squares" is the refitting. Sees constant weights of
 * convolutions and matrix products of up to 2304 inputs x kernel positions.
 */
export const obs: ActivationCriterion = {
  kind: "activations",
  name: "obs",
  says: "squared error of the layers that read it, their other weights refitted",
  needs: "activations",
  sites: "consumers",
  samples: 128,
  start: (graph, site) => surgeon(graph, site),
};

/** A layer that reads the site, with the products of its inputs, group by group. */
interface Watched {
  readonly layer: LinearLayer;
  readonly grams: readonly Gram[];
  /** Which rows are looked at. */
  readonly random: Random;
  /** Rows that there were, looked at or not. */
  rows: number;
  /** Unit of each feature by group, -1 for none; null until the first batch, or "mixed" where rows differ. */
  units: readonly Int32Array[] | "mixed" | null;
}

function surgeon(graph: Graph, site: Site): Accumulator {
  const watched = site.consumers.flatMap(({ node, weight }): Watched[] => {
    const layer = linearLayer(graph, node);
    if (typeof layer === "string" || layer.weight !== weight || layer.features > MOST_FEATURES) return [];
    return [
      {
        layer,
        grams: Array.from({ length: layer.groups }, () => emptyGram(layer.features, 0)),
        random: seededRandom(0, `obs/${node.name}`),
        rows: 0,
        units: null,
      },
    ];
  });
  let samples = 0;
  return {
    add: (batch) => {
      samples += batch.samples;
      for (const own of watched) addBatch(graph, own, batch);
    },
    scores: () => {
      const products = watched.flatMap((own) => productsOf(graph, own, site.units, samples));
      return products.length === 0 ? null : removalErrors(products, site.units);
    },
  };
}

function addBatch(graph: Graph, watched: Watched, { tensor, unitOf }: ObservedBatch): void {
  const { layer, grams } = watched;
  const y = outputShape(graph, layer, tensor.shape);
  if (y === null) return;
  const reader = layer.reader(tensor.shape, y);
  watched.units ??= featureUnits(watched, reader, unitOf, tensor.data.length);
  watched.rows += reader.rows;
  const values = toFloat32(tensor);
  const most = Math.max(LEAST_ROWS, Math.min(MOST_ROWS, 2 * layer.features));
  const rows = spreadRows(reader.rows, most, watched.random);
  const width = layer.features + 1;
  const block = new Float64Array(rows.length * width);
  for (const [group, gram] of grams.entries()) {
    rows.forEach((row, r) => {
      reader.seek(row);
      reader.features(values, group, block, r * width);
      block[r * width + layer.features] = 1;
    });
    addRows(gram, block, rows.length);
  }
}

/** The shape of the layer's output for an input of a shape: symbols are what they are in the input. */
function outputShape(graph: Graph, layer: LinearLayer, x: readonly number[]): number[] | null {
  const typeOf = (id: ValueId) => valueById(graph, id).type.shape;
  const symbols = new Map(typeOf(layer.x).map((dim, axis) => [dim, x[axis]!]));
  const shape = typeOf(layer.y).map((dim) => (typeof dim === "number" ? dim : (symbols.get(dim) ?? -1)));
  return shape.includes(-1) ? null : shape;
}

/** The unit of each feature, read as rows are read. Ids are moved up by two: 0 is padding, 1 is no unit. */
function featureUnits(
  { layer, random }: Watched,
  reader: RowReader,
  unitOf: Int32Array,
  size: number,
): Watched["units"] {
  const ids = Int32Array.from({ length: size }, (_, i) => unitOf[i % unitOf.length]! + 2);
  const row = new Int32Array(layer.features);
  const units = Array.from({ length: layer.groups }, () => new Int32Array(layer.features));
  for (const at of spreadRows(reader.rows, MOST_ROWS, random)) {
    reader.seek(at);
    for (const [group, found] of units.entries()) {
      reader.features(ids, group, row, 0);
      for (let i = 0; i < row.length; i++) {
        if (row[i] === 0 || row[i] === found[i]) continue;
        if (found[i] !== 0) return "mixed";
        found[i] = row[i]!;
      }
    }
  }
  return units.map((found) => found.map((id) => Math.max(-1, id - 2)));
}

/** A product for each group, in squares of outputs a sample. */
function productsOf(
  graph: Graph,
  { layer, grams, rows, units }: Watched,
  size: number,
  samples: number,
): ReadProduct[] {
  if (units === null || units === "mixed") return [];
  const { features, outputs, place, scale } = layer;
  const weight = toNumbers(valueById(graph, layer.weight).data!);
  return grams.map((gram, group) => {
    const share = rows / gram.rows / samples;
    const hessian = Float64Array.from(
      { length: features * features },
      (_, at) => share * productOf(gram, Math.floor(at / features), at % features),
    );
    // What is always 0 loses nothing, whatever goes.
    const dead = Array.from({ length: features }, (_, i) => !(hessian[i * features + i]! > 0));
    dead.forEach((zero, i) => {
      hessian[i * features + i] = zero ? 1 : (1 + RIDGE) * hessian[i * features + i]!;
    });
    const featuresOf: number[][] = Array.from({ length: size }, () => []);
    units[group]!.forEach((unit, i) => {
      if (unit >= 0) featuresOf[unit]!.push(i);
    });
    const weights = new Float64Array(features * outputs).map((_, at) => {
      const i = Math.floor(at / outputs);
      return dead[i] ? 0 : scale * weight[place(group, i, at % outputs)]!;
    });
    return { features, outputs, weights, hessian, featuresOf };
  });
}
