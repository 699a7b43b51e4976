import { EspalierError } from "../../../diagnostics/index.ts";
import type { FoldingBuilder } from "../../../fold/index.ts";
import type { ValueId } from "../../../ir/index.ts";
import { activate, snakeCase } from "../emit/activation.ts";
import type { Scope } from "../emit/scope.ts";
import { type Config, configOf } from "./config.ts";
import type { LayerDef } from "./topology.ts";
import type { LayerWeights } from "./weights.ts";

/** What the reader of one layer sees. */
export interface LayerContext extends Scope {
  readonly className: string;
  readonly config: Config;
  /** Where the layer's weights are: its name, or within a wrapper wrapper/inner. */
  readonly path: string;
  readonly weights: LayerWeights;
  /** Reads another layer within this one (wrappers). */
  apply(layer: LayerDef, path: string, inputs: readonly ValueId[]): readonly ValueId[];
}

/** Adds the nodes of one call of a layer and returns its outputs. */
export type LayerReader = (c: LayerContext, inputs: readonly ValueId[]) => ValueId | readonly ValueId[];
export type LayerReaders = Readonly<Record<string, LayerReader>>;

export function layerContext(
  builder: FoldingBuilder,
  layer: LayerDef,
  path: string,
  weights: LayerWeights,
  apply: LayerContext["apply"],
): LayerContext {
  return {
    builder,
    name: layer.name,
    className: layer.className,
    config: configOf(layer.config),
    path,
    weights,
    apply,
  };
}

/** The only input of a layer. */
export function single(c: LayerContext, inputs: readonly ValueId[]): ValueId {
  const [x] = inputs;
  if (x === undefined || inputs.length > 1)
    throw new EspalierError("input", `${c.className} takes 1 input, it is called on ${inputs.length}`);
  return x;
}

/** A reader for layers of one input. */
export function unary(read: (c: LayerContext, x: ValueId) => ValueId): LayerReader {
  return (c, inputs) => read(c, single(c, inputs));
}

export function weight(c: LayerContext, name: string): ValueId {
  return c.weights.value(c.builder, c.path, name);
}

/** The name of an activation in a config: a string, or an object with a class name. */
export function activationName(c: LayerContext, key: string, fallback = "linear"): string {
  const value = c.config.raw(key);
  if (typeof value === "object" && value !== null) {
    const inner = (value as Record<string, unknown>).class_name;
    if (typeof inner === "string") return snakeCase(inner);
  }
  return snakeCase(c.config.text(key, fallback));
}

/** Applies the activation that the config names. */
export function activated(c: LayerContext, y: ValueId): ValueId {
  return activate(c, y, activationName(c, "activation"));
}

/** Channels last (the default) or first. */
export function isLast(c: LayerContext): boolean {
  const format = snakeCase(c.config.text("data_format", "channels_last"));
  if (format !== "channels_last" && format !== "channels_first")
    throw new EspalierError("input", `"data_format" must be channels_last or channels_first, got "${format}"`);
  return format === "channels_last";
}
