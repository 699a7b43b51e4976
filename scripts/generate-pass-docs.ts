import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deploySteps, importSteps, PASSES, type PipelineStep } from "../src/passes/index.ts";
import type { Pass } from "../src/rewrite/index.ts";

const introduction = `# Passes

This page is generated from the declarations in \`src/passes/\` by \`npx tsx scripts/generate-pass-docs.ts\`; a test keeps it fresh.

A pass rewrites a graph into one with the same outputs. It is a value: a name, a summary, an example, and either *rules* or a function of
the whole graph. A rule looks at one node and answers with a *patch* (new constants and nodes, and the old values that they stand in for) or
with null. The driver applies patches until no rule matches. It refuses a patch that changes the type of a value, notices a graph that comes
back to an earlier form, and counts its steps, so that rules which undo each other end in an error that names them. Values that stand in for
others take their names, and the names of a graph's inputs and outputs never change.

\`\`\`ts
import { importPipeline, runPasses } from "../src/passes/index.ts";

const trace: TraceEntry[] = [];
const imported = runPasses(graph, importPipeline, { trace }); // passes as values
const folded = runPasses(imported, ["fold-batch-norm"]); // or by name
\`\`\`

The runner validates the graph after every pass that changed it. When a pass fails, the error names it and those that ran before. The trace
lists each applied rule with its node; \`stopAfter\` ends a run after so many applications, which bisects a wrong rewrite.

**To add a pass**: write \`src/passes/<name>.ts\` with its example, list it in \`registry.ts\`, and give it a place with a reason in
\`pipelines.ts\` if it belongs there. Its example is then run by a test, its outputs are compared in ONNX Runtime on random networks, and it is
checked to be idempotent. Run the generator for this page.
`;

function pipelineSection(title: string, about: string, steps: readonly PipelineStep[]): string {
  const rows = steps.map(({ pass, because }, i) => `| ${i + 1} | [${pass.name}](#${pass.name}) | ${because} |`);
  return `## ${title}\n\n${about}\n\n| | pass | why here |\n|---|---|---|\n${rows.join("\n")}\n`;
}

function passSection(pass: Pass): string {
  const rules = pass.rules?.map((rule) => `\`${rule.name}\``).join(", ");
  const conditions = [
    pass.requires === undefined ? [] : [`Requires that ${pass.requires.says}.`],
    pass.ensures === undefined ? [] : [`Ensures that ${pass.ensures.says}.`],
  ].flat();
  const prose = [pass.summary, pass.details ?? [], conditions, rules === undefined ? [] : `Rules: ${rules}.`].flat();
  return `## ${pass.name}\n\n${prose.join("\n\n")}\n\nBefore:\n\n\`\`\`\n${pass.example.before}\`\`\`\n\nAfter:\n\n\`\`\`\n${pass.example.after}\`\`\`\n`;
}

/** The text of docs/passes.md. */
export function renderPassDocs(): string {
  return [
    introduction,
    pipelineSection(
      "The import pipeline",
      "From a model as it was exported to the graph that is trained and pruned.",
      importSteps,
    ),
    pipelineSection("The deploy pipeline", "From the trained graph to the one that is emitted.", deploySteps),
    ...[...PASSES.values()].map(passSection),
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL("../docs/passes.md", import.meta.url), renderPassDocs());
