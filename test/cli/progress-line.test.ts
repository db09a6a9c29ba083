/** What is drawn while something takes long: on a terminal one line, elsewhere nothing. */
import { expect, test } from "vitest";
import { createProgressLine } from "../../cli/progress-line.ts";

function drawnOn(isTTY: boolean): string {
  let drawn = "";
  const line = createProgressLine({ err: { isTTY, write: (text: string) => (drawn += text) } });
  line.show("part 5 of 16", 4, 16);
  line.show("everybody is mapped", 0);
  line.clear();
  line.clear();
  return drawn;
}

test("a terminal gets a bar that is drawn over and taken away at the end", () => {
  const erase = "\r\u001b[2K";
  const [, first = "", second = "", ...rest] = drawnOn(true).split(erase);
  expect(first).toMatch(/^\[█{6}·{18}\] part 5 of 16$/);
  expect(second).toMatch(/^\[·*█·*\] everybody is mapped$/);
  expect(rest).toEqual([""]);
});

test("a file or a pipe gets nothing", () => {
  expect(drawnOn(false)).toBe("");
});
