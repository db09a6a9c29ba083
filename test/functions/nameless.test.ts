/** What functions throw on to the host, which keeps it: errors of stores, of the target and of SDKs tell what they were asked about. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { nameless } from "../../functions/nameless.ts";
import { activity } from "../../orchestrations/activities/answer.ts";
import { logBy } from "../../shared/ports/log.ts";

const UPN = "anna.berg@corp.example";
const DN = "CN=Berg\\, Anna,OU=People,DC=corp,DC=example";
const NAMES = /anna|berg|People/i;

/** As an activity is registered: its use case meets an error that isn't ours. */
function failingWith(error: unknown) {
  const deps = { clock: { now: () => 0 }, log: logBy(() => {}), noteFault: async () => false };
  const run = activity(deps, z.object({ jobId: z.string() }), async () => {
    throw error;
  });
  return nameless(run)({ jobId: "j" }).then(
    () => expect.fail("It threw nothing."),
    (thrown: unknown) => thrown,
  );
}

it("throws no name on: neither in the message, nor in the stack, nor in what caused it", async () => {
  const error = new TypeError(`Row of ${UPN} (${DN}) refused`, { cause: new Error(`409 for ${UPN}`) });
  const thrown = (await failingWith(error)) as Error;
  expect(thrown).toMatchObject({ name: "TypeError", message: "Row of [name] ([name]) refused" });
  expect(thrown.cause).toMatchObject({ message: "409 for [name]" });
  for (const own of [thrown, thrown.cause as Error]) {
    expect(own.stack).not.toMatch(NAMES);
    expect(own.stack).toMatch(/\n +at .*nameless\.test\.ts/);
  }
  expect(await failingWith(`lost ${UPN}`)).toBe("lost [name]");
});

it("throws on what holds none as it is", async () => {
  const error = new RangeError("Partition 7 of table objects answered 503");
  expect(await failingWith(error)).toBe(error);
});

it("stands around whatever is registered but routes, which answer for themselves, and orchestrators, which only pass on", () => {
  const main = readFileSync(join(import.meta.dirname, "..", "..", "functions", "main.ts"), "utf8");
  const handlers = [...main.matchAll(/\bhandler: (\w+)/g)].map(([, name]) => name);
  expect(handlers.length).toBe(5);
  expect(new Set(handlers)).toEqual(new Set(["nameless"]));
});
