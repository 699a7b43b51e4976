import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ModelEvaluation } from "../../../pipeline/evaluate/evaluate-model.ts";
import type { Training } from "../../../pipeline/training/result.ts";
import { readOnnx, writeOnnx } from "../../../src/formats/onnx/index.ts";
import { writeTflite } from "../../../src/formats/tflite/index.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { editGraph, newBuilder } from "../../../src/ops/index.ts";
import { answer } from "../../fixtures/e2e/in-process.ts";
import { SMALL, tinyModel, writeTinyData } from "../../fixtures/e2e/tiny-inputs.ts";
import { idx } from "../data/write-idx.ts";

let folder = "";
let data = "";
let model = "";
const path = (name: string) => join(folder, name);
const out = () => path("out.onnx");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "espalier-training-"));
  data = path("corners");
  writeTinyData(data, { train: 320, test: 80 });
  const builder = editGraph(tinyModel(1, SMALL));
  builder.setMetadata({ author: "somebody" });
  writeFileSync(path("new.onnx"), writeOnnx(builder.build()));
  model = path("model.onnx");
  const { code } = await answer([
    "finetune",
    path("new.onnx"),
    "--data",
    data,
    "--rate",
    "0.05",
    "--epochs",
    "5",
    "--batch",
    "16",
    "--out",
    model,
  ]);
  expect(code).toBe(0);
});
beforeEach(() => {
  rmSync(out(), { force: true });
  rmSync(`${out()}.checkpoint`, { force: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function trained(...args: string[]): Promise<Training> {
  const { code, stdout, stderr } = await answer([...args, "--data", data, "--out", out(), "--json", "--quiet"]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Training;
}

describe("train", () => {
  it("makes an architecture as large as the data, and writes a model that knows them", async () => {
    const result = await trained(
      "train",
      "resnet8",
      "--epochs",
      "2",
      "--batch",
      "16",
      "--augment",
      "shift:1,mixup:0.1",
    );
    expect(result).toMatchObject({
      schema: 1,
      model: "resnet8",
      startedFrom: null,
      stoppedEarly: false,
      data: { train: 288, heldOut: 32, test: 80 },
    });
    expect(result.after.accuracy).toBeGreaterThan(0.9);
    const graph = readOnnx(readFileSync(out()));
    expect(graph.values.get(graph.inputs[0]!)!.type.shape).toEqual(["N", 1, 8, 8]);
    expect(graph.values.get(graph.outputs[0]!)!.type.shape).toEqual(["N", 4]);
    expect(existsSync(`${out()}.checkpoint`)).toBe(false);
  });

  it("starts a model file from new weights of the seed", async () => {
    const run = (seed: string) => trained("train", model, "--epochs", "0.2", "--seed", seed, "--force");
    const [one, again, other] = [await run("1"), await run("1"), await run("2")];
    expect(again.sha256).toBe(one.sha256);
    expect(other.sha256).not.toBe(one.sha256);
    expect(one.before.accuracy).toBeLessThan(0.6);
  });
});

describe("finetune", () => {
  it("goes on from the model, keeps its metadata and its structure", async () => {
    const result = await trained(
      "finetune",
      model,
      "--epochs",
      "1",
      "--optimiser",
      "adamw",
      "--schedule",
      "one-cycle",
      "--ema",
      "0.9",
      "--clip",
      "1",
    );
    expect(result.before.accuracy).toBeGreaterThan(0.9);
    expect(result.after.accuracy).toBeGreaterThanOrEqual(result.before.accuracy - 0.02);
    const [before, after] = [model, out()].map((file) => readOnnx(readFileSync(file)));
    expect(after!.metadata.author).toBe("somebody");
    expect(after!.nodes.map(({ op }) => op)).toEqual(before!.nodes.map(({ op }) => op));
  });

  const constants = (file: string) => {
    const graph: Graph = readOnnx(readFileSync(file));
    return new Map(
      [...graph.values.values()].flatMap(({ name, data: own }) =>
        own === undefined ? [] : [[name, own.data] as const],
      ),
    );
  };

  it("leaves frozen weights and trains adapters", async () => {
    await trained("finetune", model, "--epochs", "0.5", "--freeze", "stem*", "--freeze", "depthwise*");
    const [before, frozen] = [constants(model), constants(out())];
    const changed = (after: typeof before) =>
      [...before].filter(([name, own]) => own.toString() !== after.get(name)!.toString()).map(([name]) => name);
    expect(changed(frozen).some((name) => name.startsWith("wide"))).toBe(true);
    expect(changed(frozen).some((name) => /^(stem|depthwise)/.test(name))).toBe(false);
    await trained("finetune", model, "--epochs", "0.5", "--lora", "2", "--force");
    expect(changed(constants(out())).sort()).toEqual(["classifier.weight", "pointwise.weight"]);
  });

  it("learns from a teacher, and without labels from the model as it was", async () => {
    const taught = await trained(
      "finetune",
      path("new.onnx"),
      "--teacher",
      model,
      "--teacher-weight",
      "1",
      "--temperature",
      "4",
      "--rate",
      "0.05",
      "--epochs",
      "5",
      "--batch",
      "16",
    );
    expect(taught.after.accuracy).toBeGreaterThan(0.9);
    const alone = await trained("finetune", model, "--no-labels", "--epochs", "1", "--rate", "0.001", "--force");
    expect(alone.epochs[0]!.loss).toBeLessThan(0.1);
  });

  it("says on standard error how far it is, and in the end what came of it", async () => {
    const { code, stdout, stderr } = await answer(["finetune", model, "--data", data, "--out", out(), "--epochs", "1"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^finetune: 288 samples, 32 held out, batches of 64$/m);
    expect(stderr).toMatch(/epoch 1: loss [\d.]+, accuracy [\d.]+ %; held-out loss [\d.]+/);
    expect(stdout).toMatch(/Test accuracy on 80 samples:\n {2}before [\d.]+ %, loss [\d.]+\n {2}after {2}[\d.]+ %/);
    expect(stdout).toContain(`Written: ${out()}`);
  });
});

describe("a run that Ctrl-C stops", () => {
  it("leaves a checkpoint, and goes on from it to the same bytes", async () => {
    const args = [
      "finetune",
      model,
      "--data",
      data,
      "--out",
      out(),
      "--epochs",
      "8",
      "--ema",
      "0.9",
      "--augment",
      "shift:1",
    ];
    const whole = await answer([...args, "--quiet"]);
    const bytes = readFileSync(out());
    rmSync(out());
    const stop = setInterval(() => {
      if (!existsSync(`${out()}.checkpoint`)) return;
      clearInterval(stop);
      process.emit("SIGINT"); // a terminal and npm together send it twice
      process.emit("SIGINT");
    }, 5);
    const first = await answer(args);
    clearInterval(stop);
    expect(first.code).toBe(130);
    expect(first.stderr).toContain("--resume");
    expect(existsSync(out())).toBe(false);
    const second = await answer([...args, "--resume"]);
    expect([whole.code, second.code]).toEqual([0, 0]);
    expect(second.stderr.match(/epoch \d/g)!.length).toBeLessThan(8);
    expect(readFileSync(out()).equals(bytes)).toBe(true);
  });

  it("cannot be resumed otherwise, or when there is none", async () => {
    const run = (...args: string[]) => answer(["finetune", model, "--data", data, "--out", out(), ...args, "--quiet"]);
    const missing = await run("--resume");
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("The checkpoint does not exist");
    writeFileSync(`${out()}.checkpoint`, "nonsense");
    expect((await run("--resume")).stderr).toContain("not a checkpoint");
  });
});

describe("what does not fit", () => {
  it.each([
    [() => ["finetune", model], "--data is missing"],
    [() => ["train", "resnt8", "--data", data], 'Did you mean "resnet8"?'],
    [() => ["finetune", model, "--data", data, "--out", path("x.tflite")], "must end in .onnx"],
    [() => ["finetune", model, "--data", data, "--out", model], "The output exists already"],
    [() => ["finetune", model, "--data", data, "--out", path("no/x.onnx")], "folder of the output does not exist"],
    [() => ["finetune", model, "--data", data, "--freeze", "nothing*"], 'No trainable weight is called "nothing*"'],
    [() => ["finetune", model, "--data", data, "--augment", "flop"], 'Did you mean "flip"?'],
    [() => ["finetune", model, "--data", data, "--augment", "shift"], "says no size for shift"],
    [() => ["finetune", model, "--data", data, "--rate", "-1"], "It must be a number above 0."],
    [() => ["finetune", model, "--data", data, "--schedule", "cosin"], "Allowed choices are"],
    [() => ["finetune", model, "--data", data, "--temperature", "3"], "there is none"],
    [() => ["train", "resnet8", "--data", data, "--no-labels"], "--teacher MODEL"],
    [() => ["train", "resnet8", "--data", data, "--lora", "2"], "unknown option '--lora'"],
  ])("case %#: exit code 1, the fact, and nothing written", async (args, text) => {
    const before = existsSync(path("no"));
    const { code, stdout, stderr } = await answer(args());
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(text);
    expect(existsSync(out()) || existsSync(path("no")) !== before).toBe(false);
  });

  it("samples of another shape: both shapes and the remedy", async () => {
    const wide = path("wide");
    writeTinyData(wide, { train: 20, test: 8 });
    for (const split of ["train", "t10k"])
      writeFileSync(
        join(wide, `${split}-images-idx3-ubyte`),
        idx([split === "train" ? 20 : 8, 6, 6], new Uint8Array((split === "train" ? 20 : 8) * 36)),
      );
    for (const command of ["finetune", "evaluate"]) {
      const { code, stderr } = await answer([command, model, "--data", wide, "--quiet"]);
      expect(code).toBe(1);
      expect(stderr).toContain("[1, 8, 8]");
      expect(stderr).toContain("[1, 6, 6]");
      expect(stderr).toContain("Give data of the model's shape");
    }
  });

  it("labels and classes that the model has no score for", async () => {
    const many = path("many");
    writeTinyData(many, { train: 20, test: 8 });
    writeFileSync(
      join(many, "train-labels-idx1-ubyte"),
      idx(
        [20],
        Uint8Array.from({ length: 20 }, (_, i) => i % 7),
      ),
    );
    for (const command of ["finetune", "evaluate"]) {
      const { code, stderr } = await answer([command, model, "--data", many, "--quiet"]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/The model has 4 classes, the data set has (label 6|7)/);
    }
  });

  it("a model with two inputs", async () => {
    const b = newBuilder("two");
    const type = { dtype: "float32", shape: ["N", 4] } as const;
    b.output(b.node("Add", [b.input("a", type), b.input("b", type)]));
    writeFileSync(path("two.onnx"), writeOnnx(b.build()));
    for (const command of ["finetune", "evaluate"]) {
      const { code, stderr } = await answer([command, path("two.onnx"), "--data", data, "--quiet"]);
      expect(code).toBe(1);
      expect(stderr).toContain("The model has 2 inputs");
    }
  });
});

describe("evaluate", () => {
  async function evaluated(file: string, ...args: string[]): Promise<ModelEvaluation> {
    const { code, stdout, stderr } = await answer(["evaluate", file, "--data", data, ...args, "--json", "--quiet"]);
    expect([code, stderr]).toEqual([0, ""]);
    return JSON.parse(stdout) as ModelEvaluation;
  }

  it("gives accuracy, loss, figures of each class and the matrix, which add up", async () => {
    const result = await evaluated(model);
    expect(result).toMatchObject({ schema: 1, format: "onnx", data: { samples: 80 } });
    expect(result.engine).toMatch(/^ONNX Runtime \d/);
    const right = result.confusion.reduce((sum, row, k) => sum + row[k]!, 0);
    expect(right / 80).toBe(result.accuracy);
    expect(result.classes.map(({ samples }) => samples)).toEqual([20, 20, 20, 20]);
    result.classes.forEach(({ recall, precision }, k) => {
      expect(recall).toBe(result.confusion[k]![k]! / 20);
      const called = result.confusion.reduce((sum, row) => sum + row[k]!, 0);
      expect(precision).toBe(called === 0 ? null : result.confusion[k]![k]! / called);
    });
    expect(result.loss).toBeGreaterThan(0);
  });

  it("runs TFLite in LiteRT, channels last, with the same answers", async () => {
    writeFileSync(path("model.tflite"), writeTflite(readOnnx(readFileSync(model)), { name: "tiny" }));
    const [onnx, tflite] = [
      await evaluated(model, "--samples", "30"),
      await evaluated(path("model.tflite"), "--samples", "30"),
    ];
    expect(tflite.engine).toMatch(/^LiteRT/);
    expect(tflite.confusion).toEqual(onnx.confusion);
    expect(tflite.loss).toBeCloseTo(onnx.loss!, 4);
    expect(tflite.data.samples).toBe(30);
  });

  it("prints a table for people", async () => {
    const { code, stdout } = await answer(["evaluate", path("new.onnx"), "--data", data, "--quiet"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Accuracy [\d.]+ %, loss [\d.]+/);
    expect(stdout).toMatch(/class {2}precision {4,}recall {2}samples/);
    expect(stdout).toContain("Confusion matrix:");
  });
});
