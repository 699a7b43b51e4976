import { describe, expect, it } from "vitest";
import { findGroups, scoreGroups } from "../../../src/prune/index.ts";
import { toNumbers } from "../../../src/tensor/index.ts";
import { draw, groupNamed } from "./draw.ts";
import { convolutional, dense, expectClose, samples, scoresOf, type TinyWeights } from "./tiny.ts";

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
const DATA = samples(
  [
    [1, 0],
    [0, 1],
    [2, 1],
    [-1, 1],
  ],
  [0, 1, 0, 1],
  [2],
);
// Behind the Relu: unit 0: 1, 0, 0, 0; unit 1: 3, 4, 10, 1; unit 2: 0, 1, 0, 2.
const ACTIVE = [
  [1, 0, 0, 0],
  [3, 4, 10, 1],
  [0, 1, 0, 2],
];
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const rms = (values: readonly number[]) => Math.sqrt(mean(values.map((v) => v * v)));

/** Gradients of the mean cross-entropy, by the chain rule on paper: per sample, for the two weights. */
function gradientsBySample(): { a: number[][]; b: number[][] }[] {
  return [0, 1, 2, 3].map((s) => {
    const x = Array.from(DATA.batch([s]).data);
    const hidden = ACTIVE.map((own) => own[s]!);
    const logits = WEIGHTS.read.map((row) => row.reduce((sum, w, u) => sum + w * hidden[u]!, 0));
    const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
    const dz = logits.map((z, c) => Math.exp(z) / total - (c === DATA.labels[s] ? 1 : 0));
    const b = dz.map((d) => hidden.map((h) => d * h));
    const dh = hidden.map((h, u) => (h > 0 ? dz.reduce((sum, d, c) => sum + d * WEIGHTS.read[c]![u]!, 0) : 0));
    return { a: dh.map((d) => x.map((v) => d * v)), b };
  });
}

