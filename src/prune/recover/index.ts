export type { Feeds } from "./calibration.ts";
export type { RecoveredLayer } from "./fit-layers.ts";
export { RECOVERY_METHODS, type Recovered, type RecoverOptions, type RecoveryMethod, recover } from "./recover.ts";
