import { describe, expect, it } from "vitest";
import type { Graph, ValueId } from "../../../src/ir/index.ts";
import { cutGraph, cutOf, findGroups, proveGroups } from "../../../src/prune/index.ts";
import { Net } from "../../topologies/net.ts";
import { recurrent } from "../../topologies/sequence.ts";
import { feedsOf, frozenLines, groupLines, groupNamed, run, weightShape } from "./draw.ts";

async function expectProved(graph: Graph) {
  const groups = findGroups(graph);
  for (const keep of [0.5, 0.01]) {
    const proofs = await proveGroups(graph, groups, { run, inputs: feedsOf(graph), keep, tolerance: 1e-5 });
    for (const proof of proofs) {
      expect(proof.pass, `${proof.name}: ${proof.maxAbs} > ${proof.tolerance}`).toBe(true);
      expect(proof.effect, proof.name).toBeGreaterThan(1e-3);
    }
  }
  return groups;
}

/** Features, a recurrent layer, its last states classified. */
function classifier(op: "LSTM" | "GRU" | "RNN", directions: 1 | 2): Graph {
  const n = new Net(`${op}${directions}`);
  const x = n.linear(n.input("x", "float32", 5, "N", 4), 6, false);
  const [, last] = recurrent(n, op, x, { hidden: 4, directions });
  const rows = n.reshape(n.transpose(last, 1, 0, 2), 0, 4 * directions);
  return n.done(n.classifier(rows));
}

describe("coupling of recurrent layers", () => {
  it.each([
    ["LSTM", 16, 32],
    ["GRU", 12, 24],
    ["RNN", 4, 8],
  ] as const)("cuts the hidden units and the features of %s", async (op, gates, biases) => {
    const graph = classifier(op, 1);
    const groups = await expectProved(graph);
    const cell = op.toLowerCase();
    expect(groupLines(groups)).toEqual([
      `linear0.w[out] 6, ${cell}2.w[in] 6 | 6`,
      `${cell}2.w[out] ${gates}, ${cell}2.r[out] ${gates}, ${cell}2.r[in] 4, ${cell}2.b ${biases}, fc5.w[in] 4 | 4`,
    ]);
    const group = groups.groups[1]!;
    const small = cutGraph(graph, groups, cutOf(group, [group.units[1]!.id, group.units[3]!.id]));
    expect(weightShape(small, `${cell}2.r`)).toEqual([1, gates / 2, 2]);
    expect(small.nodes.find((node) => node.op === op)!.attrs.hidden_size).toBe(2);
  });

  it.each(["LSTM", "GRU", "RNN"] as const)(
    "lets each direction of %s choose its own units, equally many",
    async (op) => {
      const graph = classifier(op, 2);
      const groups = await expectProved(graph);
      const group = groupNamed(groups, `${op.toLowerCase()}2.w`);
      expect(group.size).toBe(8);
      expect(group.cells.map((cell) => cell.units.length)).toEqual([4, 4]);
      expect(groups.groups.some((other) => other.kind === "rows")).toBe(false);
    },
  );

  it("carries peepholes and initial states", async () => {
    const n = new Net("peepholes");
    const weights = [n.weight("w", [1, 12, 4], 4), n.weight("r", [1, 12, 3], 3), n.weight("b", [1, 24], 10)];
    const states = [n.weight("h", [1, 2, 3]), n.weight("c", [1, 2, 3]), n.weight("p", [1, 9])];
    const [all] = n.builder.nodes(
      "LSTM",
      [n.input("x", "float32", 5, 2, 4), ...weights, null, ...states],
      { hidden_size: 3 },
      { outputs: 3, name: "lstm" },
    );
    const graph = n.done(n.linear(n.node("Squeeze", [all!, n.ints(1)]), 2));
    expect(groupLines(await expectProved(graph))).toEqual([
      "w[out] 12, r[out] 12, r[in] 3, b 24, p 9, h[out] 3, c[out] 3, linear1.w[in] 3 | 3",
    ]);
  });

  it("freezes units whose state starts from a graph input", () => {
    const n = new Net("state");
    const weights = [n.weight("w", [1, 12, 4], 4), n.weight("r", [1, 12, 3], 3)];
    const states = [n.input("h", "float32", 1, 2, 3), n.weight("c", [1, 2, 3])];
    const [all] = n.builder.nodes(
      "LSTM",
      [n.input("x", "float32", 5, 2, 4), ...weights, null, null, ...states],
      { hidden_size: 3 },
      { outputs: 3, name: "lstm" },
    );
    const groups = findGroups(n.done(n.linear(all!, 2)));
    expect(groupLines(groups)).toEqual([]);
    expect(frozenLines(groups)).toContain("r[2] graph-input");
  });
});

