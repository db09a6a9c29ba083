/** A hand-over over Microsoft Graph's adapter, which remembers for a minute who holds a directory role. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { createObjectStore } from "../../shared/application/state/object-store.ts";
import type { Change } from "../../shared/contracts/change.ts";
import { connect, type Rig } from "../adapters/graph/support.ts";
import { startTestDirectory, type TestDirectory } from "../local/directory/support.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";

const ANCHOR = Buffer.from("the-same-person!").toString("base64");

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

/** The same person's account in one of two forests. */
function account(forest: string, attributes: Readonly<Record<string, string>> = {}): Change {
  const change = aUser("ann", attributes);
  if (change.op !== "upsert") throw new Error("Not an upsert.");
  const anchored = { ...change.attributes, "ms-DS-ConsistencyGuid": [{ base64: ANCHOR }] };
  return { ...change, objectGuid: guidOf(`ann of ${forest}`), attributes: anchored };
}

it("to an account whose role was given a moment ago is refused before the one before lets go, whose deletion reaches it", async () => {
  const cloud = await createCloud({ targetDirectory: rig.target });
  const old = await cloud.addDomain("old.example");
  const young = await cloud.addDomain("young.example");
  await old.read("full", [account("old"), aUser("bob")]);
  await old.read("delta", [account("old", { userAccountControl: "514" })]);
  const [ann] = [...directory.control.list()].filter(
    ({ properties }) => properties["onPremisesImmutableId"] === ANCHOR,
  );
  const id = ann?.id ?? "";
  // From here on it is remembered that nobody holds a role.
  expect(await rig.target.privileged([id], { anew: true })).toEqual(new Set());
  directory.control.setRole(id, "User Administrator");
  await young.read("full", [account("young", { department: "new" })]);
  const escrows = await cloud.cloud.routes.queries.escrows(young.jobId);
  expect(escrows.ok && escrows.value.map(({ code }) => code)).toEqual(["ExistingAdminRoleConflict"]);
  const objects = createObjectStore({ rows: cloud.rows, targetKey: "tenant" });
  const row = await objects.get(old.configurationId, guidOf("ann of old"));
  expect(row?.record.link).toMatchObject({ targetId: id });
  directory.control.setRole(id, "User Administrator", false);
  await old.read("delta", [{ op: "delete", objectGuid: guidOf("ann of old") }]);
  expect([...directory.control.list()].filter((own) => own.id === id && !own.deleted)).toEqual([]);
});
