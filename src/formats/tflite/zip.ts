import { crc32 } from "node:zlib";

export interface ZipEntry {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The earliest date that the format can state, 1 January 1980: the same files give the same bytes. */
const DATE = 0x21;
/** General purpose flag: names are UTF-8. */
const UTF8 = 0x800;

/**
 * A ZIP archive of uncompressed entries to stand behind `offset` bytes of another file (PKWARE APPNOTE 6.3.10, sections
 * 4.3.7, 4.3.12 and 4.3.16). Its offsets count from the start of that file, as zip tools expect.
 */
export function storedZip(entries: readonly ZipEntry[], offset: number): Uint8Array {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let at = offset;
  for (const { name, bytes } of entries) {
    const title = Buffer.from(name, "utf8");
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0); // version needed: 2.0
    facts.writeUInt16LE(UTF8, 2);
    facts.writeUInt16LE(0, 4); // method: stored
    facts.writeUInt16LE(0, 6); // time
    facts.writeUInt16LE(DATE, 8);
    facts.writeUInt32LE(crc32(bytes), 10);
    facts.writeUInt32LE(bytes.length, 14);
    facts.writeUInt32LE(bytes.length, 18);
    facts.writeUInt16LE(title.length, 22);
    facts.writeUInt16LE(0, 24); // extra field
    const place = Buffer.alloc(14); // comment length, disk, attributes (all 0), then the offset
    place.writeUInt32LE(at, 10);
    local.push(Buffer.from("PK\x03\x04", "latin1"), facts, title, Buffer.from(bytes));
    central.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), facts, place, title);
    at += 4 + facts.length + title.length + bytes.length;
  }
  const size = central.reduce((sum, part) => sum + part.length, 0);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(at, 16);
  return new Uint8Array(Buffer.concat([...local, ...central, end]));
}
