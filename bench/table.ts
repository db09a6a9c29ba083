/** A table as plain text for a terminal. */

export type Column<T> = readonly [head: string, cell: (one: T) => string];

/** Lines; none where nothing was measured. */
export function table<T>(columns: readonly Column<T>[], results: readonly T[], legend: readonly string[]): string[] {
  if (results.length === 0) return [];
  const rows = [columns.map(([head]) => head), ...results.map((one) => columns.map(([, cell]) => cell(one)))];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length)));
  const lines = rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [...lines, "", ...legend, ""];
}

export function fixed(value: number, digits = 0): string {
  return value.toFixed(digits);
}
