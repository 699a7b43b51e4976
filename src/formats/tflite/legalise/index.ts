export { legalise } from "./legalise.ts";
