import type { Dim, Graph, GraphBuilder, ValueId } from "../../../src/ir/index.ts";
import { newBuilder } from "../../../src/ops/index.ts";
import { fromNumbers, int64s, type Random, scalar, seededRandom, sizeOf } from "../../../src/tensor/index.ts";

/** A network of operators that are spelled out in arithmetic, and what each is. */
export interface SpelledModel {
  readonly graph: Graph;
  /** Operators in order, as they should be recognised. */
  readonly operators: readonly string[];
}

/** Draws a chain of spelled-out operators on [N, 3, 4], in spellings that exporters write. */
export function spelledModel(seed: number, options: { blocks?: number; batch?: Dim } = {}): SpelledModel {
  const b = newBuilder(`spelled-${seed}`);
  const random = seededRandom(seed, "spelled");
  const spell = new Spelling(b, random);
  let x = b.input("x", { dtype: "float32", shape: [options.batch ?? "N", 3, 4] });
  const operators: string[] = [];
  const names = Object.keys(spell.kinds);
  for (let i = 0; i < (options.blocks ?? 5); i++) {
    const name = names[random.below(names.length)]!;
    operators.push(name);
    x = spell.kinds[name]!(x);
  }
  b.output(x);
  return { graph: b.build(), operators };
}

class Spelling {
  readonly #b: GraphBuilder;
  readonly #random: Random;

  constructor(b: GraphBuilder, random: Random) {
    this.#b = b;
    this.#random = random;
  }

  readonly kinds: Readonly<Record<string, (x: ValueId) => ValueId>> = {
    Gelu: (x) => (this.#coin() ? this.#geluErf(x) : this.#geluTanh(x)),
    LayerNormalization: (x) => this.#layerNorm(x),
    Softmax: (x) => this.#softmax(x),
    PRelu: (x) => this.#prelu(x),
    HardSwish: (x) => this.#hardSwish(x),
    Mish: (x) => this.#mul(this.#op("Tanh", this.#op("Log", this.#plus(this.#op("Exp", x), 1))), x),
    Softsign: (x) => this.#op("Div", x, this.#plus(this.#op("Abs", x), 1)),
    BatchNormalization: (x) => this.#batchNorm(x),
    LeakyRelu: (x) => this.#op("Max", ...this.#either(x, this.#times(x, 0.125))),
  };

  #coin(): boolean {
    return this.#random.below(2) === 0;
  }

