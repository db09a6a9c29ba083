/** The outbox under crashes: a kill between any two steps leaves a file whole or not at all. */
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type OutboxBatch, openOutbox } from "../../agent/outbox.ts";

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "uplink-outbox-")), "outbox");
});
afterEach(() => rm(join(folder, ".."), { recursive: true, force: true }));

function buildBatch(sequence: number, readNo = 1): OutboxBatch {
  const body = Buffer.from(`body ${readNo}/${sequence}\nwith a second line \u0000\u00ff`, "latin1");
  return { jobId: "job-1", batchId: `job-1-${readNo}-${sequence}`, readNo, sequence, changes: 3, isLast: false, body };
}

it("gives back after a restart what was put and not removed, oldest first, byte for byte", async () => {
  const before = await openOutbox(folder);
  for (let sequence = 1; sequence <= 12; sequence++) await before.put(buildBatch(sequence));
  await before.remove("job-1-1-1");
  const after = await openOutbox(folder);
  expect(after.size).toBe(11);
  for (let sequence = 2; sequence <= 12; sequence++) {
    expect(after.first()).toEqual(buildBatch(sequence));
    await after.remove(`job-1-1-${sequence}`);
  }
  expect(await readdir(folder)).toEqual([]);
});

it("goes on after what it found, in order", async () => {
  const before = await openOutbox(folder);
  await before.put(buildBatch(1));
  const after = await openOutbox(folder);
  await after.put(buildBatch(2));
  expect((await openOutbox(folder)).first()?.sequence).toBe(1);
});

it("ignores and clears what a kill left half-written", async () => {
  const outbox = await openOutbox(folder);
  await outbox.put(buildBatch(1));
  const [name] = await readdir(folder);
  const whole = await readFile(join(folder, name!));
  await writeFile(join(folder, "0000000002.batch.a1b2c3.partial"), whole.subarray(0, 20));
  const after = await openOutbox(folder);
  expect(after.size).toBe(1);
  expect(await readdir(folder)).toEqual([name]);
});

it.each([0, 10, 200])("drops a batch that doesn't fit its digest (cut to %i bytes)", async (bytes) => {
  const outbox = await openOutbox(folder);
  await outbox.put(buildBatch(1));
  const [name] = await readdir(folder);
  const path = join(folder, name!);
  await truncate(path, Math.min(bytes, (await readFile(path)).length - 1));
  const after = await openOutbox(folder);
  expect(after.first()).toBeUndefined();
  expect(await readdir(folder)).toEqual([]);
});

it("drops one read and keeps another", async () => {
  const outbox = await openOutbox(folder);
  await outbox.put(buildBatch(1, 1));
  await outbox.put(buildBatch(1, 2));
  await outbox.drop(1);
  expect(outbox.first()?.readNo).toBe(2);
  expect((await openOutbox(folder)).size).toBe(1);
});

it("says which folder can't be used", async () => {
  await writeFile(join(folder, "..", "outbox"), "a file, not a folder");
  await expect(openOutbox(folder)).rejects.toMatchObject({
    code: "outbox-unusable",
    message: expect.stringContaining(folder),
  });
});
