/** A reconcile over Microsoft Graph's adapter and the directory stand-in: what was written reads back as the same. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TargetDirectory } from "../../shared/ports/target-directory.ts";
import { connect, type Rig } from "../adapters/graph/support.ts";
import { startTestDirectory, type TestDirectory } from "../local/directory/support.ts";
import { aGroup, aManagedUser, withMembers } from "../support/changes.ts";
import { aUser, createCloud } from "../support/cloud.ts";
import { inShort, reconcile } from "./reconcile-support.ts";

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

const FULL = {
  givenName: "Ann",
  sn: "Ant",
  department: "Sales",
  l: "Bern",
  telephoneNumber: "+41 31 000 00 00",
  mobile: "+41 79 000 00 00",
  title: "Head",
  preferredLanguage: "de-CH",
  extensionAttribute3: "three",
  employeeID: "17",
};

it("finds nothing of its own writes, then what was changed by hand, and after a repair nothing again", async () => {
  const target: TargetDirectory = rig.target;
  const cloud = await createCloud({ targetDirectory: target });
  const agent = await cloud.addDomain("corp.example", { defaultUsageLocation: "CH" });
  const crowd = Array.from({ length: 120 }, (_, at) => `user${at}`);
  const all = [
    aUser("boss", FULL),
    aManagedUser("ann", "boss", FULL),
    aManagedUser("bob", "boss", { mail: "Bob@corp.example" }),
    ...crowd.map((name) => aUser(name)),
    withMembers(["ann", "bob", ...crowd], aGroup("team", { description: "all of them" })),
  ];
  await agent.read("full", all);
  const clean = await reconcile(cloud, agent.jobId, "repair");
  expect(clean).toMatchObject({ state: "done", findings: [] });
  expect(clean.counts).toMatchObject({ users: 123, groups: 1, linked: 124, members: 122, foreign: 0 });

  const idOf = (name: string) =>
    [...directory.control.list()].find(({ properties, deleted }) => !deleted && properties["displayName"] === name)
      ?.id ?? "";
  const [ann, bob, team] = [idOf("ann"), idOf("bob"), idOf("team")];
  const low = { priority: "normal" } as const;
  await target.apply(
    [
      {
        kind: "update",
        key: "ann",
        type: "user",
        id: ann,
        values: {
          department: "Mine",
          city: null,
          businessPhones: null,
          manager: null,
          onPremisesExtensionAttributes: { extensionAttribute3: "3" },
        },
      },
      { kind: "update", key: "team", type: "group", id: team, values: { description: "some" } },
      { kind: "delete", key: "bob", type: "user", id: bob },
    ],
    low,
  );
  await target.changeMembers([{ key: "team", groupId: team, op: "remove", memberIds: [idOf("user7")] }], low);
  const done = await reconcile(cloud, agent.jobId, "repair");
  expect(inShort(done)).toEqual(
    expect.arrayContaining([
      ["changed", "department", "Sales", "Mine", "repaired"],
      ["changed", "city", "Bern", null, "repaired"],
      ["changed", "businessPhones", ["+41 31 000 00 00"], null, "repaired"],
      ["changed", "manager", idOf("boss"), null, "repaired"],
      ["changed", "onPremisesExtensionAttributes.extensionAttribute3", "three", "3", "repaired"],
      ["changed", "description", "all of them", "some", "repaired"],
      ["missing", null, bob, null, "repaired"],
      ["missingMember", "members", idOf("user7"), null, "repaired"],
    ]),
  );
  expect(done.findings).toHaveLength(8);
  expect(idOf("bob")).toBe(bob);
  const writes = target.writes();
  expect(await reconcile(cloud, agent.jobId, "repair")).toMatchObject({ state: "done", findings: [] });
  await agent.read("full", all);
  expect(target.writes()).toBe(writes);
  expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
}, 30_000);
