import type { Attributes } from "../../src/ir/index.ts";
import { fromNumbers, int64s, tensor } from "../../src/tensor/index.ts";
import { image, type Problem, problem } from "./tflite-problem.ts";

const resize = (name: string, sizes: readonly number[], attrs: Attributes, int8 = false) =>
  problem(
    `resize ${name}`,
    [image],
    ({ b, ints, weight }, [x]) =>
      b.node("Resize", [b.node("Conv", [x!, weight(3, 4, 1, 1)]), null, null, ints(...sizes)], {
        axes: [2, 3],
        ...attrs,
      }),
    int8,
  );

const resizing: Problem[] = [
  resize("nearest up", [14, 18], { mode: "nearest" }, true),
  resize(
    "nearest up, asymmetric floor",
    [14, 27],
    { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
    true,
  ),
  resize("nearest down", [3, 4], { mode: "nearest", nearest_mode: "ceil" }, true),
  resize("nearest aligned", [13, 5], { mode: "nearest", coordinate_transformation_mode: "align_corners" }, true),
  resize("linear half pixel", [14, 20], { mode: "linear" }, true),
  resize("linear down", [3, 5], { mode: "linear" }, true),
  resize("linear aligned", [13, 17], { mode: "linear", coordinate_transformation_mode: "align_corners" }, true),
  resize("linear asymmetric", [14, 18], { mode: "linear", coordinate_transformation_mode: "asymmetric" }, true),
  resize("cubic", [14, 20], { mode: "cubic" }),
  resize("cubic, inside only", [5, 20], { mode: "cubic", exclude_outside: 1, cubic_coeff_a: -0.5 }),
  problem(
    "resize by scales that are not whole",
    [image],
    ({ b, vector }, [x]) => b.node("Resize", [x!, null, vector(1, 1, 1.7, 0.6)], { mode: "linear" }),
    false,
  ),
  problem("resize a sequence", [["N", 3, 8]], ({ b, ints }, [x]) =>
    b.node("Resize", [x!, null, null, ints(16)], { mode: "linear", axes: [2] }),
  ),
  problem(
    "resize channels too",
    [image],
    ({ b, ints }, [x]) => b.node("Resize", [x!, null, null, ints(8, 14)], { mode: "linear", axes: [1, 2] }),
    false,
  ),
];

const pixels: Problem[] = [
  problem("depth to space", [["N", 12, 3, 5]], ({ b }, [x]) => b.node("DepthToSpace", [x!], { blocksize: 2 })),
  problem("pixel shuffle after a convolution", [image], ({ b, weight }, [x]) =>
    b.node("DepthToSpace", [b.node("Conv", [x!, weight(12, 4, 3, 3), weight(12)])], { blocksize: 2, mode: "CRD" }),
  ),
  problem("space to depth", [["N", 3, 6, 4]], ({ b }, [x]) => b.node("SpaceToDepth", [x!], { blocksize: 2 })),
];

const convTranspose = (
  name: string,
  x: readonly number[],
  w: readonly number[],
  outputs: number,
  attrs: Attributes,
  int8 = false,
) =>
  problem(
    `conv transpose ${name}`,
    [["N", ...x]],
    ({ b, weight }, [input]) => b.node("ConvTranspose", [input!, weight(...w), weight(outputs)], attrs),
    int8,
  );

const transposed: Problem[] = [
  convTranspose("odd pads", [4, 5, 6], [4, 3, 3, 3], 3, { strides: [2, 2], pads: [1, 0, 0, 1] }, true),
  convTranspose(
    "pytorch: output padding 1",
    [4, 5, 6],
    [4, 3, 3, 3],
    3,
    { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
    true,
  ),
  convTranspose("output padding beyond the pads", [4, 5, 6], [4, 3, 2, 2], 3, {
    strides: [3, 3],
    output_padding: [2, 1],
  }),
  convTranspose("depthwise", [4, 5, 6], [4, 1, 4, 4], 4, { strides: [2, 2], pads: [1, 1, 1, 1], group: 4 }, true),
  convTranspose(
    "two groups, dilated",
    [4, 5, 6],
    [4, 3, 3, 3],
    6,
    { group: 2, dilations: [2, 1], strides: [2, 2] },
    true,
  ),
  convTranspose("large groups", [128, 2, 2], [128, 64, 4, 4], 128, { group: 2, strides: [2, 2], pads: [1, 1, 1, 1] }),
  convTranspose("1d", [4, 9], [4, 3, 4], 3, { strides: [2], pads: [1, 1] }, true),
];

const picking: Problem[] = [
  problem(
    "gather elements",
    [[1, 3, 4], { dtype: "int64", shape: [1, 2, 4] }],
    ({ b, constant }, [x, at]) => [
      b.node("GatherElements", [x!, at!], { axis: 1 }),
      b.node("GatherElements", [x!, constant(tensor("int64", [1, 3, 2], int64s([0, -1, 3, 2, 1, 1]).data))], {
        axis: 2,
      }),
    ],
    false,
  ),
  problem(
    "gather nd",
    [[1, 3, 4], { dtype: "int64", shape: [1, 2, 1] }],
    ({ b, constant }, [x, at]) => [
      b.node("GatherND", [x!, at!], { batch_dims: 1 }),
      b.node("GatherND", [x!, constant(tensor("int64", [2, 3], int64s([0, 1, -1, 0, 2, 0]).data))]),
      b.node("GatherND", [x!, constant(tensor("int64", [2, 2], int64s([0, 1, 0, 0]).data))]),
    ],
    false,
  ),
  problem(
    "scatter nd",
    [
      [1, 3, 4],
      [2, 4],
    ],
    ({ b, constant }, [x, updates]) => {
      const at = constant(tensor("int64", [2, 2], int64s([0, 2, 0, 0]).data));
      return [b.node("ScatterND", [x!, at, updates!]), b.node("ScatterND", [x!, at, updates!], { reduction: "add" })];
    },
    false,
  ),
  problem(
    "scatter elements",
    [
      [1, 3, 4],
      [1, 2, 4],
    ],
    ({ b, constant }, [x, updates]) => {
      const at = constant(tensor("int64", [1, 2, 4], int64s([0, 1, 2, 0, 1, 2, 0, -1]).data));
      const twice = constant(tensor("int64", [1, 2, 4], int64s([0, 1, 2, 0, 0, 2, 0, -1]).data));
      return [
        b.node("ScatterElements", [x!, at, updates!], { axis: 1 }),
        b.node("ScatterElements", [x!, twice, updates!], { axis: 1, reduction: "add" }),
      ];
    },
    false,
  ),
  problem(
    "compress",
    [[1, 3, 4]],
    ({ b, constant }, [x]) => {
      const keep = constant(fromNumbers("bool", [4], [1, 0, 0, 1]));
      return [b.node("Compress", [x!, keep], { axis: 2 }), b.node("Compress", [x!, keep])];
    },
    false,
  ),
  problem("pad edge and wrap", [image], ({ b, ints, weight }, [x]) => {
    const y = b.node("Conv", [x!, weight(3, 4, 1, 1)]);
    const pads = ints(0, 0, 2, 1, 0, 0, 1, 3);
    return [b.node("Pad", [y, pads], { mode: "edge" }), b.node("Pad", [y, pads], { mode: "wrap" })];
  }),
  problem("pad by less than nothing", [image], ({ b, ints }, [x]) =>
    b.node("Pad", [x!, ints(0, 0, -2, 1, 0, 0, 1, -3)]),
  ),
  problem(
    "trilu",
    [["N", 5, 5]],
    ({ b, constant }, [x]) => [b.node("Trilu", [x!]), b.node("Trilu", [x!, constant(int64s([1]))], { upper: 0 })],
    false,
  ),
  problem(
    "reverse sequence",
    [[1, 6, 3]],
    ({ b, ints }, [x]) => b.node("ReverseSequence", [x!, ints(4)], { time_axis: 1, batch_axis: 0 }),
    false,
  ),
];

const einsum = (equation: string, ...shapes: number[][]) =>
  problem(`einsum ${equation}`, shapes, ({ b }, xs) => b.node("Einsum", xs, { equation }), false);

const products: Problem[] = [
  einsum("bij,bjk->bik", [2, 3, 4], [2, 4, 5]),
  einsum("bhid,bhjd->bhij", [2, 2, 3, 4], [2, 2, 5, 4]),
  einsum("bik,jk->bji", [2, 3, 4], [5, 4]),
  einsum("...ij,...jk->...ik", [2, 2, 3, 4], [2, 2, 4, 5]),
  einsum("ij,ij->i", [3, 4], [3, 4]),
  einsum("ij,k->jk", [3, 4], [2]),
  einsum("ij->ji", [3, 4]),
  einsum("ij,jk,kl->il", [3, 4], [4, 5], [5, 2]),
];

const recurrent = (op: "LSTM" | "GRU" | "RNN", attrs: Attributes, states = false) => {
  const gates = { LSTM: 4, GRU: 3, RNN: 1 }[op];
  const outputs = op === "LSTM" ? 3 : 2;
  const directions = attrs.direction === "bidirectional" ? 2 : 1;
  const state = attrs.layout === 1 ? [2, directions, 5] : [directions, 2, 5];
  const x = attrs.layout === 1 ? [2, 6, 3] : [6, 2, 3];
  const stateful = states ? (op === "LSTM" ? [state, state] : [state]) : [];
  return problem(
    `${op.toLowerCase()} ${Object.values(attrs).join(" ")}${states ? " with states" : ""}`,
    [x, ...stateful],
    ({ b, weight }, [input, ...initial]) => {
      const parameters = [
        weight(directions, gates * 5, 3),
        weight(directions, gates * 5, 5),
        weight(directions, 2 * gates * 5),
      ];
      return b.nodes(
        op,
        [input!, ...parameters, ...(states ? [null, ...initial] : [])],
        { hidden_size: 5, ...attrs },
        { outputs },
      );
    },
    false,
  );
};

const sequences: Problem[] = [
  recurrent("LSTM", {}),
  recurrent("LSTM", { direction: "bidirectional" }, true),
  recurrent("LSTM", { direction: "reverse" }, true),
  recurrent("LSTM", { activations: ["HardSigmoid", "Relu", "Tanh"], clip: 0.5, input_forget: 1 }, true),
  recurrent("GRU", {}),
  recurrent("GRU", { linear_before_reset: 1 }, true),
  recurrent("GRU", { linear_before_reset: 1, direction: "bidirectional" }),
  recurrent("RNN", { direction: "bidirectional" }, true),
  recurrent("RNN", { activations: ["Relu"] }),
  problem(
    "lstm with peepholes",
    [[4, 1, 3]],
    ({ b, weight }, [x]) =>
      b.nodes(
        "LSTM",
        [x!, weight(1, 20, 3), weight(1, 20, 5), null, null, null, null, weight(1, 15)],
        { hidden_size: 5 },
        { outputs: 3 },
      ),
    false,
  ),
];

/** Resizing, pixel shuffles, transposed convolutions, picking and putting, Einsum and recurrence. */
export const STRUCTURE_PROBLEMS: readonly Problem[] = [
  ...resizing,
  ...pixels,
  ...transposed,
  ...picking,
  ...products,
  ...sequences,
];
