export { type Dataset, type DatasetParts, datasetOf, subset } from "./dataset.ts";
export { loadDataset } from "./load.ts";
export type { LoadOptions, Split } from "./load-options.ts";
export { type Normalisation, UNIT_NORMALISATION } from "./normalise.ts";
