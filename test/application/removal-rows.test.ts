import { expect, test } from "vitest";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createRemovals, type StagedRow } from "../../shared/application/state/removal-rows.ts";

const JOB = "job";
const upn = (userPrincipalName: string) => ({ userPrincipalName });
const row = (more: Partial<StagedRow>): StagedRow => ({
  objectGuid: "ann",
  class: "names",
  cycleId: "job-2",
  reason: "too many",
  stagedAt: 1,
  ...more,
});

test("names that were staged anew, and others, aren't taken for those that an admin approved", async () => {
  const removals = createRemovals({ rows: createMemoryRowStore() });
  await removals.stage(JOB, [
    row({ names: upn("ann@new.example") }),
    row({ objectGuid: "bob", names: upn("bob@new.example") }),
    row({ objectGuid: "cid", class: "deletes" }),
  ]);
  await removals.keepApproved(
    JOB,
    [
      { class: "names", objectGuid: "ann", names: upn("ann@other.example") },
      { class: "names", objectGuid: "bob", names: upn("bob@new.example") },
      { class: "deletes", objectGuid: "cid" },
    ],
    "admin eve",
  );
  expect((await removals.staged(JOB)).map((own) => own.objectGuid)).toEqual(["ann"]);
});
