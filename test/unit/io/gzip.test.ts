import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { gunzipExactly, gunzipHead, gzipDeterministic, isGzip } from "../../../src/io/index.ts";

const text = new Uint8Array(5000).map((_, i) => (i * i) % 251);
const zipped = gzipSync(text);

describe("gzip", () => {
  it("inflates what it should", () => {
    expect(new Uint8Array(gunzipExactly(zipped, 5000))).toEqual(text);
    expect(gunzipHead(zipped).subarray(0, 20)).toEqual(Buffer.from(text.subarray(0, 20)));
    expect(isGzip(zipped)).toBe(true);
    expect(isGzip(text)).toBe(false);
  });

  it("names both sizes when the file is truncated, longer or shorter than claimed", () => {
    const half = zipped.subarray(0, zipped.length >> 1);
    expect(() => gunzipExactly(half, 5000)).toThrow(/truncated: \d+ bytes of 5000/);
    expect(() => gunzipExactly(zipped.subarray(0, zipped.length - 4), 5000)).toThrow("truncated");
    expect(() => gunzipExactly(zipped, 4999)).toThrow("claims 4999 bytes, but the file inflates to more");
    expect(() => gunzipExactly(zipped, 5001)).toThrow("claims 5001 bytes, the file inflates to 5000");
  });

  it("does not inflate a bomb, and does not allocate for a claim the bytes cannot hold", () => {
    const bomb = gzipSync(new Uint8Array(64 << 20));
    const before = process.memoryUsage().arrayBuffers;
    expect(() => gunzipExactly(bomb, 800)).toThrow("inflates to more");
    expect(() => gunzipExactly(zipped, 2 ** 40)).toThrow("cannot inflate to more than");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 << 20);
    expect(gunzipHead(bomb).length).toBeLessThan(1 << 20);
  });

  it("calls damage damage", () => {
    const damaged = Uint8Array.from(zipped);
    damaged.fill(0xff, 20, 60);
    expect(() => gunzipExactly(damaged, 5000)).toThrow("corrupt");
    const wrongSum = Uint8Array.from(zipped);
    wrongSum[zipped.length - 6]! ^= 1;
    expect(() => gunzipExactly(wrongSum, 5000)).toThrow("corrupt");
  });

  it("writes the same bytes on every system: no time, no name, no system", () => {
    const out = gzipDeterministic(text);
    expect(Array.from(out.subarray(3, 8))).toEqual([0, 0, 0, 0, 0]);
    expect(out[9]).toBe(255);
    expect(new Uint8Array(gunzipSync(out))).toEqual(text);
  });
});
