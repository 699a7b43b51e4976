import { describe, expect, it } from "vitest";
import { readFlatbuffer } from "../../../src/formats/tflite/codec/read-table.ts";
import { decodeTflite, emitTflite, writeTflite } from "../../../src/formats/tflite/index.ts";
import { metadataSchema } from "../../../src/formats/tflite/metadata-schema.ts";
import { storedZip } from "../../../src/formats/tflite/zip.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { loadLiteRt } from "../../../src/runtimes/litert.ts";
import { float32 } from "../../../src/tensor/index.ts";

function imageModel() {
  const b = newBuilder("image");
  const x = b.input("image", { dtype: "float32", shape: ["N", 1, 4, 4] });
  const pooled = b.node("GlobalAveragePool", [b.node("Conv", [x, b.constant("w", float32([3, 1, 1, 1], [1, 2, 3]))])]);
  b.output(b.node("Flatten", [pooled], {}, { outputNames: ["scores"] }));
  return b.build();
}

const card = { name: "Shirts", labels: ["coat", "bag", "Schuh ä"], normalisation: { mean: [0.25], std: [0.5] } };

describe("TFLite Metadata", () => {
  it("describes the image, its normalisation in pixels, and the labels file", () => {
    const model = decodeTflite(writeTflite(imageModel(), { metadata: card }));
    const { bytes } = model.metadata.find((entry) => entry.name === "TFLITE_METADATA")!;
    expect(readFlatbuffer(metadataSchema, "ModelMetadata", bytes, "M001")).toEqual({
      name: "Shirts",
      minParserVersion: "1.0.0",
      subgraphMetadata: [
        {
          name: "main",
          inputTensorMetadata: [
            {
              name: "image",
              content: {
                contentProperties: {
                  type: "ImageProperties",
                  colorSpace: "GRAYSCALE",
                  defaultSize: { width: 4, height: 4 },
                },
              },
              processUnits: [{ options: { type: "NormalizationOptions", mean: [63.75], std: [127.5] } }],
              stats: { max: [1.5], min: [-0.5] },
            },
          ],
          outputTensorMetadata: [
            {
              name: "scores",
              content: { contentProperties: { type: "FeatureProperties" } },
              associatedFiles: [
                { name: "labels.txt", description: "Class names, one a line.", type: "TENSOR_AXIS_LABELS" },
              ],
            },
          ],
        },
      ],
    });
  });

  it("packs the labels behind the model as a zip, and the file still runs", async () => {
    const bytes = Buffer.from(writeTflite(imageModel(), { metadata: card }));
    const end = bytes.lastIndexOf("PK\x05\x06", undefined, "latin1");
    const central = bytes.readUInt32LE(end + 16);
    expect(bytes.toString("latin1", central, central + 4)).toBe("PK\x01\x02");
    const local = bytes.readUInt32LE(central + 42);
    expect(bytes.toString("latin1", local, local + 4)).toBe("PK\x03\x04");
    const size = bytes.readUInt32LE(local + 18);
    const start = local + 30 + bytes.readUInt16LE(local + 26);
    expect(bytes.toString("utf8", start, start + size)).toBe("coat\nbag\nSchuh ä\n");
    const session = await loadLiteRt(bytes);
    const [scores] = await session.run([float32([1, 4, 4, 1], new Float32Array(16).fill(2))]);
    expect([...scores!.data]).toEqual([2, 4, 6]);
    session.close();
  });

  it("refuses labels that do not fit the classes, and a normalisation without spread", () => {
    expect(() => emitTflite(imageModel(), { metadata: { labels: ["one"] } })).toThrow("3 classes, got 1 labels");
    expect(() => emitTflite(imageModel(), { metadata: { normalisation: { mean: [0], std: [0] } } })).toThrow("above 0");
  });

  it("adds nothing but the runtime version when it is not asked for", () => {
    const model = decodeTflite(writeTflite(imageModel()));
    expect(model.metadata.map((entry) => entry.name)).toEqual(["min_runtime_version"]);
  });
});

describe("storedZip", () => {
  it("states the checksum of each entry", () => {
    const zip = Buffer.from(storedZip([{ name: "a", bytes: Buffer.from("123456789") }], 100));
    expect(zip.readUInt32LE(14)).toBe(0xcbf43926); // the CRC-32 check value
    expect(zip.readUInt32LE(zip.length - 6)).toBe(100 + 30 + 1 + 9);
  });
});
