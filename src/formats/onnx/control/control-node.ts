import type { NodeProto } from "../codec/generated/onnx_pb.ts";

/** A node with sub-graphs. */
export interface ControlNode {
  readonly proto: NodeProto;
  readonly label: string;
  readonly where: string;
}
