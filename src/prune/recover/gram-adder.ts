import { newBuilder } from "../../ops/index.ts";
import { openOrt } from "../../runtimes/index.ts";
import { int64s, type Tensor, tensor } from "../../tensor/index.ts";
import { addRows, addSquares, type Gram } from "./gram.ts";

/** Adds rows [features, 1, outputs] to sums of products of one size. Close it when done. */
export interface GramAdder {
  readonly add: (gram: Gram, block: Float64Array, rows: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** From this many features on ONNX Runtime's float64 product is faster than a loop: seven to ten times from 72 to 1152 features. */
const MANY_FEATURES = 32;

/** An adder for products of so many features and outputs. */
export async function openAdder(
  { features, outputs }: Pick<Gram, "features" | "outputs">,
  threads: { readonly threads?: number },
): Promise<GramAdder> {
  if (features < MANY_FEATURES)
    return { add: async (gram, block, rows) => addRows(gram, block, rows), close: async () => {} };
  const width = features + 1 + outputs;
  const builder = newBuilder("products");
  const rowsOf = builder.input("rows", { dtype: "float64", shape: ["R", width] });
  const bounds = [0, features + 1, 1].map((bound, i) => builder.constant(`bound.${i}`, int64s([bound])));
  const left = builder.node("Transpose", [builder.node("Slice", [rowsOf, ...bounds])], { perm: [1, 0] });
  builder.output(builder.node("MatMul", [left, rowsOf], {}, { name: "products" }));
  const session = await openOrt(builder.build(), { spinning: false, ...threads });
  return {
    add: async (gram, block, rows) => {
      const given = tensor("float64", [rows, width], block.subarray(0, rows * width));
      const { products } = (await session.run({ rows: given })) as { products: Tensor<"float64"> };
      for (let i = 0; i < gram.products.length; i++) gram.products[i]! += products.data[i]!;
      addSquares(gram, block, rows);
    },
    close: () => session.close(),
  };
}
