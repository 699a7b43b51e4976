import { EspalierError } from "../diagnostics/index.ts";
import { DTYPES, type DType, fromBytes, fromNumbers, type Tensor, tensor } from "../tensor/index.ts";
import { GraphBuilder, type Infer } from "./builder.ts";
import type { Attribute, Dim, Graph, TensorType, ValueId } from "./graph.ts";
import { typeText } from "./shape.ts";

/** Tokens of the text form: strings, numbers, words and punctuation. */
const token =
  /\s*(?:("(?:[^"\\]|\\.)*")|(-?(?:inf|nan|\d[\d.]*(?:e[+-]?\d+)?)(?![\w.]))|([A-Za-z_][\w.]*)|(\.\.\.|[{}()[\]=,:%@]))/gy;

class Reader {
  readonly #tokens: { text: string; line: number }[] = [];
  #at = 0;

  constructor(source: string) {
    token.lastIndex = 0;
    let line = 1;
    let from = 0;
    while (source.slice(from).trim() !== "") {
      token.lastIndex = from;
      const match = token.exec(source);
      if (match === null)
        throw new EspalierError("input", `Unexpected text ${JSON.stringify(source.slice(from).trim().slice(0, 20))}`, {
          where: `line ${line}`,
        });
      line += match[0].split("\n").length - 1;
      this.#tokens.push({ text: match[1] ?? match[2] ?? match[3] ?? match[4] ?? "", line });
      from = token.lastIndex;
    }
  }

  peek(): string {
    return this.#tokens[this.#at]?.text ?? "";
  }

  next(): string {
    const text = this.peek();
    this.#at++;
    return text;
  }

  fail(message: string): never {
    const line = this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]?.line ?? 1;
    throw new EspalierError("input", message, { where: `line ${line} of the graph text` });
  }

  expect(text: string): void {
    const found = this.next();
    if (found !== text) this.fail(`Expected ${JSON.stringify(text)}, got ${JSON.stringify(found)}`);
  }

  take(text: string): boolean {
    if (this.peek() !== text) return false;
    this.#at++;
    return true;
  }

  string(): string {
    const text = this.next();
    if (!text.startsWith('"')) this.fail(`Expected a quoted name, got ${JSON.stringify(text)}`);
    return JSON.parse(text) as string;
  }

  number(): number {
    const text = this.next();
    if (text === "inf" || text === "-inf") return text === "inf" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    if (text === "nan") return Number.NaN;
    const value = Number(text);
    if (text === "" || Number.isNaN(value)) this.fail(`Expected a number, got ${JSON.stringify(text)}`);
    return value;
  }

  list<T>(open: string, close: string, item: () => T): T[] {
    this.expect(open);
    const items: T[] = [];
    while (!this.take(close)) {
      if (items.length > 0) this.expect(",");
      items.push(item());
    }
    return items;
  }

  dim(): Dim {
    return /^[-\d]/.test(this.peek()) ? this.number() : this.next();
  }

  type(): TensorType {
    const dtype = this.next();
    if (!Object.hasOwn(DTYPES, dtype)) this.fail(`Unknown dtype ${JSON.stringify(dtype)}`);
    return { dtype: dtype as DType, shape: this.list("[", "]", () => this.dim()) };
  }

  tensor(): Tensor {
    const type = this.type();
    const shape = type.shape.map((dim) =>
      typeof dim === "number" ? dim : this.fail(`A constant needs a known shape, got ${typeText(type)}`),
    );
    if (this.take("...")) this.fail("The weights are elided; print the graph with full weights");
    if (this.take("base64")) return fromBytes(type.dtype, shape, new Uint8Array(Buffer.from(this.string(), "base64")));
    if (type.dtype === "int64" || type.dtype === "uint64") return this.wideIntegers(type.dtype, shape);
    return fromNumbers(
      type.dtype,
      shape,
      this.list("{", "}", () => this.number()),
    );
  }

  wideIntegers(dtype: "int64" | "uint64", shape: readonly number[]): Tensor {
    const items = this.list("{", "}", () => {
      const text = this.next();
      return /^-?\d{1,20}$/.test(text) ? BigInt(text) : this.fail(`Expected an integer, got ${JSON.stringify(text)}`);
    });
    const data = dtype === "int64" ? BigInt64Array.from(items) : BigUint64Array.from(items);
    return tensor(dtype, shape, data as never);
  }

  attribute(): Attribute {
    if (this.take("tensor")) return this.tensor();
    if (this.peek().startsWith('"')) return this.string();
    if (this.peek() !== "[") return this.number();
    const items = this.list("[", "]", () => (this.peek().startsWith('"') ? this.string() : this.number()));
    return items as number[] | string[];
  }
}

/** Reads what `printGraph` wrote with full weights; types are derived again and must agree with the stated ones. */
export function parseGraph(source: string, infer: Infer): Graph {
  const reader = new Reader(source);
  reader.expect("graph");
  const builder = new GraphBuilder(reader.string(), infer);
  reader.expect("{");
  const ids = new Map<string, ValueId>();
  // Entries, not an object that is written to: a key may be "__proto__".
  const metadata: [string, string][] = [];
  const reference = (): ValueId | null => {
    if (reader.take("_")) return null;
    reader.expect("%");
    const name = reader.string();
    const id = ids.get(name);
    return id ?? reader.fail(`Unknown value ${JSON.stringify(name)}`);
  };
  while (!reader.take("return")) {
    if (reader.take("meta")) {
      const key = reader.string();
      reader.expect("=");
      metadata.push([key, reader.string()]);
    } else if (reader.take("input")) {
      reader.expect("%");
      const name = reader.string();
      reader.expect(":");
      ids.set(name, builder.input(name, reader.type()));
    } else if (reader.take("const")) {
      reader.expect("%");
      const name = reader.string();
      reader.expect("=");
      ids.set(name, builder.constant(name, reader.tensor()));
    } else parseNode(reader, builder, ids, reference);
  }
  builder.setMetadata(Object.fromEntries(metadata));
  do builder.output(reference() ?? reader.fail("An output cannot be absent"));
  while (reader.take(","));
  reader.expect("}");
  return builder.build();
}

function parseNode(
  reader: Reader,
  builder: GraphBuilder,
  ids: Map<string, ValueId>,
  reference: () => ValueId | null,
): void {
  const outputs: { name: string; type: TensorType }[] = [];
  do {
    reader.expect("%");
    const name = reader.string();
    reader.expect(":");
    outputs.push({ name, type: reader.type() });
  } while (reader.take(","));
  reader.expect("=");
  const op = reader.next();
  const inputs = reader.list("(", ")", reference);
  const attrs: Record<string, Attribute> = {};
  if (reader.peek() === "{") {
    for (const [key, value] of reader.list("{", "}", () => {
      const key = reader.next();
      reader.expect("=");
      return [key, reader.attribute()] as const;
    })) {
      attrs[key] = value;
    }
  }
  reader.expect("@");
  const name = reader.string();
  const made = builder.nodes(op, inputs, attrs, {
    name,
    outputNames: outputs.map((o) => o.name),
    outputs: outputs.length,
  });
  made.forEach((id, i) => {
    const stated = typeText(outputs[i]!.type);
    const derived = typeText(builder.value(id).type);
    if (stated !== derived) reader.fail(`Output "${outputs[i]!.name}" is stated as ${stated}, derived as ${derived}`);
    ids.set(outputs[i]!.name, id);
  });
}
