/** Staged sets: shown, approved, dropped, and what stands against it. */
import { expect } from "vitest";
import { createRemovals } from "../../../shared/application/state/removal-rows.ts";
import { aGroup, withMembers } from "../../support/changes.ts";
import { aUser, guidOf } from "../../support/cloud.ts";
import { type ContractRecord, openScene } from "../../support/contract-record.ts";

export async function playStaged(record: ContractRecord): Promise<void> {
  const { cloud, corp, ask, codeOf, close } = await openScene(record);
  cloud.clock.set(cloud.clock.now() + 200_000);
  const names = Array.from({ length: 60 }, (_, at) => `user${at}`);
  const people = names.map((name) => aUser(name));
  await corp.read("full", [...people, withMembers(names, aGroup("sales"))]);
  await corp.read("delta", [
    ...names.slice(0, 30).map((name) => ({ op: "delete" as const, objectGuid: guidOf(name) })),
    withMembers(names.slice(55), aGroup("sales")),
  ]);
  const sets = async () =>
    (await ask("ListStaged")).body.value as { class: string; digest: string; cycleId: string; reason: string }[];
  const setOf = async (of: string) => {
    const found = (await sets()).find((own) => own.class === of);
    if (!found) throw new Error(`Nothing of ${of} is staged: ${JSON.stringify(await sets())}`);
    return found;
  };
  const decide = async (action: string, of: string, digest?: string) =>
    codeOf("DecideStaged", {
      params: { class: of, action },
      body: { digest: digest ?? (await setOf(of)).digest },
    });
  const deletes = await setOf("deletes");
  const params = { class: "deletes", digest: deletes.digest };
  expect((await ask("ListStagedObjects", { params })).body.value).toHaveLength(30);
  const page = await ask("ListStagedObjects", { params, query: { $top: "7" } });
  expect(page.body["@odata.nextLink"]).toBeDefined();
  expect(await codeOf("ListStagedObjects", { params, query: { $skiptoken: "far" } })).toBe("staged-page");
  expect(await codeOf("ListStagedObjects", { params: { ...params, digest: "0".repeat(32) } })).toBe(
    "staged-set-changed",
  );
  expect(await decide("approve", "deletes", "0".repeat(32))).toBe("staged-set-changed");
  expect(await decide("approve", "deletes", deletes.digest)).toBe(200);
  expect(await decide("drop", "deletes", deletes.digest)).toBe("staged-set-approved");
  await cloud.run();
  // As a release that didn't keep which memberships they are left one.
  const { cycleId, reason } = await setOf("memberships");
  const row = {
    objectGuid: guidOf("sales"),
    class: "memberships" as const,
    cycleId,
    reason,
    stagedAt: cloud.clock.now(),
  };
  await createRemovals({ rows: cloud.rows }).stage(corp.jobId, [row]);
  expect(await decide("approve", "memberships")).toBe("staged-memberships");
  await close();
}
