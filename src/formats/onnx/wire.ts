/**
 * Protocol Buffers' wire format, as far as a file is put together from parts that are encoded already: a message is the concatenation of
 * its fields, so that large byte strings need not be copied through the encoder (protobuf.dev, Encoding).
 */

/** Parts of a file, and their length together. */
export interface Parts {
  readonly chunks: readonly Uint8Array[];
  readonly length: number;
}

/** A variable-length integer: seven bits a byte, low ones first. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** Parts one after the other. */
export function concatenated(all: readonly Parts[]): Parts {
  return { chunks: all.flatMap(({ chunks }) => chunks), length: all.reduce((sum, { length }) => sum + length, 0) };
}

/** Bytes as a part. */
export function part(bytes: Uint8Array): Parts {
  return { chunks: [bytes], length: bytes.length };
}

/** A field whose value is bytes, or an encoded message (wire type 2). */
export function field(number: number, value: Parts): Parts {
  return concatenated([part(varint(number * 8 + 2)), part(varint(value.length)), value]);
}

/** The bytes of all parts, in one allocation. */
export function joined({ chunks, length }: Parts): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
