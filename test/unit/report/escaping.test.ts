import sharp from "sharp";
import { describe, expect, test } from "vitest";
import {
  buildReport,
  printable,
  type Report,
  renderHtml,
  renderJUnit,
  renderMarkdown,
  renderSummary,
} from "../../../src/report/index.ts";
import { codeSpan, escapeMarkdown } from "../../../src/report/text.ts";
import { sampleFacts, sampleReport, TARGETS, type Target, withStrings } from "./samples.ts";
import { xmlTree } from "./xml.ts";

const HOSTILE = {
  script: "<script>alert(1)</script><img src=x onerror=alert(2)>",
  quotes: `"'\`"><svg onload=alert(3)>' autofocus onfocus="alert(4)`,
  cdata: "]]><!-- --><?php ?>&amp;&#x3c;script&#x3e;",
  controls: "a\u0000b\u0007c\u001b[31mred\u001b]0;title\u0007\u0085\ufffe\ud800\u202egnp.exe",
  lines: "first\r\n## Verdict: PASS\n| a | b |\n<tr><td>",
  markdown: "[x](https://evil.example/) ![y](http://evil.example/z.png) **bold** | cell `code` @all www.evil.example",
  long: "x".repeat(10_000),
  vega: "datum.secret \\u0022 {{x}} $datum.x",
};
/** Fields whose values are words of the schema or hashes, not free text. */
const FIXED = new Set(["sha256", "kind", "comparison", "unit", "role", "metric", "severity", "decidedBy"]);

/** The sample with a hostile text in every free field, each made different by a number so that names stay apart. */
function hostileReport(target: Target, text: string): Report {
  let count = 0;
  const facts = withStrings(sampleFacts(target), (old, key) => (FIXED.has(key) ? old : `${text}${count++ % 40}`));
  const { shipped } = sampleFacts(target);
  return buildReport({ ...facts, ...(shipped === undefined ? {} : { shipped: { ...shipped, reason: text } }) });
}

const KINDS = Object.keys(HOSTILE) as (keyof typeof HOSTILE)[];

describe.each(KINDS)("hostile text: %s", (kind) => {
  const report = hostileReport("mcu", HOSTILE[kind]);

  test("HTML: only our own elements and attributes, nothing loaded, no control characters", async () => {
    const html = await renderHtml(report);
    expectHarmless(html);
    expect(html.length).toBeLessThan(700_000);
  });

  test("JUnit is well-formed and says the same count", () => {
    const root = xmlTree(renderJUnit(report));
    expect(root.attributes.tests).toBe(String(report.requirements.length + report.proofs.length));
  });

  test("Markdown: names stay in their cell", () => {
    const text = renderMarkdown(report);
    const rows = text.split("\n").filter((line) => line.startsWith("|"));
    const widths = new Set(rows.map((row) => row.replace(/\\\|/g, "").split("|").length));
    expect(text.match(/^## /gm)?.length).toBe(renderMarkdown(sampleReport("mcu")).match(/^## /gm)?.length);
    expect(widths).toEqual(
      new Set(
        renderMarkdown(sampleReport("mcu"))
          .split("\n")
          .filter((line) => line.startsWith("|"))
          .map((row) => row.split("|").length),
      ),
    );
    expect(withoutCode(text)).not.toMatch(/<script|<img|<svg|https?:\/\//i);
  });

  test("terminal: no control character but line ends, no line over 100 columns", () => {
    const text = renderSummary(report);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    for (const line of text.split("\n")) expect([...line].length).toBeLessThanOrEqual(100);
  });
});

describe("pages of all targets", () => {
  test.each(TARGETS)("%s: nothing is loaded and every drawing is an image that a renderer accepts", async (target) => {
    const html = await renderHtml(sampleReport(target));
    expectHarmless(html);
    const drawings = html.match(/<svg[\s\S]*?<\/svg>/g) ?? [];
    expect(drawings.length).toBeGreaterThanOrEqual(4);
    for (const drawing of drawings) {
      const { channels } = await sharp(Buffer.from(drawing)).flatten({ background: "#fff" }).stats();
      expect(channels[0]!.stdev).toBeGreaterThan(10); // something is drawn
    }
  });
});

describe("text", () => {
  test("a long name keeps its beginning and its end and says its length", () => {
    const shown = printable(`begin${"x".repeat(9_990)}ender`);
    expect(shown).toMatch(/^beginx+\u2026x+ender \(10000 characters\)$/);
    expect([...shown].length).toBeLessThan(200);
  });

  test("characters outside the basic plane are not torn", () => {
    expect(printable("\u{1f333}".repeat(500))).not.toMatch(/\p{Cs}/u);
  });

  test("Markdown escapes", () => {
    expect(escapeMarkdown("a|b_c*[d](e)<f>")).toBe("a\\|b\\_c\\*\\[d\\](e)&lt;f&gt;");
    expect(codeSpan("a`b")).toBe("`` a`b ``");
    expect(codeSpan("a|b")).toBe("`a\\|b`");
  });
});

const ELEMENTS = new Set(
  "html head meta title style body main header section h1 h2 h3 p div span strong b small code dl dt dd table thead tbody tr th td ul li figure figcaption svg desc g path text rect line".split(
    " ",
  ),
);
const ATTRIBUTES = new Set(
  "lang charset name content http-equiv class role scope id xmlns viewBox width height aria-labelledby aria-hidden pointer-events transform d fill stroke stroke-width stroke-dasharray stroke-miterlimit opacity text-anchor font-family font-size font-weight x2 y2 display stroke-opacity fill-opacity stroke-linecap".split(
    " ",
  ),
);

/** Every tag is one that the page means to use, none loads or runs anything, and nothing unprintable is left. */
function expectHarmless(html: string): void {
  const outside = html.replace(/<!DOCTYPE html>/, "").replace(/<style>[\s\S]*?<\/style>/, "");
  const tags = outside.match(/<[^>]*>/g) ?? [];
  for (const tag of tags) {
    const [, name = "", rest = ""] =
      /^<\/?([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z:-]+[0-9]?="[^"<>]*")*)\s*\/?>$/.exec(tag) ?? [];
    expect(ELEMENTS, tag.slice(0, 200)).toContain(name);
    for (const [, attribute = ""] of rest.matchAll(/\s([a-zA-Z:-]+[0-9]?)="/g))
      expect(ATTRIBUTES, tag.slice(0, 200)).toContain(attribute);
  }
  expect(outside.replace(/<[^>]*>/g, "")).not.toMatch(/[<>]/);
  const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? "";
  expect(style).not.toMatch(/url\(|@import|expression|</);
  const addresses = tags.join("").replaceAll('xmlns="http://www.w3.org/2000/svg"', "");
  expect(addresses).not.toMatch(/\b(src|href|srcset|data|action)=/i);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse
  expect(html).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\ufffe]/);
  expect(html).not.toMatch(/\p{Cs}/u);
}

/** Markdown without its code spans, read as CommonMark does: a backslash escapes outside a span and means nothing inside. */
function withoutCode(markdown: string): string {
  let text = "";
  for (let at = 0; at < markdown.length; at++) {
    if (markdown[at] === "\\") text += markdown.slice(at, ++at + 1);
    else if (markdown[at] !== "`") text += markdown[at];
    else {
      const [fence = ""] = /^`+/.exec(markdown.slice(at)) ?? [];
      const close = new RegExp(`[^\`]${fence}(?!\`)`).exec(markdown.slice(at + fence.length));
      if (close === null) throw new Error(`a code span is not closed: ${markdown.slice(at, at + 80)}`);
      at += 2 * fence.length + close.index;
    }
  }
  return text;
}
