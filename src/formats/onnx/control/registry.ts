import type { Frame, Session } from "../session.ts";
import { readIf } from "./branch.ts";
import type { ControlNode } from "./control-node.ts";
import { readLoop } from "./loop.ts";
import { readScan } from "./scan.ts";

/** Readers of the operators with sub-graphs. */
export const CONTROL: ReadonlyMap<string, (session: Session, frame: Frame, node: ControlNode) => void> = new Map([
  ["If", readIf],
  ["Loop", readLoop],
  ["Scan", readScan],
]);
