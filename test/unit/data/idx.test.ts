import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseIdx, readIdx } from "../../../src/data/index.ts";
import { EspalierError } from "../../../src/diagnostics/index.ts";
import { scratchFolders } from "../io/scratch-folder.ts";
import { idx, zipped } from "./write-idx.ts";

const scratch = scratchFolders();

describe("parseIdx", () => {
  it("reads plain and gzip alike", () => {
    const file = idx([2, 1, 3], [1, 2, 3, 4, 5, 6]);
    for (const bytes of [file, zipped(file)]) {
      const { dims, data } = parseIdx(bytes);
      expect(dims).toEqual([2, 1, 3]);
      expect(Array.from(data)).toEqual([1, 2, 3, 4, 5, 6]);
    }
  });

  it.each([
    [0x09, [0xff], [-1]],
    [0x0b, [0xff, 0xfe], [-2]],
    [0x0c, [0, 0, 1, 0], [256]],
    [0x0d, [0x3f, 0x80, 0, 0], [1]],
    [0x0e, [0xbf, 0xe0, 0, 0, 0, 0, 0, 0], [-0.5]],
  ])("reads big-endian elements of type %i", (type, bytes, values) => {
    expect(Array.from(parseIdx(idx([1], bytes, type)).data)).toEqual(values);
  });

  it.each([
    ["nothing", new Uint8Array(), "starts with 4 bytes of magic number, this one has 0"],
    ["text", new TextEncoder().encode("hello, world"), "The magic number is 68 65 6c 6c"],
    ["an unknown type", idx([1], [1], 0x0a), "The magic number is 00 00 0a 01"],
    ["rank 0", idx([], [1]), "The magic number is 00 00 08 00"],
    ["half a header", idx([2, 2], []).subarray(0, 9), "The header of rank 2 needs 12 bytes, the file has 9"],
    ["too few bytes", idx([2, 2], [1, 2, 3]), "truncated: 15 bytes of 16 for [2, 2]"],
    ["too many bytes", idx([2, 2], [1, 2, 3, 4, 5]), "too long: 17 bytes of 16"],
    ["too few bytes, zipped", zipped(idx([2, 2], [1, 2, 3])), "claims 16 bytes, the file inflates to 15"],
    ["a zipped truncation", zipped(idx([9, 9], Array(81).fill(7))).subarray(0, 24), "truncated"],
    ["huge dims", idx([0xffffffff, 0xffffffff, 0xffffffff], []), "are accepted"],
    ["huge dims, zipped", zipped(idx([1 << 20, 1000], [])), "cannot inflate to more than"],
    ["a bomb", new Uint8Array(gzipSync(Buffer.concat([idx([4], []), Buffer.alloc(32 << 20)]))), "inflates to more"],
  ])("refuses %s", (_, file, message) => {
    expect(() => parseIdx(file)).toThrow(message);
    expect(() => parseIdx(file)).toThrow(expect.objectContaining({ name: "EspalierError", code: "input" }));
  });

  it("answers any damage with a value or an error of ours, never another", () => {
    const whole = idx(
      [30, 4, 4],
      Array.from({ length: 480 }, (_, i) => (i * i) % 256),
    );
    const damaged = fc.record({
      zip: fc.boolean(),
      keep: fc.nat(700),
      flips: fc.array(fc.tuple(fc.nat(700), fc.integer({ min: 1, max: 255 })), { maxLength: 4 }),
      extra: fc.uint8Array({ maxLength: 8 }),
    });
    fc.assert(
      fc.property(damaged, ({ zip, keep, flips, extra }) => {
        const bytes = Uint8Array.from(Buffer.concat([(zip ? zipped(whole) : whole).subarray(0, keep), extra]));
        for (const [at, mask] of flips) if (at < bytes.length) bytes[at]! ^= mask;
        try {
          const { dims, data } = parseIdx(bytes, 1 << 20);
          expect(data.length).toBe(dims.reduce((a, b) => a * b, 1));
        } catch (error) {
          expect(error).toBeInstanceOf(EspalierError);
          expect((error as EspalierError).code).toBe("input");
        }
      }),
      { numRuns: 1000, seed: 99 },
    );
  });

  it("names the file", async () => {
    const path = join(scratch(), "x-idx");
    writeFileSync(path, idx([2], [1]));
    await expect(readIdx(path)).rejects.toMatchObject({ code: "input", where: path });
    await expect(readIdx(`${path}.gz`)).rejects.toMatchObject({
      where: `${path}.gz`,
      message: "The IDX file does not exist",
    });
  });
});
