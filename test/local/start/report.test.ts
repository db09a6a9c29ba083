import { expect, test } from "vitest";
import { cycleLines, forestLines, namesFromLdif, togetherLine } from "../../../local/start/report.ts";
import { CycleReply } from "../../../shared/contracts/admin/cycles.ts";
import { EscrowReply } from "../../../shared/contracts/admin/escrows.ts";
import { ProvisioningLogReply } from "../../../shared/contracts/provisioning-log.ts";

const NONE = { exported: 0, "no-op": 0, filtered: 0, staged: 0, escrowed: 0 };
const aCycle = (more: Partial<CycleReply> = {}): CycleReply =>
  CycleReply.parse({
    ...{ cycleId: "j-2", readNo: 2, kind: "full", state: "ended", received: 5 },
    ...{ startedAt: "2026-01-01T00:00:00Z", endedAt: "2026-01-01T00:00:01Z", closedAt: "2026-01-01T00:00:01.500Z" },
    ...{
      outcomes: { ...NONE, exported: 2, "no-op": 3 },
      absent: NONE,
      created: 1,
      updated: 1,
      deleted: 0,
      restored: 0,
    },
    ...{
      writes: 2,
      links: { added: 0, removed: 0, pending: 0, suspended: 0, staged: 0, failed: 0 },
      filteredBy: {},
      escrowedBy: {},
      staged: [],
      complete: true,
      incompleteBecause: null,
    },
    ...more,
  });
const anEntry = (action: string, status: string, more: object = {}): ProvisioningLogReply =>
  ProvisioningLogReply.parse({
    ...{ id: "1", activityDateTime: "2026-01-01T00:00:00Z", jobId: "j", cycleId: "j-2", changeId: "c" },
    ...{ tenantId: "t", durationInMilliseconds: 1, servicePrincipal: { id: "s", displayName: "hq" } },
    initiatedBy: { id: "", displayName: "Directory Uplink", initiatorType: "system" },
    sourceSystem: { id: "d", displayName: "corp.example", details: {} },
    targetSystem: { id: "t", displayName: "Microsoft Entra ID", details: {} },
    ...{ provisioningAction: action, provisioningStatusInfo: { status, errorInformation: null } },
    sourceIdentity: { id: "g", displayName: "CN=O\\, Neil,OU=Staff,DC=x", identityType: "user", details: {} },
    ...{
      targetIdentity: { id: "t", displayName: null, identityType: "user", details: {} },
      provisioningSteps: [],
      modifiedProperties: [],
    },
    ...more,
  });
const GUID = "b6de1a23-803f-48c5-9e67-29a1d2517117";

test("a later read is one line, and one for each change with old and new values", () => {
  const modifiedProperties = [{ displayName: "jobTitle", oldValue: "Clerk", newValue: null }];
  const entries = [anEntry("update", "success", { modifiedProperties }), anEntry("other", "skipped")];
  expect(cycleLines("hq", aCycle(), entries)).toEqual([
    "hq: read 2: 1 created, 1 updated, 3 no-op; 2 writes, 1.5 s",
    "    update O, Neil: jobTitle 'Clerk' → (none)",
  ]);
});

test("members that came, went or wait are a line of their own", () => {
  const links = { added: 3, removed: 0, pending: 1, suspended: 0, staged: 0, failed: 0 };
  expect(cycleLines("hq", aCycle({ links }), [])).toContain("  members   3 added, 1 pending");
  expect(cycleLines("hq", aCycle(), [])).toHaveLength(1);
});

test("staged removals and a read that was given up are said", () => {
  const staged = [{ class: "deletes", count: 30, reason: "30 of 150 linked objects" }];
  expect(cycleLines("hq", aCycle({ staged }), []).at(-1)).toMatch(/staged +30 deletes: 30 of 150/);
  expect(cycleLines("hq", aCycle({ state: "aborted", incompleteBecause: "takeover" }), [])).toEqual([
    "hq: read 2: given up (takeover)",
  ]);
});

test("what of a schema the target can't hold is counted, its hundred names are not", () => {
  const errorInformation = {
    additionalDetails: null,
    errorCategory: "success",
    ...{ errorCode: "MappingLeftOut", recommendedAction: null },
    reason: "97 mappings of user to User are left out, for the target can't hold them: AltRecipient, Assistant.",
  };
  const entries = [anEntry("other", "warning", { provisioningStatusInfo: { status: "warning", errorInformation } })];
  const report = { name: "hq", fqdn: "x", seconds: 1, cycle: aCycle(), entries, escrows: [] };
  expect(forestLines(report, new Map()).slice(2)).toEqual([
    "  left out  97 mappings of user to User are left out, for the target can't hold them.",
  ]);
});

test("who is in both forests is named with its own name in each", () => {
  const configuration = "0123456789abcdef0123456789abcdef";
  const escrow = EscrowReply.parse({
    ...{
      objectGuid: GUID,
      code: "DuplicateSourceEntries",
      message: `Source object ${configuration}:${GUID} is twice.`,
    },
    ...{ remedy: "Take one out.", attempts: 1, firstAt: "", nextAttemptAt: "" },
  });
  const names = new Map([
    [configuration, "hq"],
    [GUID, "CN=Maya,DC=x"],
  ]);
  const report = { name: "hq", fqdn: "x", cycle: undefined, escrows: [escrow], entries: [], seconds: 1 };
  const lines = forestLines(report, names);
  expect(lines[0]).toBe("hq (x): nothing to read, the file is as it was; 0 writes, 1.0 s");
  expect(lines[1]).toContain(`DuplicateSourceEntries: Source object ${GUID} (hq: CN=Maya,DC=x) is twice.`);
  expect(togetherLine([report, { ...report, cycle: aCycle(), escrows: [] }], 3)).toBe(
    "Together: 1 created, 1 updated, 3 no-op, 0 filtered, 1 escrowed, 0 deleted, 0 restored; 2 writes, 3.0 s",
  );
});

test("names come from the file as it is written", () => {
  expect(namesFromLdif(`dn: CN=A,DC=x\r\ncn: A\r\nobjectGUID: ${GUID.toUpperCase()}\r\n\r\n`).get(GUID)).toBe(
    "CN=A,DC=x",
  );
});
