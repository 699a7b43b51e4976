import { EspalierError } from "../diagnostics/index.ts";
import { type Graph, type GraphBuilder, type Node, type ValueId, valueById } from "../ir/index.ts";
import { formula } from "../ops/index.ts";
import { allocate, float32, seededRandom, sizeOf, type Tensor, tensor } from "../tensor/index.ts";
import type { Parameter } from "./parameters.ts";

/** Low-rank adapters (Hu et al. 2022): a weight W becomes W + alpha / rank * L R, and only L and R are trained. */
export interface AdapterOptions {
  /** Columns of L and rows of R; a weight with a smaller side has that many. */
  readonly rank: number;
  /** Default: the rank, which makes the factor 1. */
  readonly alpha?: number;
}

/** The adapter of one weight. */
export interface Adapter {
  /** The constant that it adapts. */
  readonly constant: ValueId;
  readonly weight: Tensor;
  /** [d0, rank] and [rank, d1] for a weight [d0, d1] or [d0, d1, 1, 1]. */
  readonly left: Parameter;
  readonly right: Parameter;
  readonly scale: number;
}

/** Where a node's weight is, and which of its first two axes is the input's; null for a node that cannot have an adapter. */
function adaptable(graph: Graph, node: Node): { readonly id: ValueId; readonly inputAxis: 0 | 1 } | null {
  const constant = (at: number, inputAxis: 0 | 1) => {
    const id = node.inputs[at];
    if (id === undefined || id === null) return null;
    const { data } = valueById(graph, id);
    return data?.dtype === "float32" ? { id, inputAxis, shape: data.shape } : null;
  };
  const matrix = (found: ReturnType<typeof constant>) => (found?.shape.length === 2 ? found : null);
  switch (node.op) {
    case "Conv": {
      const found = constant(1, 1);
      const pointwise = found?.shape.length === 4 && found.shape[2] === 1 && found.shape[3] === 1;
      return pointwise && (node.attrs.group ?? 1) === 1 ? found : null;
    }
    case "Gemm":
      return matrix(constant(1, node.attrs.transB === 1 ? 1 : 0));
    case "MatMul":
      return matrix(constant(1, 0)) ?? matrix(constant(0, 1));
    default:
      return null;
  }
}

/** Puts an adapter on the weight of every MatMul, Gemm and 1x1 convolution that is not frozen. L R starts as 0: the first step sees the model as it is. */
export function addAdapters(
  builder: GraphBuilder,
  graph: Graph,
  options: AdapterOptions & { readonly seed: number; readonly frozen?: ReadonlySet<string> },
): Adapter[] {
  const { rank, alpha = rank, seed } = options;
  if (!Number.isInteger(rank) || rank < 1 || !Number.isFinite(alpha))
    throw new EspalierError("usage", `Adapters of rank ${rank} and alpha ${alpha}`, {
      hint: "The rank is a whole number from 1 on.",
    });
  const adapters = new Map<ValueId, Adapter>();
  for (const node of graph.nodes) {
    const found = adaptable(graph, node);
    if (found === null || adapters.has(found.id)) continue;
    const { name, data } = valueById(graph, found.id);
    if (options.frozen?.has(name)) continue;
    adapters.set(found.id, place(builder, found.id, name, data!.shape, rank, alpha, found.inputAxis, seed));
  }
  if (adapters.size === 0)
    throw new EspalierError("usage", "No weight can have a low-rank adapter", {
      where: `graph "${graph.name}"`,
      hint: "Adapters go on MatMul, Gemm and 1x1 convolutions that are not frozen: fine-tune this model without.",
    });
  return [...adapters.values()];
}

function place(
  builder: GraphBuilder,
  id: ValueId,
  name: string,
  shape: readonly number[],
  rank: number,
  alpha: number,
  inputAxis: 0 | 1,
  seed: number,
): Adapter {
  const [d0, d1] = shape as [number, number];
  const inner = Math.min(rank, d0, d1);
  const scale = alpha / inner;
  const random = seededRandom(seed, `adapter/${name}`);
  const deviation = 1 / Math.sqrt(shape[inputAxis]!);
  const side = (label: string, own: readonly number[], drawn: boolean): Parameter => {
    const data = allocate("float32", sizeOf(own));
    if (drawn) for (let i = 0; i < data.length; i++) data[i] = deviation * random.normal();
    const input = builder.input(`${name}.${label}`, { dtype: "float32", shape: own });
    const initial = tensor("float32", own, data);
    return { constant: null, name: builder.value(input).name, input, initial, decays: true };
  };
  const left = side("adapter.left", [d0, inner], inputAxis === 0);
  const right = side("adapter.right", [inner, d1], inputAxis === 1);
  const f = formula(builder, `${name}.adapter`);
  const product = f.mul(f.node("MatMul", [left.input, right.input]), f.number(scale));
  const weight = builder.value(id).data!;
  const adapted = f.add(f.constant(weight), shape.length === 2 ? product : f.reshape(product, shape));
  builder.replaceUses(id, adapted);
  return { constant: id, weight, left, right, scale };
}

/** The weight with its adapter in it: W + scale * L R, of W's shape. */
export function fusedWeight(weight: Tensor, left: Tensor, right: Tensor, scale: number): Tensor<"float32"> {
  const [d0, rank] = left.shape as readonly [number, number];
  const d1 = right.shape[1]!;
  const out = Float32Array.from(weight.data as Float32Array);
  for (let i = 0; i < d0; i++)
    for (let j = 0; j < d1; j++) {
      let sum = 0;
      for (let k = 0; k < rank; k++) sum += Number(left.data[i * rank + k]) * Number(right.data[k * d1 + j]);
      out[i * d1 + j]! += scale * sum;
    }
  return float32(weight.shape, out);
}