  #either(a: ValueId, b: ValueId): [ValueId, ValueId] {
    return this.#coin() ? [a, b] : [b, a];
  }

  #op(op: string, ...inputs: ValueId[]): ValueId {
    return this.#b.node(op, inputs);
  }

  #number(value: number): ValueId {
    return this.#b.constant("k", scalar("float32", value));
  }

  #weights(shape: number[], around = 0): ValueId {
    const values = Array.from({ length: sizeOf(shape) }, () => around + 0.3 * this.#random.normal());
    return this.#b.constant("w", fromNumbers("float32", shape, values));
  }

  #axes(axes: number[]): ValueId {
    return this.#b.constant("axes", int64s(axes));
  }

  #mul(a: ValueId, b: ValueId): ValueId {
    return this.#op("Mul", ...this.#either(a, b));
  }

  #add(a: ValueId, b: ValueId): ValueId {
    return this.#op("Add", ...this.#either(a, b));
  }

  #times(a: ValueId, number: number): ValueId {
    return this.#mul(a, this.#number(number));
  }

  #plus(a: ValueId, number: number): ValueId {
    return this.#add(a, this.#number(number));
  }

  /** A number taken as a factor, or its inverse as a divisor. */
  #scale(a: ValueId, factor: number): ValueId {
    return this.#coin() ? this.#times(a, factor) : this.#op("Div", a, this.#number(1 / factor));
  }

  /** x / 2 times (1 + curve), grouped in one way or another. */
  #gated(x: ValueId, curve: ValueId): ValueId {
    return [
      () => this.#mul(this.#scale(x, 0.5), this.#plus(curve, 1)),
      () => this.#scale(this.#mul(x, this.#plus(curve, 1)), 0.5),
      () => this.#mul(x, this.#scale(this.#plus(curve, 1), 0.5)),
      () => this.#mul(x, this.#plus(this.#times(curve, 0.5), 0.5)),
    ][this.#random.below(4)]!();
  }

  #geluErf(x: ValueId): ValueId {
    return this.#gated(x, this.#op("Erf", this.#scale(x, Math.SQRT1_2)));
  }

  #geluTanh(x: ValueId): ValueId {
    const k = Math.sqrt(2 / Math.PI);
    const squared = () => (this.#coin() ? this.#mul(x, x) : this.#op("Pow", x, this.#number(2)));
    const cubed = () => (this.#coin() ? this.#op("Pow", x, this.#number(3)) : this.#mul(squared(), x));
    const inner = this.#coin()
      ? this.#times(this.#add(x, this.#times(cubed(), 0.044715)), k)
      : this.#mul(x, this.#plus(this.#times(squared(), 0.044715 * k), k));
    return this.#gated(x, this.#op("Tanh", inner));
  }

  #mean(x: ValueId): ValueId {
    const kind = this.#random.below(3);
    if (kind === 0) return this.#b.node("ReduceMean", [x, this.#axes([-1])]);
    if (kind === 1) return this.#scale(this.#b.node("ReduceSum", [x, this.#axes([2])]), 0.25);
    const flat = this.#b.node("ReduceMean", [x, this.#axes([2])], { keepdims: 0 });
    return this.#op("Reshape", flat, this.#b.constant("to", int64s([-1, 3, 1])));
  }

  #variance(x: ValueId, centred: ValueId, mean: ValueId): ValueId {
    if (this.#random.below(3) > 0) {
      const square = this.#coin() ? this.#op("Mul", centred, centred) : this.#op("Pow", centred, this.#number(2));
      return this.#mean(square);
    }
    return this.#op("Relu", this.#op("Sub", this.#mean(this.#op("Mul", x, x)), this.#op("Mul", mean, mean)));
  }

  #layerNorm(x: ValueId): ValueId {
    const mean = this.#mean(x);
    const centred = this.#op("Sub", x, mean);
    const deviation = this.#op("Sqrt", this.#plus(this.#variance(x, centred, mean), 0.01));
    const [scale, bias] = [this.#weights([4], 1), this.#weights([1, 1, 4])];
    const inverse = () => this.#op("Reciprocal", deviation);
    return [
      () => this.#op("Div", centred, deviation),
      () => this.#mul(centred, inverse()),
      () => this.#add(this.#mul(this.#op("Div", centred, deviation), scale), bias),
      () => this.#add(this.#mul(centred, this.#mul(inverse(), scale)), bias),
      () => {
        const gain = this.#mul(inverse(), scale);
        return this.#add(this.#mul(x, gain), this.#op("Sub", bias, this.#mul(mean, gain)));
      },
    ][this.#random.below(5)]!();
  }

  #softmax(x: ValueId): ValueId {
    const axis = 1 + this.#random.below(2);
    const shifted = this.#coin() ? this.#op("Sub", x, this.#op("ReduceMax", x, this.#axes([axis]))) : x;
    const exp = this.#op("Exp", shifted);
    const sum = this.#op("ReduceSum", exp, this.#axes([axis]));
    return this.#coin() ? this.#op("Div", exp, sum) : this.#mul(exp, this.#op("Reciprocal", sum));
  }

  #prelu(x: ValueId): ValueId {
    const slope = this.#weights(this.#coin() ? [4] : [3, 1]);
    const negated = () => (this.#coin() ? this.#op("Neg", x) : this.#times(x, -1));
    const relu = this.#op("Relu", x);
    return [
      () => this.#add(relu, this.#mul(slope, this.#op("Neg", this.#op("Relu", negated())))),
      () => this.#op("Sub", relu, this.#mul(slope, this.#op("Relu", negated()))),
      () => this.#add(relu, this.#mul(slope, this.#op("Min", x, this.#number(0)))),
      () => this.#add(relu, this.#mul(this.#scale(this.#op("Sub", x, this.#op("Abs", x)), 0.5), slope)),
    ][this.#random.below(4)]!();
  }

  #hardSwish(x: ValueId): ValueId {
    const six = this.#number(6);
    const sum = this.#plus(x, 3);
    const gate = this.#coin()
      ? this.#b.node("Clip", [sum, this.#number(0), six])
      : this.#op("Min", this.#op("Relu", sum), six);
    return [
      () => this.#scale(this.#mul(x, gate), 1 / 6),
      () => this.#mul(x, this.#scale(gate, 1 / 6)),
      () => this.#mul(x, this.#b.node("HardSigmoid", [x], { alpha: 1 / 6, beta: 0.5 })),
    ][this.#random.below(3)]!();
  }

  #batchNorm(x: ValueId): ValueId {
    const deviation = Array.from({ length: 3 }, () => 0.5 + this.#random.next());
    const column = (values: number[]) => this.#b.constant("bn", fromNumbers("float32", [3, 1], values));
    const centred = this.#op("Sub", x, this.#weights([1, 3, 1]));
    const [scale, bias] = [this.#weights([3, 1], 1), this.#weights([3, 1])];
    const normal = () => (value: ValueId) =>
      this.#coin() ? this.#op("Div", value, column(deviation)) : this.#mul(value, column(deviation.map((v) => 1 / v)));
    return this.#coin()
      ? this.#add(this.#mul(normal()(centred), scale), bias)
      : this.#add(this.#op("Div", this.#mul(centred, scale), column(deviation)), bias);
  }
}
