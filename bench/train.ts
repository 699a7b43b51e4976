/**
 * Training throughput: the step beside three bare forward passes (the floor: they do the same number of MACs), the same step in TF.js, and for ResNet-8 the
 * prototype that the design rests on. npm run bench -- train [--nets=resnet8-32,mlp] [--seconds=8] [--threads=2] [--no-tfjs]
 */
import { availableParallelism } from "node:os";
import { EspalierError, suggestion } from "../src/diagnostics/index.ts";
import { macsOf } from "../src/ops/index.ts";
import { type OrtOptions, openOrt } from "../src/runtimes/onnxruntime.ts";
import { float32, seededRandom, type Tensor } from "../src/tensor/index.ts";
import { bindBatch, openStepper, smoothedTargets, trainingGraph } from "../src/train/index.ts";
import { median, timeInTurn } from "./training/in-turn.ts";
import { NETS, type Net } from "./training/nets.ts";
import { prototypeStep } from "./training/prototype.ts";
import { openTfjsStep } from "./training/tfjs-step.ts";

interface Settings {
  readonly nets: readonly string[];
  /** For each network, without TF.js. */
  readonly seconds: number;
  readonly threads: number;
  readonly tfjs: boolean;
}

function settings(): Settings {
  const options = process.argv.filter((text) => text.startsWith("--"));
  const given = new Map(options.map((text) => [text.slice(2).split("=")[0]!, text.split("=")[1] ?? ""] as const));
  const nets = given.get("nets")?.split(",") ?? Object.keys(NETS);
  for (const name of nets)
    if (!Object.hasOwn(NETS, name))
      throw new EspalierError("usage", `There is no network "${name}"`, { hint: suggestion(name, Object.keys(NETS)) });
  const seconds = Number(given.get("seconds") ?? 8);
  return {
    nets,
    seconds,
    threads: Number(given.get("threads") ?? availableParallelism()),
    tfjs: !given.has("no-tfjs"),
  };
}

function batchOf({ sample, classes }: Net, batch: number) {
  const random = seededRandom(1, "bench");
  const [channels, height, width] = sample;
  const samples = float32(
    [batch, channels, height, width],
    Float32Array.from({ length: batch * channels * height * width }, () => random.normal()),
  );
  const labels = Array.from({ length: batch }, (_, i) => i % classes);
  return { samples, target: smoothedTargets(labels, classes, 0) };
}

/** The prototype's step, its weights carried over from step to step. */
async function openPrototype(batch: number, options: OrtOptions, feeds: Record<string, Tensor>) {
  const { graph, weights } = prototypeStep(batch);
  const session = await openOrt(graph, options);
  const state: Record<string, Tensor> = Object.fromEntries(weights);
  return {
    run: async () => {
      const results = await session.run({ ...feeds, ...state });
      for (const name of Object.keys(state)) state[name] = results[`next:${name}`]!;
    },
    close: () => session.close(),
  };
}

/** Milliseconds of each contestant by name, one entry a round. */
async function measure(name: string, net: Net, { seconds, threads }: Settings): Promise<Map<string, number[]>> {
  // The same for all: threads that wait asleep, since several sessions share the cores.
  const options = { threads, spinning: false };
  const graph = net.build();
  const { samples, target } = batchOf(net, net.batch);
  const forward = await openOrt(bindBatch(graph, net.batch), options);
  const stepper = await openStepper(trainingGraph(graph, { batch: net.batch, optimiser: { kind: "sgd" } }), threads);
  const rate = float32([], [1e-3]);
  const prototype = name === "resnet8-32" ? await openPrototype(net.batch, options, { samples, target, rate }) : null;
  try {
    const input = forward.inputNames[0]!;
    return await timeInTurn(
      [
        {
          name: "floor",
          run: async () => {
            for (let pass = 0; pass < 3; pass++) await forward.run({ [input]: samples });
          },
        },
        { name: "step", run: () => stepper.step({ samples, target, rate: 1e-3, corrections: [] }) },
        ...(prototype === null ? [] : [{ name: "prototype", run: prototype.run }]),
      ],
      seconds,
    );
  } finally {
    await forward.close();
    await stepper.close();
    await prototype?.close();
  }
}

/** The second step where the first takes less than a second, else the first. */
async function measureTfjs(net: Net, { batch, backend }: Exclude<Net["tfjs"], string>) {
  const { samples, target } = batchOf(net, batch);
  const step = await openTfjsStep(bindBatch(net.build(), batch), samples, target, backend);
  let ms = 0;
  for (let i = 0; i < 2 && ms < 1000; i++) {
    const start = performance.now();
    step.run();
    ms = performance.now() - start;
  }
  step.close();
  return { backend: step.backend, ms };
}

/** A training step does three times the MACs of a forward pass. */
function line(what: string, ms: number, batch: number, macs: number, note = ""): string {
  const images = (1000 * batch) / ms;
  const gflops = (6 * macs * images) / 1e9;
  return `  ${what.padEnd(30)} ${ms.toFixed(1).padStart(8)} ms ${images.toFixed(images < 10 ? 2 : 0).padStart(7)} images/s ${gflops.toFixed(gflops < 10 ? 2 : 1).padStart(6)} GFLOP/s${note}\n`;
}

async function report(name: string, chosen: Settings): Promise<void> {
  const net = NETS[name]!;
  const graph = net.build();
  const macs = graph.nodes.reduce((sum, node) => sum + macsOf(graph, node), 0);
  const times = await measure(name, net, chosen);
  const [floor, step, prototype] = ["floor", "step", "prototype"].map((key) => times.get(key));
  const over = (a: readonly number[], b: readonly number[]) => median(a.map((ms, i) => ms / b[i]!));
  const print = (text: string): void => {
    process.stdout.write(text);
  };
  print(`${net.title}, batch ${net.batch}, ${(macs / 1e6).toFixed(1)} M MACs an image, ${step!.length} rounds\n`);
  print(line("three forward passes (floor)", median(floor!), net.batch, macs));
  const best = Math.min(...step!) / Math.min(...floor!);
  const ratio = `  ${over(step!, floor!).toFixed(2)} x floor (best rounds ${best.toFixed(2)})`;
  print(line("training step", median(step!), net.batch, macs, ratio));
  if (prototype !== undefined)
    print(
      line(
        "prototype's step",
        median(prototype),
        net.batch,
        macs,
        `  step ${over(prototype, step!).toFixed(2)} x as fast`,
      ),
    );
  if (!chosen.tfjs) return;
  if (typeof net.tfjs === "string") return print(`  TF.js: left out, ${net.tfjs}\n`);
  const { batch } = net.tfjs;
  const { backend, ms } = await measureTfjs(net, net.tfjs);
  const faster = ms / batch / (median(step!) / net.batch);
  print(line(`TF.js (${backend}), batch ${batch}`, ms, batch, macs, `  step ${faster.toFixed(0)} x as fast`));
}

const chosen = settings();
process.stdout.write(`Medians; contestants take turns; ${chosen.threads} threads; SGD with momentum 0.9\n`);
for (const name of chosen.nets) await report(name, chosen);
