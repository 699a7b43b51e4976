import { escapeXml, SHOWN } from "../text.ts";

/** Text that is HTML already. Only `markup`, `join` and `drawing` make it, so a plain string can't get into the page unescaped. */
export interface Html {
  readonly html: string;
}

export type Content = string | number | Html;

/** Tagged template: every interpolated string is escaped and shortened, every Html is taken as it is. */
export function markup(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  const text = parts.map((part, index) => (index < values.length ? part + htmlOf(values[index] ?? "") : part));
  return { html: text.join("") };
}

/** Pieces of HTML, one after the other. */
export function join(pieces: readonly Content[], between = ""): Html {
  return { html: pieces.map(htmlOf).join(between) };
}

/** An <svg> of our own charts: escaped where it was made. */
export function drawing(svg: string): Html {
  return { html: svg };
}

/** A sentence of up to 600 characters; names are shortened earlier than that. */
export function sentence(text: string): Html {
  return { html: escapeXml(text, 600) };
}

export const NOTHING: Html = { html: "" };

function htmlOf(value: Content): string {
  return typeof value === "object" ? value.html : escapeXml(String(value), SHOWN);
}
