/** Rows as text in columns. */

/** The first row is the head. Columns are as wide as their widest value; the last one is left as it is. */
export function tableOf(values: readonly (readonly string[])[]): string {
  const rows = values.map((row) => row.map(plainOf));
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
  }
  return rows
    .map((row) =>
      row
        .map((cell, index) =>
          index === row.length - 1 ? cell : cell + " ".repeat((widths[index] ?? 0) - widthOf(cell)),
        )
        .join("  "),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

/**
 * A directory's values may hold anything: a line break would tear a row apart, an escape sequence or a change of direction would make a
 * terminal show what isn't there. `--json` has them as they are.
 */
export function plainOf(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, " ");
}

/** Columns of a terminal: letters of East Asian scripts take two. */
function widthOf(text: string): number {
  const wide = text.match(/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/g)?.length ?? 0;
  return [...text].length + wide;
}

/** Names and values, a line each; empty values are left out. */
export function listOf(pairs: readonly (readonly [name: string, value: string | null | undefined])[]): string {
  return tableOf(
    pairs.flatMap(([name, value]) => (value === null || value === undefined || value === "" ? [] : [[name, value]])),
  );
}

/** `2026-11-22T12:00:00Z` as it reads best; never in local time, so that it fits the logs. */
export function moment(text: string | null): string {
  return text === null ? "never" : text.replace("T", " ").replace(/\.\d+Z$/, "Z");
}
