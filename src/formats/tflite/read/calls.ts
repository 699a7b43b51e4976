import type { OperatorReaders, Step } from "./step.ts";

function inlined(s: Step, subgraph: number, inputs = s.operator.inputs.map((_, i) => s.raw(i))): void {
  const outputs = s.inline(subgraph, inputs, s.operator.opcode);
  if (outputs.length !== s.outputCount)
    s.fail(`${s.operator.opcode} has ${s.outputCount} outputs, its subgraph ${outputs.length}`);
  for (const [o, value] of outputs.entries()) s.putRaw(o, value);
}

/** A composite is read as the operators that it stands for. */
function composite(s: Step): void {
  inlined(s, s.options("StableHLOCompositeOptions").decompositionSubgraphIndex);
}

function conditional(s: Step): void {
  const o = s.options("IfOptions");
  const condition = s.data(0);
  if (condition === null || condition.data.length !== 1)
    s.refuse(
      `IF chooses between subgraphs ${o.thenSubgraphIndex} and ${o.elseSubgraphIndex} by ${JSON.stringify(s.tensor(0).name)}, which is computed: control flow is not supported`,
      "Export the branch that is used as a model of its own.",
    );
  const inputs = s.operator.inputs.slice(1).map((_, i) => s.raw(i + 1));
  inlined(s, condition.data[0] ? o.thenSubgraphIndex : o.elseSubgraphIndex, inputs);
}

function loop(s: Step): void {
  const o = s.options("WhileOptions");
  s.refuse(
    `WHILE repeats subgraph ${o.bodySubgraphIndex} as long as subgraph ${o.condSubgraphIndex} says: control flow is not supported`,
    "Unroll the loop where the model is exported.",
  );
}

export const CALLS: OperatorReaders = {
  STABLEHLO_COMPOSITE: { read: composite, gives: [] },
  CALL: { read: (s) => inlined(s, s.options("CallOptions").subgraph), gives: [] },
  IF: { read: conditional, gives: [] },
};

/** Operators that are known and cannot be read, with readers that say why. */
export const REFUSED: OperatorReaders = {
  WHILE: { read: loop, gives: [] },
  WHERE: {
    read: (s) =>
      s.refuse(
        "WHERE gives as many positions as its condition has true elements: shapes that depend on data are not supported",
      ),
    gives: [],
  },
};
