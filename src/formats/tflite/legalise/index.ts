export { COMPOSED, LEGALISATIONS, legalise } from "./legalise.ts";