describe("coupling of channels that become pixels", () => {
  const between = (name: string, middle: (n: Net, x: ValueId) => ValueId): Graph => {
    const n = new Net(name);
    const x = n.conv(n.image(4), 8, { kernel: 1, norm: false, act: "Sigmoid" });
    return n.head(middle(n, x));
  };

  it.each(["DCR", "CRD"])("cuts all channels of a pixel block together (DepthToSpace %s)", async (mode) => {
    const graph = between(mode, (n, x) => n.node("DepthToSpace", [x], { blocksize: 2, mode }));
    const groups = await expectProved(graph);
    expect(groupLines(groups)).toEqual(["conv0.w[out] 8, conv0.b 8, fc6.w[in] 2 | 2"]);
    const positions = groups.groups[0]!.units[0]!.slices[0]!.positions;
    expect(positions).toEqual(mode === "DCR" ? [0, 2, 4, 6] : [0, 1, 2, 3]);
  });

  it("cuts all copies of a channel (SpaceToDepth)", async () => {
    const graph = between("unshuffle", (n, x) => n.node("SpaceToDepth", [x], { blocksize: 2 }));
    expect(groupLines(await expectProved(graph))).toEqual(["conv0.w[out] 8, conv0.b 8, fc6.w[in] 32 | 8"]);
  });
});

describe("coupling of Einsum", () => {
  it("cuts what one label is summed over, in any order of axes", async () => {
    const n = new Net("einsum");
    const x = n.linear(n.input("x", "float32", "N", 3, 4), 6, false);
    const y = n.node("Einsum", [n.weight("middle", [5, 6], 6), x], { equation: "oi,nti->nto" });
    const graph = n.done(n.linear(n.act("Sigmoid", y), 2, false));
    expect(groupLines(await expectProved(graph))).toEqual([
      "linear0.w[out] 6, middle[in] 6 | 6",
      "middle[out] 5, linear4.w[in] 5 | 5",
    ]);
  });

  it("attends head by head", async () => {
    const n = new Net("heads");
    const x = n.input("x", "float32", "N", 3, 4);
    const split = () => n.reshape(n.linear(x, 6, false), 0, 3, 2, 3);
    const scores = n.node("Einsum", [split(), split()], { equation: "nqhd,nkhd->nhqk" });
    const shares = n.node("Softmax", [scores], { axis: -1 });
    const mixed = n.node("Einsum", [shares, split()], { equation: "nhqk,nkhd->nqhd" });
    const groups = await expectProved(n.done(n.linear(n.reshape(mixed, 0, 3, 6), 2, false)));
    expect(groups.groups.map((group) => `${group.kind} ${group.size}`)).toEqual(["channels 6", "channels 6", "rows 2"]);
  });

  it("cuts one of two labels that are summed over at once, whole", async () => {
    const n = new Net("two");
    const x = n.reshape(n.linear(n.input("x", "float32", "N", 3, 4), 6, false), 0, 3, 2, 3);
    const y = n.node("Einsum", [x, n.weight("w", [2, 3, 2])], { equation: "nthd,hdo->nto" });
    const groups = await expectProved(n.done(y));
    expect(groupLines(groups)).toEqual(["linear0.w[out] 6, w[in] 2 | 2"]);
  });
});
