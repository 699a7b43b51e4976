/**
 * Characters that would act instead of being read: controls (a terminal obeys ESC, XML 1.0 forbids most), lone surrogates,
 * non-characters, and the bidirectional controls that can make one name look like another.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff]/gu;

/** Longest name that is shown whole; report.json always has it whole. */
export const SHOWN = 160;

/** One line of readable text: line ends and tabs become spaces, unprintable characters U+FFFD; a long text loses its middle. */
export function printable(text: string, longest = SHOWN): string {
  // shorten first (leaving room to spare), so that a text of megabytes costs nothing
  const near = text.length > 4 * longest ? text.slice(0, 2 * longest) + text.slice(-2 * longest) : text;
  const clean = near.replace(/[\t\r\n]+/g, " ").replace(UNPRINTABLE, "\ufffd");
  return near === text ? shorten(clean, longest) : `${shorten(clean, longest)} (${text.length} characters)`;
}

/** The text, or its beginning and end around an ellipsis when it has more than `longest` code points. */
export function shorten(text: string, longest: number): string {
  const points = [...text];
  if (points.length <= longest) return text;
  const head = Math.ceil((longest - 1) * 0.6);
  return `${points.slice(0, head).join("")}\u2026${points.slice(points.length - (longest - 1 - head)).join("")}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Printable text, escaped for HTML and XML, in element content and in quoted attributes alike. */
export function escapeXml(text: string, longest = SHOWN): string {
  return printable(text, longest).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** Printable text, escaped for a Markdown table cell: nothing in it is markup, HTML, a link or a column border. */
export function escapeMarkdown(text: string, longest = SHOWN): string {
  return printable(text, longest)
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/[\\`*_{}[\]|~#!]/g, (character) => `\\${character}`)
    .replace(/(https?):\/\//gi, "$1&#58;//")
    .replace(/www\./gi, (word) => `${word.slice(0, 3)}&#46;`)
    .replace(/@/g, "&#64;");
}

/** A name as a Markdown code span for a table cell; its fence is longer than any run of backticks in it. */
export function codeSpan(text: string, longest = SHOWN): string {
  const shown = printable(text, longest).replace(/\|/g, "\\|");
  const runs = shown.match(/`+/g) ?? [];
  const fence = "`".repeat(1 + Math.max(0, ...runs.map((run) => run.length)));
  const pad = runs.length > 0 || shown.trim() === "" ? " " : "";
  return `${fence}${pad}${shown}${pad}${fence}`;
}
