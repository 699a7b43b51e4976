import { describe, expect, it } from "vitest";
import { commandOf } from "../../../pipeline/cli/deploy-command.ts";
import { renderFailure } from "../../../pipeline/cli/failure.ts";
import { EspalierError } from "../../../src/diagnostics/index.ts";

describe("the command in the report", () => {
  it("holds what changes the result, and no folder of this machine", () => {
    const text = commandOf({
      target: "mcu",
      model: "/home/ada/kws model.onnx",
      data: "clips/",
      profile: "../boards/mine.json",
      out: "/tmp/run",
      seed: 3,
      latency: 4,
      ram: 65536,
      epochs: 0.5,
      json: true,
      quiet: true,
    });
    expect(text).toBe(
      "espalier deploy --target mcu --model 'kws model.onnx' --data clips --profile mine.json --seed 3 --latency 4 --ram 65536 --epochs 0.5",
    );
  });

  it("quotes a name so that a shell gives it back", () => {
    expect(commandOf({ target: "cpu", model: "a'b.onnx" })).toBe("espalier deploy --target cpu --model 'a'\\''b.onnx'");
  });
});

describe("a failure as a person reads it", () => {
  const error = new EspalierError("input", "3 bytes, 4 are needed", { where: "m.onnx", hint: "Copy it again." });

  it("is fact, place and remedy without a stack", () => {
    expect(renderFailure(error, false)).toMatch(
      /error:.* 3 bytes, 4 are needed\n {2}at m\.onnx\n {2}Copy it again\.\n$/,
    );
    expect(renderFailure(error, false)).not.toContain(".ts:");
  });

  it("has the stack and the cause with --debug, and for a bug of ours always", () => {
    const caused = new EspalierError("input", "no", { cause: new TypeError("deep") });
    expect(renderFailure(caused, true)).toMatch(/command\.test\.ts:\d+[\s\S]*caused by: TypeError: deep/);
    expect(renderFailure(new EspalierError("internal", "internal: x"), false)).toMatch(
      /command\.test\.ts:\d+[\s\S]*bug/,
    );
    expect(renderFailure(new RangeError("y"), false)).toMatch(/internal error:.* RangeError: y[\s\S]*bug of Espalier/);
    expect(renderFailure("a text", false)).toContain("a text");
  });
});
