/** Comma-separated values go to a spreadsheet, and a directory's values may hold anything. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { csvOf } from "../../cli/csv.ts";

it("values with commas, quotes and breaks are quoted", () => {
  expect(csvOf([["a", 'b, "c"', "d\r\ne", ""]])).toBe('a,"b, ""c""","d\r\ne",\r\n');
});

it("a value with the other separator is quoted: spreadsheets of many countries would tear it, and take its end for a formula", () => {
  expect(csvOf([["a;=1+1", "b"]])).toBe('"a;=1+1",b\r\n');
});

it.each(["=1+1", "+49 30 1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x"])(
  "a value that a spreadsheet would take for a formula begins with an apostrophe: %j",
  (value) => {
    expect(cellsOf(csvOf([["x", value]]))).toEqual([["x", `'${value}`]]);
  },
);

it.each(["-", "a=b", "'", "", "2026-01-05T08:00:00Z", "ann@corp.example"])("any other stays as it is: %j", (value) => {
  expect(cellsOf(csvOf([["x", value]]))).toEqual([["x", value]]);
});

it("no value reads as a formula, and none tears its row", () => {
  const character = fc.constantFrom(..."=+-@\t\r\n\"',;ax＝");
  const rows = fc.array(fc.array(fc.string({ unit: character, maxLength: 6 }), { minLength: 2, maxLength: 3 }), {
    minLength: 1,
  });
  fc.assert(
    fc.property(rows, (given) => {
      const read = cellsOf(csvOf(given));
      expect(read.map((row) => row.map((cell) => (/^'[=+\-@＝\t\r\n]/.test(cell) ? cell.slice(1) : cell)))).toEqual(
        given.map((row) => row.map((cell) => (/^'[=+\-@＝\t\r\n]/.test(cell) ? cell.slice(1) : cell))),
      );
      for (const cell of read.flat()) if (cell !== "-") expect(cell).not.toMatch(/^[=+\-@＝\t\r\n]/);
    }),
  );
});

/** As RFC 4180 reads it. */
function cellsOf(csv: string): string[][] {
  const rows: string[][] = [];
  for (let at = 0; at < csv.length; ) {
    const row: string[] = [];
    for (;;) {
      const quoted = /^"((?:[^"]|"")*)"/.exec(csv.slice(at));
      const plain = /^[^,\r\n"]*/.exec(csv.slice(at))?.[0] ?? "";
      row.push(quoted ? (quoted[1] ?? "").replaceAll('""', '"') : plain);
      at += quoted ? quoted[0].length : plain.length;
      if (csv[at] !== ",") break;
      at += 1;
    }
    expect(csv.slice(at, at + 2)).toBe("\r\n");
    at += 2;
    rows.push(row);
  }
  return rows;
}
