import { describe, expect, it } from "vitest";
import { newFoldingBuilder } from "../../../src/fold/index.ts";
import { fromNumbers, int64s, scalar, type Tensor, toNumbers } from "../../../src/tensor/index.ts";

/** The value of a node over constants, or undefined when it stays a node. */
function value(op: string, inputs: readonly Tensor[], attrs: Record<string, number> = {}): number[] | undefined {
  const b = newFoldingBuilder("g");
  const { data } = b.value(
    b.node(
      op,
      inputs.map((t, i) => b.constant(`c${i}`, t)),
      attrs,
    ),
  );
  return data === undefined ? undefined : [...toNumbers(data)];
}

describe("operators along axes, over constants", () => {
  it("EyeLike reads the shape of its input only", () => {
    const b = newFoldingBuilder("g");
    const x = b.input("x", { dtype: "float32", shape: [2, 3] });
    expect([...toNumbers(b.value(b.node("EyeLike", [x], { k: 1 })).data!)]).toEqual([0, 1, 0, 0, 0, 1]);
    const open = b.input("open", { dtype: "float32", shape: ["N", 3] });
    expect(b.value(b.node("EyeLike", [open])).data).toBeUndefined();
  });

  it("integers that overflow are left to the runtime", () => {
    const large = fromNumbers("int32", [2], [2 ** 30, 2 ** 30]);
    expect(value("ReduceSum", [large])).toBeUndefined();
    expect(value("CumSum", [large, scalar("int64", 0)])).toBeUndefined();
    expect(value("ReduceMax", [large])).toEqual([2 ** 30]);
    expect(value("ReduceProd", [int64s([2 ** 31, 2 ** 31])])).toBeUndefined();
  });

  it("a mean of integers that is not whole is left to the runtime", () => {
    expect(value("ReduceMean", [fromNumbers("int32", [2], [1, 2])])).toBeUndefined();
    expect(value("ReduceMean", [fromNumbers("int32", [2], [1, 3])])).toEqual([2]);
  });

  it("OneHot counts from the end and leaves out what is outside its depth", () => {
    const inputs = [int64s([1, -1, 3]), scalar("int64", 3), fromNumbers("float32", [2], [0, 5])];
    expect(value("OneHot", inputs)).toEqual([0, 5, 0, 0, 0, 5, 0, 0, 0]);
    expect(value("OneHot", inputs, { axis: 0 })).toEqual([0, 0, 0, 5, 0, 0, 0, 5, 0]);
  });

  it("a remainder has the divisor's sign, or the dividend's with fmod", () => {
    const [a, b] = [int64s([-7, 7, -6]), int64s([3, -3, 3])];
    expect(value("Mod", [a, b])).toEqual([2, -2, 0]);
    expect(value("Mod", [a, b], { fmod: 1 })?.map((v) => v + 0)).toEqual([-1, 1, 0]);
    expect(value("Mod", [a, int64s([0])])).toBeUndefined();
  });

  it("sizes with a symbol are compared where that does not depend on it", () => {
    const b = newFoldingBuilder("g");
    const sizes = b.node("Shape", [b.input("x", { dtype: "float32", shape: ["N", 3] })]);
    const known = (op: string, than: number) =>
      b.value(b.node(op, [sizes, b.constant("c", scalar("int64", than))])).data?.data;
    expect(known("GreaterOrEqual", 1)).toEqual(Uint8Array.of(1, 1));
    expect(known("GreaterOrEqual", 2)).toBeUndefined();
    expect(b.value(b.node("CumSum", [sizes, b.constant("axis", scalar("int64", 0))])).data).toBeUndefined();
  });
});

describe("a symbol that is no element", () => {
  const drawn = () => {
    const b = newFoldingBuilder("g");
    const sizes = b.node("Shape", [b.input("x", { dtype: "float32", shape: ["N", 3] })]);
    const batch = b.node("Slice", [sizes, b.constant("from", int64s([0])), b.constant("to", int64s([1]))]);
    return { b, batch, table: b.constant("table", int64s([5, 6, 7])), zero: b.constant("zero", int64s([0])) };
  };

  it("limits nothing: a table that is cut to the batch is refused, not left whole", () => {
    const { b, batch, table, zero } = drawn();
    expect(() => b.node("Slice", [table, zero, batch])).toThrow(/input 2 to be a constant/);
  });

  it("repeats nothing", () => {
    const { b, batch, table } = drawn();
    expect(() => b.node("Tile", [table, batch])).toThrow(/input 1 to be a constant/);
  });

  it("may be an index that is looked up when the model runs", () => {
    const { b, batch, table } = drawn();
    expect(b.value(b.node("Gather", [table, batch])).data).toBeUndefined();
  });
});

describe("values that depend on part of the operands", () => {
  it("NonZero of a constant lists its positions", () => {
    expect(value("NonZero", [fromNumbers("float32", [2, 3], [0, 5, 0, -1, 0, 2])])).toEqual([0, 1, 1, 1, 0, 2]);
  });

  it("CastLike needs the type of its second operand only", () => {
    const b = newFoldingBuilder("g");
    const x = b.input("x", { dtype: "int64", shape: ["N"] });
    const y = b.node("CastLike", [b.constant("c", fromNumbers("float32", [2], [1.5, -2])), x]);
    expect(b.value(y).data).toEqual(int64s([1, -2]));
  });
});
