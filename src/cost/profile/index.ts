export { isJsonObject, type JsonObject, mergeProfiles, resolveExtends } from "./inherit.ts";
export type { Calibration, GpuLatency, McuLatency, NpuLatency } from "./latency-schema.ts";
export { listProfiles, loadProfile, parseProfile, shippedProfilesDirectory } from "./load.ts";
export type { Evidence, Quantity } from "./quantity.ts";
export {
  type CpuProfile,
  type DeviceProfile,
  type GpuProfile,
  type McuProfile,
  type NpuProfile,
  PRECISIONS,
  type Precision,
  profileSchema,
} from "./schema.ts";
