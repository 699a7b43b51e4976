export { type ErrorCode, type ErrorOptions, EspalierError, invariant, withContext } from "./error.ts";
export { editDistance, nearestWord, suggestion } from "./suggest.ts";
