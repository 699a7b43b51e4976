import { describe, expect, it } from "vitest";
import type { EspalierError } from "../../../src/diagnostics/index.ts";
import { CRITERIA, type CriterionName, findGroups, scoreGroups } from "../../../src/prune/index.ts";
import { weightGradients } from "../../../src/train/index.ts";
import { draw, groupNamed } from "./draw.ts";
import { dense, samples, type TinyWeights } from "./tiny.ts";

const WEIGHTS: TinyWeights = {
  make: [
    [1, -2],
    [3, 4],
    [-1, 1],
  ],
  read: [
    [1, 2, 0.5],
    [-1, 0, 2],
  ],
};

describe("what a criterion cannot do", () => {
  const graph = dense(WEIGHTS);
  const groups = findGroups(graph);
  const failure = (call: () => unknown): EspalierError => {
    try {
      call();
    } catch (error) {
      return error as EspalierError;
    }
    throw new Error("nothing was thrown");
  };

  it.each(["taylor", "obd", "group-fisher", "wanda"] as const)("%s without evidence", (name) => {
    const error = failure(() => scoreGroups(graph, groups, name));
    expect(error.code).toBe("usage");
    expect(error.message).toContain(`"${name}" needs ${CRITERIA[name].needs}`);
    expect(error.hint).toContain("gatherEvidence");
  });

  it("an unknown name, with a suggestion", () => {
    const error = failure(() => scoreGroups(graph, groups, "tailor" as CriterionName));
    expect([error.code, error.message]).toEqual(["usage", 'Unknown criterion "tailor"']);
    expect(error.hint).toContain("taylor");
  });

  it("groups that it sees nothing of, unless another criterion stands in; never if it sees none", () => {
    expect(failure(() => scoreGroups(graph, groups, "bn-scale", { otherwise: "l1" })).message).toContain(
      '"bn-scale" sees nothing of any of the 1 groups',
    );
    const g = draw("half");
    const first = g.norm(g.conv(g.input("N", 3, 4, 4), "a", 4), "bn");
    const half = g.done(g.head(g.node("Relu", [g.conv(g.node("Relu", [first]), "b", 5)])));
    const found = findGroups(half);
    const error = failure(() => scoreGroups(half, found, "bn-scale"));
    expect(error.message).toContain('"bn-scale" has nothing to score group "b.w" by');
    const scores = scoreGroups(half, found, "bn-scale", { otherwise: "l1" });
    const { id } = groupNamed(found, "b.w");
    expect(scores.get(id)).toEqual(scoreGroups(half, found, "l1").get(id));
  });

  it("gradients of another size", async () => {
    const gradients = new Map(
      await weightGradients(
        dense({
          ...WEIGHTS,
          make: [
            [1, 2, 3],
            [1, 2, 3],
            [3, 2, 1],
          ],
        }),
        samples([[1, 1, 1]], [0], [3]),
      ),
    );
    expect(failure(() => scoreGroups(graph, groups, "taylor", { gradients })).code).toBe("internal");
  });

  it("every criterion has its own name", () => {
    for (const [name, criterion] of Object.entries(CRITERIA)) expect(criterion.name).toBe(name);
  });
});
