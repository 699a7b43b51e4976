import { describe, expect, it } from "vitest";
import { arenaHeader, missingInTflm, modelDataSource, opResolverHeader } from "../../../src/formats/c/index.ts";

describe("modelDataSource", () => {
  it("is a 16-aligned constant array in its own file, with a header", () => {
    const { cc, h } = modelDataSource(
      Uint8Array.from({ length: 18 }, (_, i) => i * 15),
      "kws_model",
    );
    expect(cc).toBe(`#include "kws_model.h"

alignas(16) const unsigned char kws_model[] = {
    0x00, 0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78, 0x87, 0x96, 0xa5, 0xb4, 0xc3, 0xd2, 0xe1,
    0xf0, 0xff,
};
const unsigned int kws_model_len = 18;
`);
    expect(h).toBe(`#ifndef KWS_MODEL_H_
#define KWS_MODEL_H_

// The .tflite file, 18 bytes, aligned to 16.
extern const unsigned char kws_model[];
extern const unsigned int kws_model_len;

#endif  // KWS_MODEL_H_
`);
  });

  it.each(["", "2fast", "a-b", "class", "a__b", "x\n#error", "é"])("refuses the name %j", (name) => {
    expect(() => modelDataSource(new Uint8Array(4), name)).toThrow("is not a C identifier");
  });
});

describe("opResolverHeader", () => {
  it("registers each operator once", () => {
    expect(opResolverHeader(["CONV_2D", "ADD", "CONV_2D", "MAX_POOL_2D"], "kws")).toBe(`#ifndef KWS_OP_RESOLVER_H_
#define KWS_OP_RESOLVER_H_

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

using KwsOpResolver = tflite::MicroMutableOpResolver<3>;

// Registers the 3 operators of the model.
inline TfLiteStatus RegisterKwsOps(KwsOpResolver& resolver) {
  if (resolver.AddAdd() != kTfLiteOk) return kTfLiteError;
  if (resolver.AddConv2D() != kTfLiteOk) return kTfLiteError;
  if (resolver.AddMaxPool2D() != kTfLiteOk) return kTfLiteError;
  return kTfLiteOk;
}

#endif  // KWS_OP_RESOLVER_H_
`);
  });

  it("refuses operators that TFLM does not have", () => {
    expect(missingInTflm(["ADD", "TILE", "TILE"])).toEqual(["TILE"]);
    expect(() => opResolverHeader(["ADD", "TILE"], "kws")).toThrow("TFLM has no kernel for TILE");
  });
});

describe("arenaHeader", () => {
  it("rounds up to 16 and states where the size comes from", () => {
    const header = arenaHeader(1001, "kws_model", "simulated,\nCortex-M4\\");
    expect(header).toContain("constexpr std::size_t kKwsModelArenaBytes = 1008;");
    expect(header).toContain("// Bytes of the tensor arena: simulated, Cortex-M4/.");
  });

  it.each([0, -16, 1.5, Number.NaN])("refuses %d bytes", (bytes) => {
    expect(() => arenaHeader(bytes)).toThrow("positive whole number");
  });
});
