import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import { newFoldingBuilder } from "../../../src/fold/index.ts";
import type { Attribute } from "../../../src/ir/index.ts";
import { type AttributeSpec, OP_TYPES, type OpType, specOf } from "../../../src/ops/index.ts";
import {
  DTYPES,
  type DType,
  float32,
  fromNumbers,
  type Random,
  seededRandom,
  sizeOf,
} from "../../../src/tensor/index.ts";

function pick<T>(r: Random, items: readonly T[]): T {
  return items[r.below(items.length)]!;
}

const wide = 2 ** 53 - 1;

/** A value of the right kind, seldom a sensible one. */
function attribute(r: Random, kind: AttributeSpec<unknown>["kind"]): Attribute {
  const integer = () => pick(r, [-wide, -1, 0, 1, 2, 3, 7, wide]);
  if (kind === "int") return integer();
  if (kind === "ints") return Array.from({ length: r.below(5) }, integer);
  if (kind === "float") return pick(r, [0, 1, Number.NaN, Number.POSITIVE_INFINITY]);
  if (kind === "floats") return [1, Number.NaN].slice(r.below(3));
  if (kind === "tensor") return float32([1], [1]);
  const text = () => pick(r, ["", "add", "linear", "bidirectional", "ij,jk->ik", "...", "->", "i...i,->"]);
  return kind === "string" ? text() : [text()];
}

/** An application of an operator to inputs of any shape and dtype, constant or not. */
function apply(op: OpType, r: Random): readonly (number | string)[][] {
  const spec = specOf(op);
  const attrs: Record<string, Attribute> = {};
  for (const [name, given] of Object.entries(spec.attrs))
    if (given.fallback === undefined || r.below(3) === 0) attrs[name] = attribute(r, given.kind);
  const [least, most] = spec.inputs;
  const count = least + r.below(Math.min(most, 8) - least + 1);
  const builder = newFoldingBuilder("malformed");
  const inputs = Array.from({ length: count }, (_, i) => {
    if (r.below(8) === 0) return null;
    const dtype = pick(r, Object.keys(DTYPES) as DType[]);
    const shape = Array.from({ length: r.below(5) }, () => pick(r, [0, 1, 1, 2, 3, 4]));
    if (r.below(2) === 0)
      return builder.input(`x${i}`, { dtype, shape: shape.map((size) => (r.below(9) === 0 ? "N" : size)) });
    const values = Array.from({ length: sizeOf(shape) }, () => pick(r, [-2, -1, 0, 1, 2, 3, 9, 1e6, 2 ** 40]));
    return builder.constant(`c${i}`, fromNumbers(dtype, shape, values));
  });
  return builder.nodes(op, inputs, attrs).map((id) => [...builder.value(id).type.shape]);
}

describe("operators of malformed models", () => {
  it.each(OP_TYPES)("%s is refused or has a proper shape", (op) => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        try {
          for (const shape of apply(op, seededRandom(seed, op)))
            for (const dim of shape) expect(typeof dim === "string" || (Number.isInteger(dim) && dim >= 0)).toBe(true);
        } catch (error) {
          if (!(error instanceof EspalierError)) throw error;
          expect(error.code).not.toBe("internal");
          expect(error.message).not.toMatch(/undefined|\[object/);
        }
      }),
      { seed: 1, numRuns: Number(process.env.INFER_RUNS ?? 100) },
    );
  });
});
