export { applyRules, type DriverOptions, type DriverResult } from "./driver.ts";
export { definePass, type GraphCondition, type Pass, type TransformContext } from "./pass.ts";
export { bypass, PatchBuilder, replaceBy } from "./patch.ts";
export {
  type GraphView,
  type NewConstant,
  type NewNode,
  type Patch,
  type Rule,
  rule,
  type TraceEntry,
} from "./rule.ts";
export { type RunOptions, type RunResult, run } from "./run.ts";
