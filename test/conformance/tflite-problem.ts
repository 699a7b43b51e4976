import type { Graph, GraphBuilder, ValueId } from "../../src/ir/index.ts";
import { newBuilder } from "../../src/ops/index.ts";
import type { DType } from "../../src/tensor/index.ts";
import { float32, int64s, scalar, seededRandom, sizeOf, type Tensor } from "../../src/tensor/index.ts";

/** A small graph for one way of using an operator. `int8: false` says that its quantised form runs on real numbers in part. */
export interface Problem {
  readonly name: string;
  readonly graph: Graph;
  readonly int8: boolean;
  /** Steps of the output scale that the int8 file may differ by; default 1. */
  readonly steps?: number;
}

/** An input that is not float32. */
export interface TypedShape {
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

export interface Making {
  readonly b: GraphBuilder;
  weight(...shape: number[]): ValueId;
  ints(...values: number[]): ValueId;
  number(value: number): ValueId;
  vector(...values: number[]): ValueId;
  constant(t: Tensor): ValueId;
}

export function problem(
  name: string,
  shapes: readonly (readonly (number | string)[] | TypedShape)[],
  make: (m: Making, inputs: readonly ValueId[]) => ValueId | readonly ValueId[],
  int8 = true,
): Problem {
  const b = newBuilder(name);
  const inputs = shapes.map((given, i) => {
    const { dtype, shape } = "shape" in given ? given : { dtype: "float32" as const, shape: given };
    return b.input(`x${i}`, { dtype, shape });
  });
  let count = 0;
  const constant = (t: Tensor) => b.constant(`c${count++}`, t);
  const making: Making = {
    b,
    constant,
    weight: (...shape) => {
      const random = seededRandom(7, `${name}/${count}`);
      return constant(
        float32(
          shape,
          Float32Array.from({ length: sizeOf(shape) }, () => random.normal() * 0.5),
        ),
      );
    },
    ints: (...values) => constant(int64s(values)),
    number: (value) => constant(scalar("float32", value)),
    vector: (...values) => constant(float32([values.length], values)),
  };
  const made = make(making, inputs);
  for (const id of typeof made === "number" ? [made] : made) b.output(id);
  return { name, graph: b.build(), int8 };
}

/** The image that most problems take. */
export const image = ["N", 4, 7, 9] as const;
