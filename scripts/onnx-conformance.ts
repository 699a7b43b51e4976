/**
 * Runs the node tests of the ONNX backend suite through Espalier's reader and writer: npm run test:onnx -- FOLDER
 * (the folder that holds test_abs, test_add...). Ends with 1 when a test fails, or when one is refused for no stated reason.
 */

import { type CaseResult, type CaseStatus, runCase } from "../test/conformance/onnx-backend.ts";
import { exclusionOf } from "../test/conformance/onnx-backend-exclusions.ts";
import { listCases } from "../test/conformance/onnx-backend-files.ts";

const [suite, pattern = ""] = process.argv.slice(2);
if (suite === undefined) {
  process.stderr.write("Give the folder of the node tests: npm run test:onnx -- FOLDER [PART-OF-A-NAME]\n");
  process.exit(1);
}

const results: CaseResult[] = [];
for (const name of listCases(suite).filter((name) => name.includes(pattern))) results.push(await runCase(suite, name));

const count = (status: CaseStatus) => results.filter((result) => result.status === status);
const unexplained = count("refused").filter((result) => exclusionOf(result) === null);
const reasons = new Map<string, string[]>();
for (const result of count("refused")) {
  const reason = exclusionOf(result);
  if (reason !== null) reasons.set(reason, [...(reasons.get(reason) ?? []), result.name]);
}
const lines = [
  `${results.length} tests: ${count("passed").length} passed, ${count("bound").length} passed with operands bound, ${count("refused").length} refused, ` +
    `${count("runtime").length} that ONNX Runtime does not pass itself, ${count("failed").length} failed`,
  ...[...reasons].map(
    ([reason, names]) =>
      `  refused (${names.length}) ${reason}: ${names.slice(0, 4).join(", ")}${names.length > 4 ? ", ..." : ""}`,
  ),
  ...count("runtime")
    .slice(0, 60)
    .map(({ name, reason }) => `  runtime ${name}: ${reason}`),
  ...unexplained.map(({ name, reason }) => `  REFUSED ${name}: ${reason}`),
  ...count("failed").map(({ name, reason }) => `  FAILED ${name}: ${reason}`),
];
process.stdout.write(`${lines.join("\n")}\n`);
process.exitCode = count("failed").length + unexplained.length > 0 ? 1 : 0;
