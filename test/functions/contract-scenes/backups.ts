/** Rows that were lost, put back from a backup or sought in the target, and what stands against it. */
import { expect } from "vitest";
import { pack, ROW } from "../../../shared/application/state/job-rows.ts";
import { TargetUnavailable } from "../../../shared/ports/target-directory.ts";
import { aUser } from "../../support/cloud.ts";
import { type ContractRecord, openScene } from "../../support/contract-record.ts";

export async function playBackups(record: ContractRecord): Promise<void> {
  const scene = await openScene(record, {});
  const { cloud, corp, codeOf, ask } = scene;
  // Another agent held the lease.
  cloud.clock.set(cloud.clock.now() + 200_000);
  await corp.read("full", [aUser("ann"), aUser("bob")]);
  const { backupId } = await cloud.cloud.beginBackupWith(cloud.driver)();
  await cloud.driver.settled();
  const listed = await ask("ListBackups");
  expect(listed.body.value).toMatchObject([{ id: backupId, objects: 2 }]);
  const of = { backupId, part: 0 };
  const restore = (body: object) => codeOf("RestoreRows", { body: { ...of, ...body } });
  const seek = (body: object) => codeOf("SeekTargets", { body: { type: "user", page: 0, ...body } });
  expect(await restore({})).toBe(200);
  expect(await restore({ backupId: "none" })).toBe("backup-not-found");
  expect(await seek({})).toBe(200);
  expect(await seek({ page: 7 })).toBe("target-page-lost");
  for (const code of ["target-unreachable", "target-credentials", "target-refused"] as const) {
    cloud.target.setUnavailable(new TargetUnavailable(code, "It says why.", "Mend that.", 0));
    expect(await seek({})).toBe(code);
  }
  cloud.target.setUnavailable(undefined);
  expect(await restore({ apply: true })).toBe("job-not-paused");
  expect(await seek({ apply: true })).toBe("job-not-paused");
  expect((await cloud.cloud.routes.configurations.setPaused(corp.jobId, true)).ok).toBe(true);
  const runner = { op: "upsert", row: ROW.runner("live") } as const;
  const rowWith = (state: "running" | "idle") => pack({ epoch: 9, instanceId: "i", state, movedAt: cloud.clock.now() });
  const jobs = cloud.rows.table("jobs");
  await jobs.transact(corp.jobId, [{ ...runner, values: rowWith("running") }]);
  expect(await restore({ apply: true })).toBe("job-busy");
  expect(await seek({ apply: true })).toBe("job-busy");
  await jobs.transact(corp.jobId, [{ ...runner, values: rowWith("idle") }]);
  expect(await restore({ apply: true })).toBe(200);
  expect(await seek({ apply: true })).toBe(200);
  for await (const path of cloud.blobs.list("backups/")) if (path.endsWith(".gz")) await cloud.blobs.delete(path);
  expect(await restore({})).toBe("backup-damaged");
  await scene.close();
}
