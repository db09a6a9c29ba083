import { expect, it } from "vitest";
import { createWritesLeft } from "../../shared/application/export/writes-left.ts";

it("a chunk that comes again knows what it has left and what it wrote, until it is done", () => {
  const left = createWritesLeft();
  left.note("one", 12);
  left.add("one", 5);
  left.add("one", 4);
  expect([left.get("one"), left.made("one")]).toEqual([12, 9]);
  // Estimated anew, and still the same chunk.
  left.note("one", undefined);
  expect([left.get("one"), left.made("one")]).toEqual([undefined, 9]);
  left.forget("one");
  expect([left.get("one"), left.made("one")]).toEqual([undefined, 0]);
});

it("forgets whoever was not heard of for longest, and no more than that", () => {
  const left = createWritesLeft();
  for (let chunk = 0; chunk < 1_001; chunk++) left.note(String(chunk), chunk);
  expect([left.get("0"), left.get("1"), left.get("1000")]).toEqual([undefined, 1, 1_000]);
});
