/**
 * Prunes every model below a folder: `npm run test:prune-zoo -- FOLDER [--filter text] [--json] [--timeout seconds]`.
 *
 * Each .onnx, .tflite and model.json, also inside .tar files, is read and brought into canonical form. One line says its groups, what is
 * frozen and why, the MACs and parameters that are left when half of all channel units go (the lowest magnitudes, wherever they are; less
 * where the groups do not allow it), and how far the masked original and the cut graph differ at most in ONNX Runtime on seeded inputs,
 * with 90, 70, 50 and 30 % of the units left. Groups of whole rows are cut and proved one by one. Exit code 1 when any line says FAIL: a
 * difference above the tolerance, a crash, or no answer in time. What the import refuses is listed with its cause and judged by
 * `npm run test:zoo`.
 */
import { renderPruneRow } from "../pipeline/prune-zoo/row.ts";
import { runPruneZoo } from "../pipeline/prune-zoo/run-prune-zoo.ts";
import { runZooScript } from "./zoo-script.ts";

await runZooScript({
  script: "test:prune-zoo",
  statuses: ["ok", "whole", "unproved", "refused", "FAIL"],
  render: renderPruneRow,
  run: runPruneZoo,
});
