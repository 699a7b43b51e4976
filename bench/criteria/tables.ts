import { CRITERIA } from "../../src/prune/index.ts";
import { type Experiment, SCRATCH } from "./experiment.ts";
import {
  agreementKey,
  BLIND,
  type Choice,
  costKey,
  cutKey,
  drawsOf,
  local,
  NAMES,
  REFITTED,
  referenceKey,
  SCRATCH_EPOCHS,
  SELECTIONS,
  scratchKey,
  tuneKey,
  usual,
} from "./plan.ts";
import { RATIOS } from "./settings.ts";
import type { Store } from "./store.ts";

/** Seeds that a store may hold results of. */
const SEEDS = Array.from({ length: 10 }, (_, seed) => seed);

/** The Markdown tables by name; what has not been measured is "-". */
export function tables(experiment: Experiment, store: Store): ReadonlyMap<string, string> {
  return new Map([
    ["controls", controls(experiment, store)],
    ["criteria", criteria(store)],
    ["selection", selection(store)],
    ["scopes", scopes(store)],
    ["refitted", refitted(store)],
    ["agreement", agreement(experiment, store)],
  ]);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The mean in per cent, with the range where there are several values. */
function percent(values: readonly number[], digits = 1): string {
  if (values.length === 0) return "-";
  const show = (value: number) => (100 * value).toFixed(digits);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return values.length === 1 ? show(mean(values)) : `${show(mean(values))} (${show(least)} to ${show(most)})`;
}

/** The figures of a choice at a ratio, over the given draws and all seeds that were measured. */
function cells(store: Store, ratio: number, choices: readonly Choice[]): string[] {
  const cut = choices.map((choice) => store.get(cutKey(ratio, choice))).filter((figures) => figures !== undefined);
  const tuned = choices.flatMap((choice) =>
    SEEDS.flatMap((seed) => store.get(tuneKey(ratio, choice, seed))?.accuracy ?? []),
  );
  const of = (name: string) => cut.map((figures) => figures[name]!);
  return [percent(of("cut")), percent(of("reestimated")), percent(tuned)];
}

const HEAD = RATIOS.flatMap((ratio) => [`${ratio}x: cut`, "re-estimated", "1 epoch"]);

function criteria(store: Store): string {
  const rows = NAMES.map((name) => {
    const choices = drawsOf(name).map((draw) => usual(name, draw));
    const seconds = store.get(costKey(name))?.seconds;
    const cost = seconds === undefined ? "-" : seconds < 0.1 ? "< 0.1 s" : `${seconds.toFixed(1)} s`;
    return [`\`${name}\``, CRITERIA[name].needs, ...RATIOS.flatMap((ratio) => cells(store, ratio, choices)), cost];
  });
  const blind = BLIND.map((name) => [`\`${name}\``, "activations", ...HEAD.map(() => "n/a"), "n/a"]);
  return table(["criterion", "needs", ...HEAD, "cost"], [...rows, ...blind]);
}

function selection(store: Store): string {
  const rows = SELECTIONS.map((choice) => [
    choice.scope,
    choice.scope === "local" ? "any" : `\`${choice.normalisation}\``,
    ...RATIOS.flatMap((ratio) => cells(store, ratio, [choice])),
  ]);
  return table(["scope", "normalisation", ...HEAD], rows);
}

function scopes(store: Store): string {
  const rows = NAMES.map((name) => [
    `\`${name}\``,
    ...RATIOS.flatMap((ratio) =>
      [usual, local].map(
        (choice) =>
          cells(
            store,
            ratio,
            drawsOf(name).map((draw) => choice(name, draw)),
          )[1]!,
      ),
    ),
  ]);
  const head = RATIOS.flatMap((ratio) => [`${ratio}x: global`, "local"]);
  return table(["criterion", ...head], rows);
}

function agreement({ channels }: Experiment, store: Store): string {
  const rows = NAMES.map((name) => {
    const found = drawsOf(name)
      .map((draw) => store.get(agreementKey(name, draw)))
      .filter((figures) => figures !== undefined);
    const of = (group: string) =>
      found.length === 0
        ? "-"
        : mean(found.map((figures) => figures[group]!))
            .toFixed(2)
            .replace("-0.00", "0.00");
    return [`\`${name}\``, ...channels.map((group) => of(group.name))];
  });
  return table(["criterion", ...channels.map(({ name }) => `\`${name.replace(".weight", "")}\``)], rows);
}

function refitted(store: Store): string {
  const rows = REFITTED.map((choice) => [
    `\`${choice.criterion}\``,
    ...RATIOS.flatMap((ratio) => cells(store, ratio, [choice])),
  ]);
  return table(["criterion", ...HEAD.map((title) => title.replace("cut", "refitted"))], rows);
}

function controls({ test }: Experiment, store: Store): string {
  const of = (key: string, name = "accuracy") => SEEDS.flatMap((seed) => store.get(`${key}${seed}`)?.[name] ?? []);
  const reference = referenceKey(0).slice(0, -1);
  const error = (values: readonly number[]) =>
    values.length === 0 ? "-" : (100 * Math.sqrt((mean(values) * (1 - mean(values))) / test.length)).toFixed(2);
  const row = (title: string, macs: string, values: readonly number[]) => [
    title,
    macs,
    percent(values, 2),
    error(values),
  ];
  return table(
    ["control", "MACs", "test accuracy, %", "standard error"],
    [
      row("the reference model", "1x", of(reference)),
      row("the reference model after one epoch more", "1x", of(reference, "tuned")),
      ...SCRATCH_EPOCHS.flatMap((epochs) =>
        RATIOS.map((ratio) => {
          const own = epochs === SCRATCH.epochs ? ", as many as the reference" : "";
          const title = `the network of the \`l1\` cut from fresh weights, ${epochs} epoch${epochs === 1 ? "" : `s${own}`}`;
          return row(title, `${ratio}x fewer`, of(scratchKey(ratio, epochs, 0).slice(0, -1)));
        }),
      ),
    ],
  );
}
