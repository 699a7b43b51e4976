import { EspalierError } from "../diagnostics/index.ts";
import type { ValueId } from "../ir/index.ts";
import * as rule from "./gradient-activation.ts";
import type { Formula } from "./gradient-formula.ts";
import type { GradientContext, GradientRule } from "./spec.ts";

/** The attributes that LSTM, GRU and RNN share. */
export interface RecurrentAttributes {
  readonly activations: readonly string[];
  readonly activation_alpha: readonly number[];
  readonly activation_beta: readonly number[];
  readonly clip: number;
  readonly direction: string;
  readonly layout: number;
}

/** An activation of a recurrent operator. */
export interface Activation {
  apply(f: Formula, x: ValueId): ValueId;
  /** d times the derivative at x, where the value is y. */
  slope(f: Formula, x: ValueId, y: ValueId, d: ValueId): ValueId;
}

interface Known {
  readonly op: string;
  readonly rule: GradientRule<never>;
  /** Defaults of the attributes that the lists activation_alpha and activation_beta may set (ONNX LSTM-14). */
  readonly alpha?: number;
  readonly beta?: number;
}

const KNOWN: readonly Known[] = [
  { op: "Sigmoid", rule: rule.sigmoid },
  { op: "Tanh", rule: rule.tanh },
  { op: "Relu", rule: rule.relu },
  { op: "Softsign", rule: rule.softsign },
  { op: "Softplus", rule: rule.softplus },
  { op: "LeakyRelu", rule: rule.leakyRelu, alpha: 0.01 },
  { op: "ThresholdedRelu", rule: rule.thresholdedRelu, alpha: 1 },
  { op: "Elu", rule: rule.elu, alpha: 1 },
  { op: "HardSigmoid", rule: rule.hardSigmoid, alpha: 0.2, beta: 0.5 },
];

function activation({ op, rule }: Known, attrs: Readonly<Record<string, number>>): Activation {
  return {
    apply: (f, x) => f.node(op, [x], attrs),
    slope: (f, x, y, d) => {
      if (typeof rule !== "function") throw new Error(`${op} has no rule`);
      const { name } = f.builder.value(y);
      const [slope] = rule({
        builder: f.builder,
        node: { name, op, inputs: [x], outputs: [y], attrs },
        attrs: attrs as never,
        inputs: [x],
        outputs: [y],
        outputGradients: [d],
        wants: () => true,
        type: (id) => f.builder.value(id).type,
      });
      return slope!;
    },
  };
}

/** The activations of direction d, in ONNX's order; the lists of alphas and betas serve, in order, the activations that have one. */
export function activationsOf(
  c: GradientContext<RecurrentAttributes>,
  defaults: readonly string[],
  d: number,
): Activation[] {
  const { activations, activation_alpha: alphas, activation_beta: betas, direction } = c.attrs;
  const count = direction === "bidirectional" ? 2 : 1;
  const names = activations.length > 0 ? activations : Array.from({ length: count }, () => defaults).flat();
  let [alpha, beta] = [0, 0];
  const all = names.map((name) => {
    const known = KNOWN.find(({ op }) => op.toLowerCase() === name.toLowerCase());
    if (known === undefined)
      throw new EspalierError(
        "unsupported",
        `The gradient of ${c.node.op} with activation "${name}" is not written yet`,
        {
          where: `node "${c.node.name}"`,
          hint: "Freeze the weights before this node and its own.",
        },
      );
    return activation(known, {
      ...(known.alpha === undefined ? {} : { alpha: alphas[alpha++] ?? known.alpha }),
      ...(known.beta === undefined ? {} : { beta: betas[beta++] ?? known.beta }),
    });
  });
  return all.slice(d * defaults.length, (d + 1) * defaults.length);
}
