import type { TfliteModel } from "../src/formats/tflite/codec/index.ts";
import { lowerToTflite } from "../src/formats/tflite/lower.ts";
import type { Graph } from "../src/ir/index.ts";
import { valueById } from "../src/ir/index.ts";
import { deployPipeline, runPasses } from "../src/passes/index.ts";
import {
  MCU_SCHEME,
  MOBILE_SCHEME,
  observedValues,
  planQuantization,
  type QuantizationScheme,
  quantizeGraph,
  type Range,
} from "../src/quantize/index.ts";
import type { CostOptions } from "../targets/device-cost.ts";
import type { DeployConfig } from "./config.ts";
import { sparseNodes } from "./stages/sparsify.ts";

/** How a target quantises: what its runtime's kernels take. */
export function schemeOf(config: DeployConfig): QuantizationScheme {
  return config.target.profileClass === "mcu" ? MCU_SCHEME : MOBILE_SCHEME;
}

/** Sizes do not depend on ranges: every activation gets the same one, and memory is planned before anything is calibrated. */
const PLACEHOLDER: Range = { low: -1, high: 1 };

/** The int8 TFLite model that a float graph will become, as far as memory is concerned: structure and sizes are right, scales are not. */
export function lowerForMemory(graph: Graph, scheme: QuantizationScheme): TfliteModel {
  const folded = runPasses(graph, deployPipeline);
  const ranges = new Map(
    observedValues(folded, planQuantization(folded, scheme)).map((id) => [valueById(folded, id).name, PLACEHOLDER]),
  );
  return lowerToTflite(quantizeGraph(folded, ranges, scheme)).model;
}

/** What the cost functions need of a run: the original as it is, and candidates as they will be deployed (2:4 where the target adds it). */
export function costOptions(config: DeployConfig): { readonly original: CostOptions; readonly candidate: CostOptions } {
  const scheme = schemeOf(config);
  const original: CostOptions = {
    target: config.target,
    profile: config.profile,
    lower: (graph) => lowerForMemory(graph, scheme),
  };
  return {
    original,
    candidate: config.target.sparsity === null ? original : { ...original, sparse24: sparseNodes(config) },
  };
}
