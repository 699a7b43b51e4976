import type { Attributes, Node, ValueId } from "../ir/index.ts";
import { bytesOf, type Tensor } from "../tensor/index.ts";

/** Constants above this size count as new each time: hashing weights at every step would cost more than a late answer. */
const hashedBytes = 1024;

function mix(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x01000193) ^ (hash >>> 15);
}

function hashText(text: string, seed: number): number {
  let hash = seed | 0;
  for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i));
  return hash >>> 0;
}

/**
 * A running signature of a graph under rewriting: the sum of its nodes' hashes, so that adding or removing a node costs
 * the node alone. A value that stands in for another carries the other's label; so a graph that comes back to an earlier
 * form has its earlier signature although all its ids are new. That is how the driver sees rules that undo each other.
 */
export class GraphSignature {
  readonly #labels = new Map<ValueId, string>();
  #fresh = 0;
  #low = 0;
  #high = 0;

  label(id: ValueId): string {
    return this.#labels.get(id) ?? `v${id}`;
  }

  /** The value `to` computes what `from` computed. */
  inherit(from: ValueId, to: ValueId): void {
    this.#labels.set(to, this.label(from));
  }

  labelConstant(id: ValueId, data: Tensor): void {
    const bytes = bytesOf(data);
    if (bytes.byteLength > hashedBytes) this.#labels.set(id, `new${this.#fresh++}`);
    else this.#labels.set(id, `c ${data.dtype}[${data.shape.join()}] ${Buffer.from(bytes).toString("base64")}`);
  }

  /** Labels the outputs of a new node by what it computes, where they stand in for nothing older. */
  labelOutputs(node: Node): void {
    const text = this.#text(node);
    node.outputs.forEach((id, i) => {
      if (!this.#labels.has(id)) this.#labels.set(id, `n${hashText(text, 1)}.${hashText(text, 2)}.${i}`);
    });
  }

  #text(node: Node): string {
    const inputs = node.inputs.map((id) => (id === null ? "_" : this.label(id)));
    return `${node.op}(${inputs.join()})${attributesText(node.attrs)}`;
  }

  #hashes(node: Node): [number, number] {
    const text = `${this.#text(node)}=${node.outputs.map((id) => this.label(id)).join()}`;
    return [hashText(text, 0x811c9dc5), hashText(text, 0x9e3779b9)];
  }

  add(node: Node): void {
    const [low, high] = this.#hashes(node);
    this.#low = (this.#low + low) >>> 0;
    this.#high = (this.#high + high) >>> 0;
  }

  remove(node: Node): void {
    const [low, high] = this.#hashes(node);
    this.#low = (this.#low - low) >>> 0;
    this.#high = (this.#high - high) >>> 0;
  }

  get text(): string {
    return `${this.#low}.${this.#high}`;
  }
}

function attributesText(attrs: Attributes): string {
  const keys = Object.keys(attrs).sort();
  return keys
    .map((key) => {
      const value = attrs[key]!;
      const isTensor = typeof value === "object" && !Array.isArray(value);
      return `${key}=${isTensor ? "tensor" : JSON.stringify(value)}`;
    })
    .join();
}
