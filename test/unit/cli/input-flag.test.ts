import { describe, expect, it } from "vitest";
import { parseInputs } from "../../../pipeline/cli/input-flag.ts";

describe("--input", () => {
  it("takes shapes and values, also for names with colons", () => {
    expect(
      parseInputs(["x:1,3,224,224", "serving_default_x:0:N,8", "sr=16000", "shape=1,2,3", "t=-0.5", "s:"]),
    ).toEqual({
      inputShapes: { x: [1, 3, 224, 224], "serving_default_x:0": ["N", 8], s: [] },
      inputValues: { sr: 16000, shape: [1, 2, 3], t: -0.5 },
    });
    expect(parseInputs([])).toEqual({});
  });

  it.each(["x", "x:1,,3", "x:0,3", "x:1.5", "x:3,N", "x:99999999999", ":1,2", "x=", "=5", "x=1,,2", "x=1e999"])(
    "refuses %j and says how it is written",
    (text) => {
      expect(() => parseInputs([text])).toThrowError(
        expect.objectContaining({
          code: "usage",
          message: expect.stringContaining(text),
          hint: expect.stringContaining("name:1,3"),
        }),
      );
    },
  );

  it("refuses a name that comes twice", () => {
    expect(() => parseInputs(["x:1", "x=1"])).toThrowError(/"x" comes twice/);
  });
});