describe("criteria by hand", () => {
  const graph = dense(WEIGHTS);
  const perSample = gradientsBySample();
  const meanOf = (pick: (g: { a: number[][]; b: number[][] }) => number) => mean(perSample.map(pick));
  const units = [0, 1, 2];
  /** The criterion's sum over a unit in a.w and in b.w. */
  const both = (each: (w: number, g: number) => number, power = 1) =>
    units.map((u) => [
      [0, 1].reduce(
        (sum, i) =>
          sum +
          each(
            WEIGHTS.make[u]![i]!,
            meanOf((g) => g.a[u]![i]! ** power),
          ),
        0,
      ),
      [0, 1].reduce(
        (sum, c) =>
          sum +
          each(
            WEIGHTS.read[c]![u]!,
            meanOf((g) => g.b[c]![u]! ** power),
          ),
        0,
      ),
    ]);
  const masked = (s: number, u: number) =>
    [0, 1].reduce((sum, c) => sum + WEIGHTS.read[c]![u]! * perSample[s]!.b[c]![u]!, 0);

  it("of weights", async () => {
    expectClose(await scoresOf(graph, "l1", DATA), [(3 + 2) / 2, (7 + 2) / 2, (2 + 2.5) / 2]);
    expectClose(await scoresOf(graph, "l2", DATA), [
      (Math.sqrt(5) + Math.sqrt(2)) / 2,
      (5 + 2) / 2,
      (Math.sqrt(2) + Math.sqrt(4.25)) / 2,
    ]);
    expectClose(await scoresOf(graph, "linf", DATA), [(2 + 1) / 2, (4 + 2) / 2, (1 + 2) / 2]);
    expectClose(await scoresOf(graph, "linf", DATA, { reduction: "max" }), [2, 4, 2]);
    const distance = (a: readonly number[], b: readonly number[]) => Math.hypot(...a.map((v, i) => v - b[i]!));
    const [p, q, r] = WEIGHTS.make as [number[], number[], number[]];
    expectClose(await scoresOf(graph, "fpgm", DATA, { roles: ["out"] }), [
      distance(p, q) + distance(p, r),
      distance(p, q) + distance(q, r),
      distance(p, r) + distance(q, r),
    ]);
    // cos: 0-1 -1 / sqrt 5, 0-2 -3 / sqrt 10, 1-2 1 / (5 sqrt 2). Units 1 and 2 are closest, and 1 is more like unit 0: it goes first.
    const opposite = 1 + 3 / Math.sqrt(10);
    expectClose(await scoresOf(graph, "cosine", DATA), [opposite, 1 - 1 / (5 * Math.SQRT2), opposite]);
  });

  it("of gradients and Fisher information", async () => {
    const meanTwo = (pairs: number[][]) => pairs.map((pair) => mean(pair));
    expectClose(await scoresOf(graph, "taylor", DATA), meanTwo(both((w, g) => Math.abs(w * g))));
    expectClose(await scoresOf(graph, "movement", DATA), meanTwo(both((w, g) => -w * g)));
    expectClose(await scoresOf(graph, "snip", DATA), meanTwo(both((w, g) => w * g).map((pair) => pair.map(Math.abs))));
    expectClose(await scoresOf(graph, "obd", DATA), meanTwo(both((w, f) => 0.5 * w * w * f, 2)));
    const each = (f: (p: number) => number) => units.map((u) => mean([0, 1, 2, 3].map((s) => f(masked(s, u)))));
    expectClose(await scoresOf(graph, "taylor-activation", DATA), each(Math.abs));
    expectClose(
      await scoresOf(graph, "group-fisher", DATA),
      each((p) => p * p),
    );
  });

  it("of activations", async () => {
    expectClose(await scoresOf(graph, "apoz", DATA), [1 / 4, 1, 2 / 4]);
    expectClose(await scoresOf(graph, "activation-mean", DATA), ACTIVE.map(mean));
    expectClose(await scoresOf(graph, "activation-norm", DATA), ACTIVE.map(rms));
    expectClose(
      await scoresOf(graph, "activation-variance", DATA),
      ACTIVE.map((own) => mean(own.map((v) => (v - mean(own)) ** 2))),
    );
    expectClose(await scoresOf(graph, "wanda", DATA), [
      rms(ACTIVE[0]!) * 2,
      rms(ACTIVE[1]!) * 2,
      rms(ACTIVE[2]!) * 2.5,
    ]);
    // Bins of classes 0, 1, 0, 1. Unit 0: bins 7, 0, 0, 0. Unit 1: width 9: bins 1, 2, 7, 0: all apart. Unit 2: bins 0, 4, 0, 7.
    const unit0 =
      0.25 * Math.log(0.25 / (0.25 * 0.5)) + 0.25 * Math.log(0.25 / (0.75 * 0.5)) + 0.5 * Math.log(0.5 / (0.75 * 0.5));
    expectClose(await scoresOf(graph, "mutual-information", DATA), [unit0, Math.LN2, Math.LN2]);
  });

  it("of correlation: copies of a series go one at a time", async () => {
    const twin = dense(
      {
        make: [
          [1, 0],
          [2, 0],
          [0, 1],
        ],
        read: [
          [1, 1, 1],
          [1, 2, -1],
        ],
      },
      { relu: false },
    );
    const found = await scoresOf(twin, "correlation", DATA);
    // Units 0 and 1 are one series, x1; unit 2 is x2.
    const [a, b] = [
      [1, 0, 2, -1],
      [0, 1, 1, 1],
    ] as const;
    const centre = (v: readonly number[]) => v.map((x) => x - mean(v));
    const r =
      Math.abs(centre(a).reduce((sum, x, i) => sum + x * centre(b)[i]!, 0)) / (4 * rms(centre(a)) * rms(centre(b)));
    expect(Math.min(found[0]!, found[1]!)).toBeCloseTo(0);
    expect(Math.max(found[0]!, found[1]!)).toBeCloseTo(1 - r);
    expect(found[2]).toBeCloseTo(1 - r);
  });

  it("of principal components: with independent units the variance, but for the last twentieth", async () => {
    const own = dense(
      {
        make: [
          [3, 0, 0],
          [0, 1, 0],
          [0, 0, 0.1],
        ],
        read: [
          [1, 1, 1],
          [1, 2, -1],
        ],
      },
      { relu: false },
    );
    const orthogonal = samples(
      [
        [1, 1, 1],
        [1, -1, -1],
        [-1, 1, -1],
        [-1, -1, 1],
      ],
      [0, 1, 0, 1],
      [3],
    );
    expectClose(await scoresOf(own, "pca", orthogonal), [9, 1, 0]);
  });

  it("of ranks of maps", async () => {
    const graph = convolutional(
      {
        make: [
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ],
        read: [
          [1, 1, 1],
          [1, 0, 2],
        ],
      },
      3,
    );
    const full = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    const two = [1, 2, 3, 2, 4, 6, 0, 1, 0];
    const maps = samples(
      [
        [...full, ...two, ...new Array<number>(9).fill(0)],
        [...two, ...new Array<number>(9).fill(2), ...full.map(() => 0)],
      ],
      [0, 1],
      [3, 3, 3],
    );
    expectClose(await scoresOf(graph, "hrank", maps), [2.5, 1.5, 0]);
  });

  it("of batch normalisation's scales", () => {
    const g = draw("bn");
    const graph = g.done(g.head(g.node("Relu", [g.norm(g.conv(g.input("N", 3, 4, 4), "a", 4), "bn")])));
    const groups = findGroups(graph);
    const scale = [...graph.values.values()].find(({ name }) => name === "bn.scale")!.data!;
    const scores = scoreGroups(graph, groups, "bn-scale", { normalisation: "none" });
    expectClose(Array.from(scores.get(groupNamed(groups, "a.w").id)!), Array.from(toNumbers(scale), Math.abs));
  });
});
