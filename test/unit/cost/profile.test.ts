import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listProfiles, loadProfile, mergeProfiles, shippedProfilesDirectory } from "../../../src/cost/index.ts";
import { profileJsonSchema } from "../../../src/cost/profile/json-schema.ts";
import { EspalierError } from "../../../src/diagnostics/index.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-profiles-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: unknown): string => {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
};
const failure = async (act: () => unknown): Promise<EspalierError> => {
  try {
    await act();
  } catch (error) {
    if (error instanceof EspalierError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};
const shippedJson = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(shippedProfilesDirectory(), `${name}.json`), "utf8")) as Record<string, unknown>;

const shipped = await listProfiles();

describe("shipped profiles", () => {
  test.each(shipped)("%s loads and is named after its file", async (name) => {
    expect((await loadProfile(name)).name).toBe(name);
  });

  test("every class of device has one", async () => {
    const classes = new Set(
      (await Promise.all(shipped.map((name) => loadProfile(name)))).map((profile) => profile.class),
    );
    expect([...classes].sort()).toEqual(["cpu", "gpu", "mcu", "npu"]);
  });

  test("schema.json is what the zod schema says; scripts/generate-profile-schema.ts rewrites it", async () => {
    expect(readFileSync(join(shippedProfilesDirectory(), "schema.json"), "utf8")).toBe(profileJsonSchema());
  });

  test("every number outside the deployment choices says its kind and source", async () => {
    const bare: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value === "number") bare.push(path);
      else if (typeof value === "object" && value !== null && !("source" in value && "value" in value)) {
        for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`);
      }
    };
    for (const name of shipped) visit(await loadProfile(name), name);
    // Geometry of the array is one fact with the entry beside it; calibration counts and errors carry the source of their block.
    const allowed = /\.(deploy\.batch|budgets\.\w+|calibration\.\w+|outputBlock\.\w+|traversals\.\d\.\w+)$/;
    expect(bare.filter((path) => !allowed.test(path))).toEqual([]);
  });

  test("an MCU's default budget is within its memories", async () => {
    for (const name of shipped) {
      const profile = await loadProfile(name);
      if (profile.class !== "mcu" || profile.budgets === undefined) continue;
      expect(profile.budgets.ramBytes).toBeLessThanOrEqual(profile.sramBytes.value);
      expect(profile.budgets.flashBytes).toBeLessThanOrEqual(profile.flashBytes.value);
    }
  });
});

describe("extends", () => {
  test("a child overrides single fields of a shipped parent", async () => {
    const source = { value: 100e6, kind: "datasheet", source: "a datasheet" };
    const file = write("my-board", { name: "my-board", extends: "stm32l4r5", latency: { clockHz: source } });
    const child = await loadProfile(file);
    const parent = await loadProfile("stm32l4r5");
    if (child.class !== "mcu" || parent.class !== "mcu") throw new Error("both are MCUs");
    expect(child.latency.clockHz).toEqual(source);
    expect(child.latency.cyclesPerMac).toEqual(parent.latency.cyclesPerMac);
    expect(child.sramBytes).toEqual(parent.sramBytes);
  });

  test("a quantity replaces whole, null removes, arrays replace", async () => {
    const parent = {
      clockHz: { value: 1, kind: "fit", source: "s", note: "n" },
      list: [1, 2],
      gone: 1,
      deep: { a: 1, b: 2 },
    };
    const child = { clockHz: { value: 2, kind: "estimate", source: "t" }, list: [3], gone: null, deep: { b: 3 } };
    expect(mergeProfiles(parent, child)).toEqual({ clockHz: child.clockHz, list: [3], deep: { a: 1, b: 3 } });
  });

  test("a circle names its members", async () => {
    write("one", { name: "one", extends: "two" });
    write("two", { name: "two", extends: "three" });
    const file = write("three", { name: "three", extends: "one" });
    const error = await failure(() => loadProfile(file));
    expect(error.code).toBe("input");
    expect(error.message).toContain("three -> one -> two -> three");
  });

  test("an unknown parent is named with the profile that wants it and the nearest known one", async () => {
    const error = await failure(() => loadProfile(write("orphan", { name: "orphan", extends: "stm32l4r6" })));
    expect(error.message).toContain('"orphan" extends "stm32l4r6"');
    expect(error.hint).toContain('"stm32l4r5"');
  });

  test("a parent's name cannot leave the folders", async () => {
    const error = await failure(() => loadProfile(write("sly", { name: "sly", extends: "../../package" })));
    expect(error.message).toContain("does not exist");
  });
});

describe("wrong profiles", () => {
  const corrupt = (name: string, edit: (profile: Record<string, unknown>) => void): Promise<EspalierError> => {
    const profile = structuredClone(shippedJson("stm32l4r5"));
    edit(profile);
    return failure(() => loadProfile(write(name, profile)));
  };

  test("a string for a number names file and field", async () => {
    const error = await corrupt("bad-clock", (p) => {
      (p.latency as { clockHz: { value: unknown } }).clockHz.value = "fast";
    });
    expect(error.code).toBe("input");
    expect(error.where).toContain("bad-clock.json");
    expect(error.where).toContain("latency.clockHz.value");
  });

  test.each([
    [
      "a missing source",
      (p: Record<string, unknown>) => delete (p.sramBytes as Record<string, unknown>).source,
      "sramBytes.source",
    ],
    ["a misspelt key", (p: Record<string, unknown>) => Object.assign(p, { flashBites: 1 }), "flashBites"],
    [
      "a negative size",
      (p: Record<string, unknown>) => Object.assign(p.flashBytes as object, { value: -1 }),
      "flashBytes.value",
    ],
    ["an unknown class", (p: Record<string, unknown>) => Object.assign(p, { class: "fpga" }), "class"],
    [
      "an unknown kind of evidence",
      (p: Record<string, unknown>) => Object.assign(p.sramBytes as object, { kind: "guess" }),
      "sramBytes.kind",
    ],
  ])("%s is refused with its field", async (name, edit, field) => {
    expect((await corrupt(name.replaceAll(" ", "-"), edit)).where).toContain(`field ${field}`);
  });

  test("not JSON, not an object, too large, missing", async () => {
    expect((await failure(() => loadProfile(write("broken", '{"name": ')))).message).toContain("not valid JSON");
    expect((await failure(() => loadProfile(write("list", [])))).message).toContain("not a JSON object");
    expect((await failure(() => loadProfile(write("huge", " ".repeat(2 ** 20 + 1))))).message).toContain(
      "1048577 bytes",
    );
    expect((await failure(() => loadProfile(join(folder, "absent.json")))).message).toContain("does not exist");
  });

  test("an unknown name gets a suggestion", async () => {
    const error = await failure(() => loadProfile("ethos-u55-256"));
    expect(error.code).toBe("usage");
    expect(error.hint).toContain('Did you mean "ethos-u65-256"?');
  });
});
