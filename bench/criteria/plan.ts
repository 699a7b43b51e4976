import { CRITERIA, type CriterionName, type Normalisation, type RecoveryMethod } from "../../src/prune/index.ts";
import { ABLATION, DRAWS } from "./experiment.ts";
import type { Settings } from "./settings.ts";

/** By what units are chosen. */
export interface Choice {
  readonly criterion: CriterionName;
  readonly scope: "global" | "local";
  readonly normalisation: Normalisation;
  /** Seed of the scores, for `random`. */
  readonly draw: number;
  /** What brings back without labels what the cut loses; default nothing. */
  readonly recovery?: RecoveryMethod;
}

/** One thing to measure; its `key` names the figures in the store. */
export type Case =
  | { readonly kind: "reference"; readonly key: string; readonly seed: number }
  | { readonly kind: "cost"; readonly key: string; readonly criterion: CriterionName }
  | { readonly kind: "ablation"; readonly key: string; readonly group: string }
  | { readonly kind: "agreement"; readonly key: string; readonly criterion: CriterionName; readonly draw: number }
  | { readonly kind: "cut"; readonly key: string; readonly ratio: number; readonly choice: Choice }
  | {
      readonly kind: "tune";
      readonly key: string;
      readonly ratio: number;
      readonly choice: Choice;
      readonly seed: number;
    }
  | {
      readonly kind: "scratch";
      readonly key: string;
      readonly ratio: number;
      readonly epochs: number;
      readonly seed: number;
    };

/** The defaults of `scoreGroups` and of this benchmark, which the table of criteria keeps to. */
export const USUAL = { scope: "global", normalisation: "mean" } as const;
/** Epochs of the control from scratch: as many as fine-tuning, and as many as the reference model had. */
export const SCRATCH_EPOCHS = [1, 14] as const;
/** Criteria that see nothing of a network without attention. */
export const BLIND: readonly string[] = ["attention-entropy"];

export const NAMES = Object.keys(CRITERIA).filter((name) => !BLIND.includes(name)) as CriterionName[];

export function usual(criterion: CriterionName, draw = 0): Choice {
  return { criterion, ...USUAL, draw };
}

/** Choices of the table of scopes and normalisations; "local" takes the same units whatever the normalisation. */
export const SELECTIONS: readonly Choice[] = [
  ...(["none", "mean", "max", "l2", "lamp"] as const).map(
    (normalisation): Choice => ({ criterion: "l1", scope: "global", normalisation, draw: 0 }),
  ),
  { criterion: "l1", scope: "local", normalisation: "mean", draw: 0 },
];

/** Choices of the table of refitted weights: the criterion that reckons with it, and the plainest and the best of those that do not. */
export const REFITTED: readonly Choice[] = (["l1", "thinet", "obs"] as const).map((name) => ({
  ...usual(name),
  recovery: "least-squares+batch-norm",
}));

export function drawsOf(criterion: CriterionName): readonly number[] {
  return criterion === "random" ? DRAWS : [0];
}

/** The same share of each group, for the table of scopes: cuts only, which are not tuned. */
export function local(criterion: CriterionName, draw = 0): Choice {
  return { ...usual(criterion, draw), scope: "local" };
}

export function cutKey(ratio: number, { criterion, scope, normalisation, draw, recovery }: Choice): string {
  return [`${ratio}x`, criterion, scope, normalisation, draw, ...(recovery === undefined ? [] : [recovery])].join("/");
}

export const referenceKey = (seed: number) => `reference/${seed}`;
export const ablationKey = (group: string) => `ablation/${ABLATION}/${group}`;
export const agreementKey = (criterion: CriterionName, draw: number) => `agreement/${criterion}/${draw}`;
export const costKey = (criterion: CriterionName) => `cost/${criterion}`;
export const tuneKey = (ratio: number, choice: Choice, seed: number) => `${cutKey(ratio, choice)}/tune${seed}`;
export const scratchKey = (ratio: number, epochs: number, seed: number) => `${ratio}x/scratch/${epochs}/${seed}`;

/** What each unit is worth, then what each criterion makes of it. */
function agreements(groups: readonly string[]): Case[] {
  return [
    ...groups.map((group): Case => ({ kind: "ablation", key: ablationKey(group), group })),
    ...NAMES.flatMap((criterion) =>
      drawsOf(criterion).map(
        (draw): Case => ({ kind: "agreement", key: agreementKey(criterion, draw), criterion, draw }),
      ),
    ),
  ];
}

/** What to measure, the most telling first. Draws of `random` and the control from scratch take the first seed only. */
export function plan({ only, seeds, ratios }: Settings, groups: readonly string[]): Case[] {
  const names = NAMES.filter((name) => only.has(name));
  const choices = names.flatMap((name) => drawsOf(name).map((draw) => usual(name, draw)));
  const selections = [...(only.has("selection") ? SELECTIONS : []), ...(only.has("refitted") ? REFITTED : [])];
  const locals = only.has("scopes") ? NAMES.flatMap((name) => drawsOf(name).map((draw) => local(name, draw))) : [];
  const first = seeds[0] ?? 1;
  const cutsOf = (list: readonly Choice[]) =>
    ratios.flatMap((ratio) => list.map((choice): Case => ({ kind: "cut", key: cutKey(ratio, choice), ratio, choice })));
  const tuningsOf = (list: readonly Choice[], seed: number) =>
    ratios.flatMap((ratio) =>
      list
        .filter((choice) => seed === first || choice.criterion !== "random")
        .map((choice): Case => ({ kind: "tune", key: tuneKey(ratio, choice, seed), ratio, choice, seed })),
    );
  const scratch = SCRATCH_EPOCHS.flatMap((epochs) =>
    ratios.map(
      (ratio): Case => ({ kind: "scratch", key: scratchKey(ratio, epochs, first), ratio, epochs, seed: first }),
    ),
  );
  const all: Case[] = [
    ...names.map((criterion): Case => ({ kind: "cost", key: costKey(criterion), criterion })),
    ...(only.has("agreement") ? agreements(groups) : []),
    ...cutsOf([...choices, ...selections, ...locals]),
    ...(only.has("reference") ? [{ kind: "reference", key: referenceKey(first), seed: first } satisfies Case] : []),
    ...tuningsOf(choices, first),
    ...(only.has("scratch") ? scratch : []),
    ...tuningsOf(selections, first),
    ...seeds.slice(1).flatMap((seed) => tuningsOf([...choices, ...selections], seed)),
  ];
  return [...new Map(all.map((one) => [one.key, one])).values()];
}
