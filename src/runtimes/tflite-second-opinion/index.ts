export { openSecondOpinion } from "./runner.ts";
export { hasSecondOpinion } from "./wasm.ts";
