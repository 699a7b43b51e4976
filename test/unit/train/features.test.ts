import { describe, expect, it } from "vitest";
import { layersFor } from "../../../src/architectures/layers.ts";
import type { Graph } from "../../../src/ir/index.ts";
import { editGraph } from "../../../src/ops/index.ts";
import { evaluate, train } from "../../../src/train/index.ts";
import { stripes, tinyClassifier } from "./tiny.ts";

const data = stripes(64);
const quick = { batch: 16, threads: 1, schedule: { kind: "constant", rate: 0.05 } } as const;

/** As the tiny classifier, with more channels. */
function wide(): Graph {
  const { layers, input } = layersFor("wide", [1, 8, 8], 2);
  let x = layers.conv("first", input, 20, { stride: 2 });
  x = layers.conv("third", x, 12, { kernel: 1 });
  layers.builder.output(layers.classifier(x, 4));
  return layers.builder.build();
}

/** The value that a node's activation gives, by the name of the convolution. */
function activation(graph: Graph, name: string): string {
  const names = [...graph.values.values()].filter(({ data: own }) => own === undefined).map((value) => value.name);
  return (
    names.find((own) => own.startsWith(`${name}.`) && /relu/i.test(own)) ?? names.find((own) => own.startsWith(name))!
  );
}

describe("distillation of features", () => {
  it("learns a projection where channels differ, which the result does not have", async () => {
    const teacher = (await train(wide(), data, { ...quick, epochs: 8 })).graph;
    const student = tinyClassifier();
    const pair = { student: activation(student, "first"), teacher: activation(teacher, "first"), weight: 1 };
    const result = await train(student, data, {
      ...quick,
      epochs: 25,
      teacher: { graph: teacher, weight: 0, labels: false, features: [pair] },
    });
    expect(result.history.at(-1)!.loss).toBeLessThan(0.4 * result.history[0]!.loss);
    expect(result.graph.nodes.map(({ op }) => op)).toEqual(student.nodes.map(({ op }) => op));
    expect(result.graph.values.size).toBe(student.values.size);
  });

  it("compares equal shapes directly: a student that is its teacher has no distance", async () => {
    const graph = tinyClassifier();
    const name = activation(graph, "third");
    const options = {
      ...quick,
      steps: 1,
      batchNorm: "frozen",
      teacher: { graph, weight: 0, labels: false, features: [{ student: name, teacher: name }] },
    } as const;
    expect((await train(graph, data, options)).history[0]!.loss).toBeLessThan(1e-10);
  });

  it("says which values do not fit, or are not there", async () => {
    const graph = tinyClassifier();
    const run = (student: string, teacher: string) =>
      train(graph, data, { ...quick, steps: 1, teacher: { graph, features: [{ student, teacher }] } });
    await expect(run(activation(graph, "first"), "nowhere")).rejects.toThrow('The teacher has no value "nowhere"');
    await expect(run("nowhere", activation(graph, "first"))).rejects.toThrow('The student has no value "nowhere"');
    const input = [...graph.values.values()][0]!.name;
    await expect(run(input, activation(graph, "first"))).rejects.toThrow(
      /of the student is \[16, 1, 8, 8\].*of the teacher is \[16, 8, 4, 4\]/,
    );
  });
});

describe("distillation without labels", () => {
  it("needs none: labels may be anything, and the student agrees with its teacher", async () => {
    const teacher = (await train(tinyClassifier(2), data, { ...quick, epochs: 10 })).graph;
    const unlabelled = { ...data, labels: data.labels.map(() => 77) };
    const { graph, history } = await train(tinyClassifier(3), unlabelled, {
      ...quick,
      epochs: 25,
      teacher: { graph: teacher, labels: false },
      validation: { data: unlabelled, metric: "loss" },
    });
    const [a, b] = [await evaluate(graph, data), await evaluate(teacher, data)];
    expect(a.accuracy).toBeGreaterThan(b.accuracy - 0.05);
    expect(history.at(-1)!.validation!.loss).toBeLessThan(0.1 * history[0]!.validation!.loss);
  });

  it("refuses a teacher of other classes or samples", async () => {
    const builder = editGraph(tinyClassifier());
    builder.rename("other");
    const { layers, input } = layersFor("five", [1, 8, 8], 2);
    layers.builder.output(layers.classifier(layers.conv("c", input, 4), 5));
    const five = layers.builder.build();
    const run = (graph: Graph) => train(tinyClassifier(), data, { ...quick, steps: 1, teacher: { graph } });
    await expect(run(five)).rejects.toThrow("The student has 4 classes, the teacher 5");
    const large = layersFor("large", [3, 8, 8], 2);
    large.layers.builder.output(large.layers.classifier(large.layers.conv("c", large.input, 4), 4));
    await expect(run(large.layers.builder.build())).rejects.toThrow(
      "The student takes samples of shape [1, 8, 8], the teacher [3, 8, 8]",
    );
  });
});
