import { describe, expect, it } from "vitest";
import { DEFAULT_ACCURACY_DROP } from "../../../pipeline/config.ts";
import { listProfiles, loadProfile } from "../../../src/cost/index.ts";
import { TARGETS, type Target } from "../../../targets/index.ts";
import { exists, read, tableAfter } from "./repository.ts";

const page = read("docs/targets.md");
const targets = Object.values(TARGETS);
const profiles = await Promise.all((await listProfiles()).map((name) => loadProfile(name)));

function othersThatFit(target: Target): string {
  const names = profiles
    .filter((profile) => profile.class === target.profileClass && profile.name !== target.defaults.profile)
    .map((profile) => profile.name);
  return names.length === 0 ? "-" : names.sort().join(", ");
}

/** The rows of the table of defaults, from the declarations. */
const rows: readonly (readonly [string, (target: Target) => string])[] = [
  ["profile", (t) => t.defaults.profile],
  ["other profiles that fit", othersThatFit],
  ["example model", (t) => t.defaults.model],
  [
    "limit when none is given",
    (t) =>
      Object.entries(t.relativeLimits)
        .map(([metric, share]) => `${100 * share} % of ${metric}`)
        .join(", "),
  ],
  ["criterion", (t) => t.sensitivity.criterion],
  [
    "shares measured for sensitivity",
    (t) => `${t.sensitivity.ratios.map((ratio) => String(100 * ratio)).join(", ")} %`,
  ],
  ["held-out samples for it", (t) => String(t.sensitivity.samples)],
  ["what is cut", (t) => t.granularity.join(", ")],
  ["fewest channels kept", (t) => String(t.minimumUnits)],
  ["channels in multiples of (or the profile's, if greater)", (t) => String(t.grain)],
  ["fine-tuning epochs, batch", (t) => `${t.recovery.epochs}, ${t.recovery.batch}`],
  ["learning rate, from a cosine", (t) => String(t.recovery.learningRate)],
  ["distillation: share, temperature", (t) => `${t.recovery.distillation}, ${t.recovery.temperature}`],
  ["sparsity", ({ sparsity: s }) => (s === null ? "-" : `${s.n}:${s.m}, ${s.epochs} epochs`)],
  ["artifacts", (t) => t.artifacts.join(", ")],
];

describe("docs/targets.md", () => {
  it("has the declared defaults, row by row", () => {
    const declared = rows.map(([title, cell]) => [title, ...targets.map(cell)]);
    expect(tableAfter(page, "## Defaults")).toEqual(declared);
  });

  it("has a section for each target", () => {
    expect(targets.filter(({ name }) => !page.includes(`\n## ${name}\n`))).toEqual([]);
  });

  it("states the accuracy that may be lost, as README.md and docs/cli.md do", () => {
    expect(page).toContain(`at most ${DEFAULT_ACCURACY_DROP} points below`);
    expect(read("README.md")).toContain(`At most ${DEFAULT_ACCURACY_DROP} points of accuracy`);
    expect(tableAfter(read("docs/cli.md"), "### Budget").at(-1)?.at(-1)).toBe(String(DEFAULT_ACCURACY_DROP));
  });

  it("has every rule, with its sentence and the targets that hold it", () => {
    const rules = new Map(targets.flatMap((target) => target.rules.map((rule) => [rule.id, rule])));
    const declared = [...rules.values()].map(({ id, says }) => [
      `\`${id}\``,
      says,
      targets
        .flatMap((target) => (target.rules.some((rule) => rule.id === id) ? [`\`${target.name}\``] : []))
        .join(", "),
    ]);
    expect(declared.length).toBeGreaterThan(0);
    expect(tableAfter(page, "## Rules")).toEqual(declared);
  });
});

it("README.md has a row for each target, and every default data set is there", () => {
  const named = tableAfter(read("README.md"), "## Targets").map(([name]) => name);
  expect(named).toEqual(targets.map(({ name }) => `\`${name}\``));
  expect(targets.filter(({ defaults }) => !exists(defaults.data))).toEqual([]);
});
