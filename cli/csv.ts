/**
 * Rows as comma-separated values (RFC 4180), the first one the head.
 *
 * A spreadsheet takes what begins like a formula for one, and a directory's values may hold anything: such a cell begins with an
 * apostrophe, as OWASP has it. `--json` has values as they are. A hyphen alone stands for nothing, and computes nothing.
 * In many countries it parts cells at semicolons: a value that holds one is quoted, too.
 */
const FORMULA = /^(?:[=+@\t\r\n\uff1d\uff0b\uff0d\uff20]|-[\s\S])/;

export function csvOf(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(cellOf).join(",")}\r\n`).join("");
}

function cellOf(value: string): string {
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",;\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
