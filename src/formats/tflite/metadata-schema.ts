import type { FieldSpec, WireSchema } from "./codec/field.ts";

const text = (name: string, slot: number): FieldSpec => ({ name, slot, kind: "string" });
const table = (name: string, slot: number, of: string): FieldSpec => ({ name, slot, kind: "table", table: of });
const tables = (name: string, slot: number, of: string): FieldSpec => ({
  name,
  slot,
  kind: "vector",
  of: { kind: "table", table: of },
});
const floats = (name: string, slot: number): FieldSpec => ({
  name,
  slot,
  kind: "vector",
  of: { kind: "scalar", scalar: "float32" },
});
const choice = (name: string, slot: number, of: string): FieldSpec => ({
  name,
  slot,
  kind: "scalar",
  scalar: "int8",
  enum: of,
  default: 0,
});
const whole = (name: string, slot: number): FieldSpec => ({ name, slot, kind: "scalar", scalar: "uint32", default: 0 });

/** The tables of TFLite Metadata that the writer fills or readers of image classifiers look at; version 1.1.0 of its schema (tflite-support, metadata_schema.fbs). */
export const metadataSchema: WireSchema = {
  tables: {
    ModelMetadata: [
      text("name", 0),
      text("description", 1),
      text("version", 2),
      tables("subgraphMetadata", 3, "SubGraphMetadata"),
      text("author", 4),
      text("license", 5),
      tables("associatedFiles", 6, "AssociatedFile"),
      text("minParserVersion", 7),
    ],
    SubGraphMetadata: [
      text("name", 0),
      text("description", 1),
      tables("inputTensorMetadata", 2, "TensorMetadata"),
      tables("outputTensorMetadata", 3, "TensorMetadata"),
      tables("associatedFiles", 4, "AssociatedFile"),
    ],
    TensorMetadata: [
      text("name", 0),
      text("description", 1),
      { name: "dimensionNames", slot: 2, kind: "vector", of: { kind: "string" } },
      table("content", 3, "Content"),
      tables("processUnits", 4, "ProcessUnit"),
      table("stats", 5, "Stats"),
      tables("associatedFiles", 6, "AssociatedFile"),
    ],
    Content: [
      { name: "contentProperties", slot: 1, kind: "union", union: "ContentProperties" },
      table("range", 2, "ValueRange"),
    ],
    ValueRange: [
      { name: "min", slot: 0, kind: "scalar", scalar: "int32", default: 0 },
      { name: "max", slot: 1, kind: "scalar", scalar: "int32", default: 0 },
    ],
    FeatureProperties: [],
    ImageProperties: [choice("colorSpace", 0, "ColorSpaceType"), table("defaultSize", 1, "ImageSize")],
    ImageSize: [whole("width", 0), whole("height", 1)],
    BoundingBoxProperties: [],
    ProcessUnit: [{ name: "options", slot: 1, kind: "union", union: "ProcessUnitOptions" }],
    NormalizationOptions: [floats("mean", 0), floats("std", 1)],
    ScoreCalibrationOptions: [],
    ScoreThresholdingOptions: [],
    BertTokenizerOptions: [],
    SentencePieceTokenizerOptions: [],
    Stats: [floats("max", 0), floats("min", 1)],
    AssociatedFile: [
      text("name", 0),
      text("description", 1),
      choice("type", 2, "AssociatedFileType"),
      text("locale", 3),
    ],
  },
  unions: {
    ContentProperties: ["NONE", "FeatureProperties", "ImageProperties", "BoundingBoxProperties"],
    ProcessUnitOptions: [
      "NONE",
      "NormalizationOptions",
      "ScoreCalibrationOptions",
      "ScoreThresholdingOptions",
      "BertTokenizerOptions",
      "SentencePieceTokenizerOptions",
    ],
  },
  enums: {
    ColorSpaceType: { UNKNOWN: 0, RGB: 1, GRAYSCALE: 2 },
    AssociatedFileType: {
      UNKNOWN: 0,
      DESCRIPTIONS: 1,
      TENSOR_AXIS_LABELS: 2,
      TENSOR_VALUE_LABELS: 3,
      TENSOR_AXIS_SCORE_CALIBRATION: 4,
      VOCABULARY: 5,
    },
  },
};
