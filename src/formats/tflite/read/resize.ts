import { float32 } from "../../../tensor/index.ts";
import type { OperatorReaders, ReadOperator, Step } from "./step.ts";

interface Centres {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

function coordinates(s: Step, o: Centres): string {
  if (o.alignCorners && o.halfPixelCenters)
    s.refuse(`${s.operator.opcode} with align_corners and half_pixel_centers is not supported`);
  return o.alignCorners ? "align_corners" : o.halfPixelCenters ? "half_pixel" : "asymmetric";
}

function resized(s: Step, attrs: Record<string, string>): void {
  const sizes = s.ints(1);
  if (sizes.length !== 2 || s.rank(0) !== 4 || sizes.some((size) => size < 1))
    s.fail(`${s.operator.opcode} of a tensor of rank ${s.rank(0)} to [${sizes.join(", ")}]`);
  const [batch, height, width, channels] = s.shape(0);
  const x = s.real(0, "first");
  if (typeof batch === "number" && typeof channels === "number") {
    s.put(0, s.node("Resize", [x, null, null, s.longs([batch, channels, ...sizes])], attrs), "first");
    return;
  }
  // An open batch has no size to state: factors where they are exact, else the sizes of the two axes alone.
  const factors = [sizes[0]! / (height as number), sizes[1]! / (width as number)];
  const exact = factors.every((factor) => Number.isInteger(Math.log2(factor)) || Number.isInteger(factor));
  const operands = exact
    ? [x, null, s.constant("scales", float32([4], [1, 1, ...factors]))]
    : [x, null, null, s.longs(sizes)];
  s.put(0, s.node("Resize", operands, exact ? attrs : { ...attrs, axes: [2, 3] }), "first");
}

const bilinear: ReadOperator = (s) => {
  const mode = coordinates(s, s.options("ResizeBilinearOptions"));
  resized(s, { mode: "linear", coordinate_transformation_mode: mode });
};

/** TFLite takes floor(x * scale), round(x * scale) with align_corners and floor((x + 1/2) * scale) with half pixels (kernels/internal/reference/resize_nearest_neighbor.h). */
const nearest: ReadOperator = (s) => {
  const o = s.options("ResizeNearestNeighborOptions");
  const mode = coordinates(s, o);
  resized(s, {
    mode: "nearest",
    coordinate_transformation_mode: mode,
    nearest_mode: mode === "asymmetric" ? "floor" : "round_prefer_ceil",
  });
};

function depthToSpace(s: Step): void {
  const { blockSize } = s.options("DepthToSpaceOptions");
  s.put(0, s.node("DepthToSpace", [s.real(0, "first")], { blocksize: blockSize, mode: "DCR" }), "first");
}

function spaceToDepth(s: Step): void {
  const { blockSize } = s.options("SpaceToDepthOptions");
  s.put(0, s.node("SpaceToDepth", [s.real(0, "first")], { blocksize: blockSize }), "first");
}

export const RESIZES: OperatorReaders = {
  RESIZE_BILINEAR: { read: bilinear, gives: ["Resize"] },
  RESIZE_NEAREST_NEIGHBOR: { read: nearest, gives: ["Resize"] },
  DEPTH_TO_SPACE: { read: depthToSpace, gives: ["DepthToSpace"] },
  SPACE_TO_DEPTH: { read: spaceToDepth, gives: ["SpaceToDepth"] },
};
