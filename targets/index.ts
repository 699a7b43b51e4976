import { EspalierError, suggestion } from "../src/diagnostics/index.ts";
import { ampere } from "./ampere/index.ts";
import { cpu } from "./cpu/index.ts";
import { mcu } from "./mcu/index.ts";
import { npu } from "./npu/index.ts";
import type { Target, TargetName } from "./target.ts";

export type {
  ArtifactKind,
  Granularity,
  RecoverySettings,
  RuleContext,
  SensitivitySettings,
  SparsitySettings,
  Target,
  TargetName,
  TargetRule,
} from "./target.ts";

export const TARGETS: Readonly<Record<TargetName, Target>> = { cpu, ampere, npu, mcu };

/** The target with a name; an unknown one is refused with the nearest known name. */
export function findTarget(name: string): Target {
  if (!Object.hasOwn(TARGETS, name)) {
    throw new EspalierError("usage", `Unknown target "${name}"`, { hint: suggestion(name, Object.keys(TARGETS)) });
  }
  return TARGETS[name as TargetName];
}
export {
  type DeviceCost,
  deviceCost,
  type LatencyBasis,
  type LowerForMemory,
  parametersOf,
  searchCosts,
  totalMacs,
  workRatio,
} from "./device-cost.ts";
