import { escapeXml } from "../../../src/report/index.ts";

export type Attributes = Readonly<Record<string, string | number>>;

/** Coordinates to a tenth of a pixel. */
function attributeText(value: string | number): string {
  return typeof value === "number" ? String(Math.round(value * 10) / 10) : escapeXml(value);
}

/** An element; `content` is markup that has been escaped already. */
export function element(name: string, attributes: Attributes, content: readonly string[] = []): string {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${attributeText(value)}"`);
  const open = `<${name}${pairs.join("")}`;
  return content.length === 0 ? `${open}/>` : `${open}>${content.join("")}</${name}>`;
}

/** A line of text, of at most `width` pixels by the mean width of its letters; what is lost is in the title that shows on hovering. */
export function textElement(text: string, x: number, y: number, width: number, attributes: Attributes = {}): string {
  const size = typeof attributes["font-size"] === "number" ? attributes["font-size"] : FONT_SIZE;
  const most = Math.max(4, Math.floor(width / (LETTER * size)));
  const shown = escapeXml(text, most);
  const title = [...text].length > most ? [element("title", {}, [escapeXml(text, 400)])] : [];
  return element("text", { x, y, ...attributes }, [shown, ...title]);
}

export const FONT_SIZE = 11;
/** Width of a letter of a sans-serif font by its size, a little above the mean of names. */
const LETTER = 0.54;

/** Colours of groups: light enough for dark text when faded, and told apart in that order (Okabe and Ito 2008, and four more of the same kind). */
const COLOURS = [
  "#0072b2",
  "#e69f00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#d55e00",
  "#7a6fd0",
  "#8c9a00",
  "#b0413e",
  "#4d7f8c",
] as const;

/** The colour of a group by its number. */
export function colourOf(number: number): string {
  return COLOURS[(number - 1) % COLOURS.length]!;
}
