import { EspalierError } from "../../diagnostics/index.ts";
import { isConstant, type MicroModel, type MicroOperator, numberOption, tensorBytes } from "./model.ts";

/** A buffer that the planner places: a tensor or a scratch request, with the closed interval of steps in which it must exist. */
export interface PlanRequest {
  /** "tensor <subgraph>:<index> <name>" or "scratch <subgraph>:<operator>#<request>". */
  readonly buffer: string;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
  /** Fixed offset from an offline plan, or -1. */
  readonly offlineOffset: number;
}

/** A scratch request of an operator, in the order of allocation. */
export interface ScratchRequest {
  readonly subgraph: number;
  readonly operator: number;
  readonly bytes: number;
}

interface Span {
  first: number;
  last: number;
}

/** Deepest nesting of control flow that is followed; files made by converters stay below 10. */
const MAX_NESTING = 32;

/**
 * The buffers to plan, in the order in which TFLM lists them (tensors of every subgraph, then scratch), with their lifetimes. Time is one counter: +1 before every
 * operator and before every subgraph that a control-flow operator enters. A dead tensor has the lifetime [-1, -1] and is planned all the same.
 */
export function planRequests(
  model: MicroModel,
  scratch: readonly ScratchRequest[],
  offline: readonly number[] | null,
): PlanRequest[] {
  const spans: Span[][] = model.subgraphs.map((subgraph) => subgraph.tensors.map(() => ({ first: -1, last: -1 })));
  const operatorSpans: Span[][] = model.subgraphs.map((subgraph) =>
    subgraph.operators.map(() => ({ first: -1, last: -1 })),
  );
  walk(model, 0, { value: 0 }, spans, operatorSpans, 0);
  const requests: PlanRequest[] = [];
  let flat = 0;
  model.subgraphs.forEach((subgraph, s) => {
    subgraph.tensors.forEach((tensor, t) => {
      const offlineOffset = offline?.[flat++] ?? -1;
      const isPlannedVariable = tensor.isVariable === true && offlineOffset !== -1;
      if (isConstant(model, tensor) || (tensor.isVariable === true && !isPlannedVariable)) return;
      const bytes = tensorBytes(tensor);
      const span = spans[s]?.[t] ?? { first: -1, last: -1 };
      if (bytes > 0) requests.push({ buffer: `tensor ${s}:${t} ${tensor.name}`, bytes, ...span, offlineOffset });
    });
  });
  let request = 0;
  let previous = "";
  for (const { subgraph, operator, bytes } of scratch) {
    const place = `scratch ${subgraph}:${operator}`;
    request = place === previous ? request + 1 : 0;
    previous = place;
    const span = operatorSpans[subgraph]?.[operator] ?? { first: -1, last: -1 };
    requests.push({ buffer: `${place}#${request}`, bytes, ...span, offlineOffset: -1 });
  }
  return requests;
}

function walk(
  model: MicroModel,
  index: number,
  clock: { value: number },
  spans: Span[][],
  operatorSpans: Span[][],
  depth: number,
): void {
  const subgraph = model.subgraphs[index];
  const tensors = spans[index];
  if (subgraph === undefined || tensors === undefined)
    throw new EspalierError("input", `The model has no subgraph ${index}`);
  if (depth > MAX_NESTING) {
    throw new EspalierError("unsupported", `Control flow is nested deeper than ${MAX_NESTING}, or calls itself`, {
      where: `subgraph ${index}`,
    });
  }
  const create = (t: number) => {
    const span = tensors[t];
    if (span !== undefined && span.first === -1) span.first = clock.value;
  };
  const use = (t: number) => {
    const span = tensors[t];
    if (span !== undefined) span.last = clock.value;
  };
  subgraph.inputs.forEach(create);
  subgraph.inputs.forEach(use);
  subgraph.operators.forEach((operator, o) => {
    clock.value++;
    const start = clock.value;
    operator.outputs.forEach(create);
    for (const called of calledSubgraphs(operator)) {
      clock.value++;
      walk(model, called, clock, spans, operatorSpans, depth + 1);
    }
    operator.inputs.forEach(use);
    operator.outputs.forEach(use);
    const span = operatorSpans[index]?.[o];
    if (span !== undefined) {
      span.first = start;
      span.last = clock.value;
    }
  });
  subgraph.outputs.forEach(use);
}

function calledSubgraphs(operator: MicroOperator): number[] {
  switch (operator.opcode) {
    case "IF":
      return [numberOption(operator, "thenSubgraphIndex", 0), numberOption(operator, "elseSubgraphIndex", 0)];
    case "WHILE":
      return [numberOption(operator, "condSubgraphIndex", 0), numberOption(operator, "bodySubgraphIndex", 0)];
    default:
      return [];
  }
}
