const WIDTH = 110;

/** Items separated by commas in lines of at most 110 characters, each behind the margin; a longer item has a line of its own. */
export function wrapList(items: readonly string[], margin: string): string[] {
  const lines: string[] = [];
  let line = "";
  items.forEach((item, i) => {
    const text = i < items.length - 1 ? `${item},` : item;
    if (line !== "" && margin.length + line.length + 1 + text.length > WIDTH) {
      lines.push(margin + line);
      line = "";
    }
    line = line === "" ? text : `${line} ${text}`;
  });
  return line === "" ? lines : [...lines, margin + line];
}
