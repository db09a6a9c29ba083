import { expect, test } from "vitest";
import { listOf, moment, tableOf } from "../../cli/table.ts";

test("columns are as wide as their widest value, letters of two columns counted as two", () => {
  expect(
    tableOf([
      ["name", "n"],
      ["山田", "1"],
      ["Al", "2"],
    ]),
  ).toBe("name  n\n山田  1\nAl    2\n");
});

test("empty values are left out of a list", () => {
  expect(
    listOf([
      ["a", "1"],
      ["b", ""],
      ["c", null],
      ["long", "2"],
    ]),
  ).toBe("a     1\nlong  2\n");
});

test("moments are short and in UTC", () => {
  expect(moment("2026-11-22T12:00:00.123Z")).toBe("2026-11-22 12:00:00Z");
  expect(moment(null)).toBe("never");
});

test("what a value holds to steer a terminal, or to break its line, is a space", () => {
  const values = ["Seestrasse 1\r\n8002 Zürich", "\u001b[2Jgone\u0007", "\u202egpj.exe", "a\tb"];
  const plain = ["Seestrasse 1 8002 Zürich", " [2Jgone ", " gpj.exe", "a b"];
  expect(tableOf(values.map((value) => [value, "end"]))).toBe(
    plain.map((value) => `${value.padEnd(24)}  end\n`).join(""),
  );
});
