import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { sizeCandidates } from "../../../pipeline/zoo/open-sizes.ts";
import { differenceText, type ZooRow } from "../../../pipeline/zoo/row.ts";
import { readTar } from "../../../pipeline/zoo/tar.ts";
import { writeOnnx } from "../../../src/formats/onnx/index.ts";
import { classifier, classifierOnnx, classifierTflite } from "../cli/small-models.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A member of a ustar archive. */
function member(name: string, content: Uint8Array, type = "0"): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write(type, 156);
  header.write("ustar\0", 257);
  header.fill(" ", 148, 156);
  const sum = header.reduce((a, b) => a + b, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

const archive = (...members: Buffer[]) => new Uint8Array(Buffer.concat([...members, Buffer.alloc(1024)]));
const bytes = (text: string) => new TextEncoder().encode(text);

describe("readTar", () => {
  it("gives regular files, also with long names, and leaves out folders and links", () => {
    const long = `${"d/".repeat(80)}model.onnx`;
    const entries = readTar(
      archive(
        member("a/b.txt", bytes("hello")),
        member("a", bytes(""), "5"),
        member("link", bytes(""), "2"),
        member("././@LongLink", bytes(`${long}\0`), "L"),
        member("short", bytes("x"), "0"),
        member("pax", bytes("30 path=other/name/model.onnx\n"), "x"),
        member("short", bytes("y"), "0"),
      ),
      "t.tar",
    );
    expect(entries.map(({ name, bytes }) => [name, new TextDecoder().decode(bytes)])).toEqual([
      ["a/b.txt", "hello"],
      [long, "x"],
      ["other/name/model.onnx", "y"],
    ]);
  });

  it("refuses an archive that is cut or changed", () => {
    const whole = archive(member("a", bytes("hello".repeat(200))));
    expect(() => readTar(whole.subarray(0, 900), "t.tar")).toThrowError(/damaged at byte 0/);
    expect(() =>
      readTar(
        whole.map((byte, i) => (i === 3 ? byte + 1 : byte)),
        "t.tar",
      ),
    ).toThrowError(/damaged/);
  });
});

describe("the sizes that are tried", () => {
  const port = (name: string, shape: (number | string)[]) => ({ name, dtype: "float32" as const, shape });

  it("are the stated ones, once, when nothing is open", () => {
    expect([...sizeCandidates([port("x", [1, 3, 8, 8])])]).toEqual([[[1, 3, 8, 8]]]);
  });

  it("are one sample and a ladder of the rest, the same for the same symbol", () => {
    const [first, second] = [...sizeCandidates([port("x", ["n", 3, "h", "w"]), port("y", [2, "n", "h"])])];
    expect(first).toEqual([
      [1, 3, 64, 64],
      [2, 1, 64],
    ]);
    expect(second![0]).toEqual([1, 3, 32, 32]);
  });

  it("take the middle axis of a state for the batch first", () => {
    const [first] = [...sizeCandidates([port("input", ["a", "b"]), port("state", [2, "c", 128])])];
    expect(first).toEqual([
      [1, 512],
      [2, 1, 128],
    ]);
  });
});

describe("a difference", () => {
  it("is printed with its unit", () => {
    const text = (value: number, unit: string) => differenceText({ value, unit, limit: 1, output: "y" });
    expect([text(1.2e-5, "relative"), text(1, "steps"), text(0, "exact"), differenceText(null)]).toEqual([
      "1.2e-5 rel",
      "1 steps",
      "0 exact",
      "-",
    ]);
  });
});

describe("npm run test:zoo", () => {
  const run = (folder: string, ...args: string[]) =>
    spawnSync(process.execPath, ["--import", "tsx", "scripts/test-zoo.ts", folder, ...args], {
      cwd: ROOT,
      encoding: "utf8",
      timeout: 120_000,
    });

  it("tries files, folders and archives, goes on after each failure, and fails when one does", () => {
    const folder = mkdtempSync(join(tmpdir(), "espalier-zoo-"));
    try {
      mkdirSync(join(folder, "deep"));
      writeFileSync(join(folder, "a.onnx"), classifierOnnx());
      writeFileSync(join(folder, "deep/open.onnx"), writeOnnx(classifier("N")));
      writeFileSync(join(folder, "neg_garbage.onnx"), bytes("no model at all"));
      writeFileSync(join(folder, "neg_fine.onnx"), classifierOnnx());
      writeFileSync(join(folder, "z.tar"), archive(member("inner/small.tflite", classifierTflite())));
      const { stdout, status } = run(folder, "--json");
      const rows = JSON.parse(stdout) as ZooRow[];
      expect(rows.map(({ name, status: found }) => [name, found])).toEqual([
        ["a.onnx", "ok"],
        ["deep/open.onnx", "ok"],
        ["neg_fine.onnx", "FAIL"],
        ["neg_garbage.onnx", "refused"],
        ["z.tar!inner/small.tflite", "ok"],
      ]);
      expect(status).toBe(1);
      expect(rows[1]!.sizes).toBe("image 1x3x8x8");
      expect(rows[4]!.engine).toContain("LiteRT");
      for (const { difference } of [rows[0]!, rows[1]!, rows[4]!]) expect(difference!.value).toBeLessThan(1e-4);
      const one = run(folder, "--filter", "a.onnx");
      expect([one.status, one.stdout]).toEqual([
        0,
        expect.stringMatching(/^a\.onnx +ok +onnx .* rel +ONNX Runtime [\d.]+\n\n1 models/),
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("says what is wrong with its own command line", () => {
    for (const args of [["/nonexistent"], ["test/golden"], [".", "--timeout", "no"]]) {
      const { status, stderr } = run(...(args as [string]));
      expect([status, stderr]).toEqual([1, expect.stringContaining("error: ")]);
    }
  });
});
