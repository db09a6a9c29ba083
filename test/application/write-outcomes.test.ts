import { expect, it } from "vitest";
import { settledBefore } from "../../shared/application/export/write-outcomes.ts";
import type { PlannedObject } from "../../shared/application/lanes/chunk-files.ts";
import type { ObjectRecord } from "../../shared/domain/object-record.ts";

const GUID = "00000000-0000-4000-8000-00000000000a";
const record = { objectGuid: GUID, configurationId: "c", image: {}, state: "live" } as unknown as ObjectRecord;
const claim = { kind: "userPrincipalName", value: "bob@corp.example" } as const;
const planned: PlannedObject = {
  ...{ objectGuid: GUID, indexes: [0], isChanged: true, waiting: [], allow: [], abandoned: [], warnings: [] },
  record: { ...record, claims: [claim] },
  action: { kind: "create", values: { userPrincipalName: "bob@corp.example" } },
  outcome: "exported",
  scope: "",
  scopeChanged: false,
};
const ended = (outcome: "filtered" | "exported") =>
  settledBefore(planned, { ...record, last: { batchId: "b", index: 0, outcome } });

it("says of a create that met somebody who is left alone the same when it is repeated", () => {
  expect(ended("filtered")).toMatchObject({
    outcome: "filtered",
    planned: {
      action: { kind: "none" },
      switchedOff: "Update",
      filteredBy: "update-switched-off",
      scopeChanged: true,
      abandoned: [claim],
    },
  });
  expect(ended("exported")).toMatchObject({ outcome: "exported", planned: { action: { kind: "create" } } });
});
