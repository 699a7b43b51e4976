/** Regenerates src/formats/onnx/codec/generated from onnx.proto with protoc-gen-es: npm run generate:onnx */
import { writeFile } from "node:fs/promises";
import { $ } from "zx";

const codec = "src/formats/onnx/codec";
const template = {
  version: "v2",
  plugins: [{ local: "protoc-gen-es", out: `${codec}/generated`, opt: ["target=ts", "import_extension=ts"] }],
};
await writeFile(`${codec}/buf.gen.json`, JSON.stringify(template));
try {
  await $`npx buf generate ${codec} --template ${codec}/buf.gen.json`;
} finally {
  await $`rm -f ${codec}/buf.gen.json`;
}
