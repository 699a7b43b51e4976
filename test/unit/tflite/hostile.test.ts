import { Builder } from "flatbuffers";
import { describe, expect, it } from "vitest";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import { decodeTflite, encodeTflite } from "../../../src/formats/tflite/codec/index.ts";
import { seededRandom } from "../../../src/tensor/index.ts";
import { CORPUS_MISSING, corpusFiles, corpusFolder } from "./corpus.ts";
import { tinyFloatModel, tinyInt8Model } from "./tiny-models.ts";

type Outcome = "decoded" | "refused";

/** Decodes and encodes; anything but an EspalierError with a message escapes and fails the test. */
function attempt(bytes: Uint8Array): Outcome {
  try {
    encodeTflite(decodeTflite(bytes));
    return "decoded";
  } catch (error) {
    if (!(error instanceof EspalierError) || error.message.length === 0) throw error;
    if (error.code !== "input" && error.code !== "unsupported") throw error;
    return "refused";
  }
}

/** Copies of a file with one to four changes each: a byte, a 32-bit word set to an extreme or a near offset, or a span of zeros. */
function* mutations(bytes: Uint8Array, count: number, label: string): Generator<Uint8Array> {
  const random = seededRandom(11, label);
  const words = [0, 1, 4, 0x7fffffff, 0x80000000, 0xffffffff, bytes.length - 4, bytes.length];
  for (let n = 0; n < count; n++) {
    const copy = bytes.slice();
    const view = new DataView(copy.buffer);
    for (let change = random.below(4); change >= 0; change--) {
      const at = random.below(bytes.length - 4);
      const kind = random.below(4);
      if (kind === 0) copy[at] = random.below(256);
      if (kind === 1) view.setUint32(at - (at % 4), words[random.below(words.length)]!, true);
      if (kind === 2) view.setUint32(at - (at % 4), random.below(bytes.length), true);
      if (kind === 3) copy.fill(0, at, at + random.below(24));
    }
    yield copy;
  }
}

function count(outcomes: Iterable<Outcome>): Record<Outcome, number> {
  const tally = { decoded: 0, refused: 0 };
  for (const outcome of outcomes) tally[outcome] += 1;
  return tally;
}

describe.each([
  ["float", tinyFloatModel],
  ["int8", tinyInt8Model],
])("a damaged %s model", (label, build) => {
  const bytes = encodeTflite(build());

  it("gives only EspalierErrors under 500 mutations", () => {
    const tally = count([...mutations(bytes, 500, label)].map(attempt));
    // Both outcomes must occur, or the mutations test nothing: many hit weights, many hit offsets.
    expect(tally.decoded).toBeGreaterThan(50);
    expect(tally.refused).toBeGreaterThan(50);
  });

  it("gives only EspalierErrors at every truncation", () => {
    const tally = count(Array.from({ length: bytes.length }, (_, length) => attempt(bytes.subarray(0, length))));
    expect(tally.refused).toBe(bytes.length);
  });
});

describe.skipIf(corpusFolder === null)(`damaged models by others (${CORPUS_MISSING})`, () => {
  it.each(corpusFiles("tflm-synth").slice(0, 40))("$name gives only EspalierErrors", ({ name, read }) => {
    const tally = count([...mutations(new Uint8Array(read()), 50, name)].map(attempt));
    expect(tally.decoded + tally.refused).toBe(50);
  });
});

describe("decodeTflite", () => {
  it.each([
    ["nothing", new Uint8Array(0), "has 0 bytes"],
    ["a short file", new Uint8Array(7), "has 7 bytes"],
    [
      "another format",
      new TextEncoder().encode("\x08\x07\x12\x04onnx-like bytes"),
      'File identifier is "onnx", expected "TFL3"',
    ],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => decodeTflite(bytes)).toThrow(message);
  });

  it("reads from the middle of a larger buffer", () => {
    const bytes = encodeTflite(tinyInt8Model());
    const larger = new Uint8Array(bytes.length + 37);
    larger.set(bytes, 29);
    expect(decodeTflite(larger.subarray(29, 29 + bytes.length))).toEqual(decodeTflite(bytes));
  });

  it("refuses a small file that unfolds into a huge one", () => {
    const builder = new Builder(1024);
    // One tensor with a long shape; a vector of references to it; a subgraph vector of references to that.
    builder.startVector(4, 1000, 4);
    for (let i = 0; i < 1000; i++) builder.addInt32(1);
    const shape = builder.endVector();
    builder.startObject(11);
    builder.addFieldOffset(0, shape, 0);
    const tensor = builder.endObject();
    const repeat = (offset: number, times: number) => {
      builder.startVector(4, times, 4);
      for (let i = 0; i < times; i++) builder.addOffset(offset);
      return builder.endVector();
    };
    const tensors = repeat(tensor, 1000);
    builder.startObject(6);
    builder.addFieldOffset(0, tensors, 0);
    const subgraph = builder.endObject();
    const subgraphs = repeat(subgraph, 1000);
    builder.startObject(10);
    builder.addFieldInt32(0, 3, 0);
    builder.addFieldOffset(2, subgraphs, 0);
    builder.finish(builder.endObject(), "TFL3");
    const bytes = builder.asUint8Array();
    expect(bytes.length).toBeLessThan(20_000);
    expect(() => decodeTflite(bytes)).toThrow("unfolds to more than 32 times its size");
  });

  it("refuses weights in another file", () => {
    const builder = new Builder(256);
    builder.startObject(11);
    builder.addFieldInt32(10, 1, 0);
    const tensor = builder.endObject();
    builder.startVector(4, 1, 4);
    builder.addOffset(tensor);
    const tensors = builder.endVector();
    builder.startObject(6);
    builder.addFieldOffset(0, tensors, 0);
    const subgraph = builder.endObject();
    builder.startVector(4, 1, 4);
    builder.addOffset(subgraph);
    const subgraphs = builder.endVector();
    builder.startObject(10);
    builder.addFieldInt32(0, 3, 0);
    builder.addFieldOffset(2, subgraphs, 0);
    builder.finish(builder.endObject(), "TFL3");
    expect(() => decodeTflite(builder.asUint8Array())).toThrow("The tensor's data lie in another file");
  });
});
