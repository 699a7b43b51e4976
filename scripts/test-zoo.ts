/**
 * Tries every model below a folder: `npm run test:zoo -- FOLDER [--filter text] [--json] [--timeout seconds]`.
 *
 * Each .onnx, .tflite and model.json, also inside .tar files, is read, brought into canonical form, written as ONNX and run
 * in ONNX Runtime; the original runs in its own runtime on the same seeded inputs; one line tells the largest difference.
 * Files whose name starts with neg_ must be refused. Exit code 1 when any line says FAIL.
 */
import { renderRow } from "../pipeline/zoo/row.ts";
import { runZoo } from "../pipeline/zoo/run-zoo.ts";
import { runZooScript } from "./zoo-script.ts";

await runZooScript({
  script: "test:zoo",
  statuses: ["ok", "refused", "unrun", "FAIL"],
  render: renderRow,
  run: runZoo,
});
