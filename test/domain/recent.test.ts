import { expect, it } from "vitest";
import { createRecent } from "../../shared/domain/recent.ts";

function recorded(most?: Parameters<typeof createRecent>[1]) {
  const made: string[] = [];
  const recent = createRecent((text) => {
    made.push(text);
    return { text };
  }, most);
  return { recent, made };
}

it("makes a thing once for as long as it is among the recent ones", () => {
  const { recent, made } = recorded({ texts: 2, characters: 100 });
  expect(recent("a")).toBe(recent("a"));
  for (const text of ["b", "c", "b", "c", "a", "c", "b"]) expect(recent(text)).toEqual({ text });
  expect(made).toEqual(["a", "b", "c", "a", "b"]);
});

it("lets long texts push out more, and keeps none that is too long for it", () => {
  const { recent, made } = recorded({ texts: 10, characters: 5 });
  for (const text of ["ab", "cd", "ab", "efgh", "ab", "toolong", "toolong"]) recent(text);
  expect(made).toEqual(["ab", "cd", "efgh", "ab", "toolong", "toolong"]);
});
