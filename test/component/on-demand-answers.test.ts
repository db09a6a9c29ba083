/** What the target answered to what was sent on demand, told where it took it: over Microsoft Graph's adapter and the stand-in. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { provisionText } from "../../cli/provision-views.ts";
import type { OnDemandObject } from "../../shared/contracts/admin/provision-on-demand.ts";
import { connect, type Rig } from "../adapters/graph/support.ts";
import { startTestDirectory, type TestDirectory } from "../local/directory/support.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, guidOf } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";
import { createOnDemand } from "../support/on-demand.ts";

let directory: TestDirectory;
let rig: Rig;
beforeAll(async () => {
  directory = await startTestDirectory();
  rig = connect(directory);
});
afterAll(async () => {
  rig.close();
  await directory.close();
});

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function exportOf({ provisioningSteps }: OnDemandObject) {
  return provisioningSteps.find((own) => own.provisioningStepType === "export");
}

it("tells status and request ids of a create, an update and memberships, in the answer and in the log", async () => {
  const world = await createOnDemand({ targetDirectory: rig.target });
  world.put(aUser("ada", { department: "R&D" }));
  const made = await world.told(guidOf("ada"));
  expect(exportOf(made.subject)).toMatchObject({
    status: "success",
    details: {
      answer: {
        status: 201,
        requestId: expect.stringMatching(ID),
        clientRequestId: expect.stringMatching(ID),
      },
    },
  });

  world.put(aUser("ada", { department: "Sales" }));
  const changed = await world.told(guidOf("ada"));
  expect(changed.subject.action).toBe("update");
  expect(exportOf(changed.subject)?.details.answer).toMatchObject({ status: 204 });
  const ids = [made, changed].map(({ subject }) => exportOf(subject)?.details.answer?.requestId);
  expect(new Set(ids).size).toBe(2);

  const group = aGroup("team");
  world.put(group);
  await world.told(group.objectGuid, { type: "Group" });
  world.put(withMembers(["ada"], group));
  world.members.set(group.objectGuid, [guidOf("ada")]);
  const joined = await world.told(group.objectGuid, { members: [guidOf("ada")], type: "Group" });
  expect(joined.subject.memberships).toMatchObject({ added: 1, answer: { status: 204 } });
  expect(joined.subject.memberships?.answer?.requestId).toMatch(ID);

  const text = provisionText("corp", joined.value);
  expect(text).toContain(`members answered with 204 (request-id ${joined.subject.memberships?.answer?.requestId}`);
  expect(provisionText("corp", made.value)).toContain(
    `answered with 201 (request-id ${exportOf(made.subject)?.details.answer?.requestId}, client-request-id ${exportOf(made.subject)?.details.answer?.clientRequestId})`,
  );

  const logged = await readLog(world.cloud.routes, { jobId: world.agent.jobId, sinceDays: 2, top: 10 });
  const told = logged.flatMap(({ sourceIdentity, provisioningSteps }) =>
    provisioningSteps
      .filter((step) => step.provisioningStepType === "export")
      .map(({ details }) => [sourceIdentity.id, details["HttpStatusCode"], details["RequestId"]]),
  );
  expect(told).toContainEqual([guidOf("ada"), "201", ids[0]]);
  expect(told).toContainEqual([guidOf("ada"), "204", ids[1]]);
  expect(told).toContainEqual([group.objectGuid, "204", joined.subject.memberships?.answer?.requestId]);
});

it("tells them where the target refused, and of a dry run nothing", async () => {
  const world = await createOnDemand({ targetDirectory: rig.target });
  world.put(aUser("bob"));
  const dry = await world.told(guidOf("bob"), { dryRun: true });
  expect(exportOf(dry.subject)?.details).toEqual({});
  expect(provisionText("corp", dry.value)).not.toContain("answered with");
  directory.control.order({ failWrites: { count: 1, status: 400, code: "Request_BadRequest" } });
  const refused = await world.told(guidOf("bob"));
  expect(exportOf(refused.subject)).toMatchObject({ status: "failure", details: { answer: { status: 400 } } });
  expect(provisionText("corp", refused.value)).toContain("the target answered with 400 (request-id ");
});
