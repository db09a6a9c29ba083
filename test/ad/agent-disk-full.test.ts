/** A disk that is full under the outbox: the agent says so, keeps what it has, and goes on when there is room. Mounts a tmpfs: needs root. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openOutbox } from "../../agent/outbox.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-full-"));
  execFileSync("/usr/bin/mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder]);
});
afterEach(async () => {
  execFileSync("/usr/bin/umount", [folder]);
  await rm(folder, { recursive: true, force: true });
});

const batch = (sequence: number) => ({
  jobId: "job-1",
  batchId: `job-1-1-${sequence}`,
  readNo: 1,
  sequence,
  changes: 1,
  isLast: false,
  body: randomBytes(60_000),
});

it("is named, loses nothing that was taken, and passes", async () => {
  const outbox = await openOutbox(join(folder, "outbox"));
  await outbox.put(batch(1));
  await writeFile(join(folder, "filler"), randomBytes(150_000));
  await expect(outbox.put(batch(2))).rejects.toMatchObject({
    code: "outbox-full",
    message: expect.stringContaining(join(folder, "outbox")),
    remedy: expect.stringContaining("Nothing is lost"),
  });
  expect(outbox.size).toBe(1);
  expect(await readdir(join(folder, "outbox"))).toHaveLength(1);
  await rm(join(folder, "filler"));
  await outbox.put(batch(2));
  expect((await openOutbox(join(folder, "outbox"))).size).toBe(2);
});
