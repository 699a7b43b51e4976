import type { Graph } from "../../src/ir/index.ts";
import { type Cut, cutGraph, recover } from "../../src/prune/index.ts";
import { evaluate, initialised, reestimateBatchNorm, shiftAndFlip, train } from "../../src/train/index.ts";
import { ablate, agreement } from "./ablation.ts";
import { AUGMENTATION, type Experiment, macsIn, REESTIMATE, SCRATCH, TUNING } from "./experiment.ts";
import { type Case, type Choice, cutKey, usual } from "./plan.ts";
import { reach, scoresFor } from "./reach.ts";
import type { Settings } from "./settings.ts";
import type { Figures, Store } from "./store.ts";

/** Measures what the store does not have, several cases at a time; costs alone, because they are times. */
export async function measureAll(
  experiment: Experiment,
  store: Store,
  cases: readonly Case[],
  { workers, fresh }: Settings,
): Promise<void> {
  const open = cases.filter(({ key }) => fresh || store.get(key) === undefined);
  let done = 0;
  const work = async (queue: Case[]): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const figures = await measure(experiment, store, next);
      store.put(next.key, figures);
      const shown = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(4)}`);
      process.stderr.write(`${++done} of ${open.length}: ${next.key}: ${shown.join(", ")}\n`);
    }
  };
  const share = async (kinds: readonly Case["kind"][], width: number) => {
    const queue = open.filter(({ kind }) => kinds.includes(kind));
    await Promise.all(Array.from({ length: width }, () => work(queue)));
  };
  await share(["cost"], 1);
  await share(["ablation"], workers);
  await share(["agreement", "reference", "cut", "tune", "scratch"], workers);
}

async function measure(experiment: Experiment, store: Store, one: Case): Promise<Figures> {
  const { graph, train: images } = experiment;
  const accuracyOf = async (model: Graph) => (await evaluate(model, experiment.test, { threads: 1 })).accuracy;
  if (one.kind === "cost") {
    const start = process.cpuUsage();
    await scoresFor(experiment, usual(one.criterion));
    const { user, system } = process.cpuUsage(start);
    return { seconds: (user + system) / 1e6 };
  }
  if (one.kind === "ablation") return ablate(experiment, experiment.channels.find(({ name }) => name === one.group)!);
  if (one.kind === "agreement") return agreement(experiment, store, one.criterion, one.draw);
  if (one.kind === "reference")
    return {
      accuracy: await accuracyOf(graph),
      tuned: await accuracyOf(await trained(experiment, graph, TUNING, one.seed)),
    };
  if (one.kind === "scratch") {
    const { small } = await cutBy(experiment, one.ratio, usual("l1"));
    const options = { ...SCRATCH, epochs: one.epochs };
    return { accuracy: await accuracyOf(await trained(experiment, initialised(small, one.seed), options, one.seed)) };
  }
  const { small, kept } = await cutBy(experiment, one.ratio, one.choice);
  const adapted = await reestimateBatchNorm(small, images, { ...REESTIMATE, threads: 1 });
  if (one.kind === "tune") return { accuracy: await accuracyOf(await trained(experiment, adapted, TUNING, one.seed)) };
  const macs = macsIn(small) / experiment.macs;
  return { macs, cut: await accuracyOf(small), reestimated: await accuracyOf(adapted), ...kept };
}

/** Cuts that were chosen in this run: tuning takes the same as measuring before it. */
const chosen = new Map<string, Promise<Cut>>();

/** The graph cut by a choice, and the channels that each group keeps. */
async function cutBy(experiment: Experiment, ratio: number, choice: Choice) {
  const { graph, groups, channels } = experiment;
  const key = cutKey(ratio, choice);
  const own =
    chosen.get(key) ?? scoresFor(experiment, choice).then((scores) => reach(experiment, scores, ratio, choice.scope));
  chosen.set(key, own);
  const cut = await own;
  const kept = Object.fromEntries(
    channels.map(({ name, units }) => [`kept ${name}`, units.filter(({ id }) => !cut.has(id)).length]),
  );
  const { recovery: method } = choice;
  if (method === undefined) return { small: cutGraph(graph, groups, cut), kept };
  return { small: (await recover(graph, groups, cut, experiment.train, { method, threads: 1 })).graph, kept };
}

async function trained(
  experiment: Experiment,
  graph: Graph,
  options: Parameters<typeof train>[2],
  seed: number,
): Promise<Graph> {
  const augment = shiftAndFlip(AUGMENTATION);
  return (await train(graph, experiment.train, { ...options, seed, threads: 1, augment })).graph;
}
