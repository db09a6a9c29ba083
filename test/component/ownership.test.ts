/**
 * Ownership: whatever happens in the directory, target objects that we neither created nor matched receive no write: not by their
 * names, their mail, an anchor, a membership or a manager. `UPLINK_TEST_RUNS` and `UPLINK_TEST_SEED` as elsewhere.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Change } from "../../shared/contracts/change.ts";
import { aGroup, managedBy, withMembers } from "../support/changes.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";
import { immutableIdOf } from "./directory.ts";

const RUNS = Number(process.env["UPLINK_TEST_RUNS"] ?? 12);
const SEED = process.env["UPLINK_TEST_SEED"];
const HOUR = 3_600_000;
const PEOPLE = ["ann", "bob", "cid", "dan"] as const;
const GROUPS = ["sales", "staff"] as const;

/** Who is in the target already, each with what makes it none of ours. */
const STRANGERS = [
  { values: { userPrincipalName: "ann@corp.example", displayName: "ann", onPremisesImmutableId: "b3RoZXI=" } },
  { values: { userPrincipalName: "bob@corp.example", displayName: "bob", mail: "bob@corp.example" }, privileged: true },
  { values: { userPrincipalName: "x@corp.example", onPremisesImmutableId: immutableIdOf("cid") }, synchronized: true },
  { values: { userPrincipalName: "ann@corp.example", displayName: "ann" }, deleted: true },
  { values: { userPrincipalName: "one@corp.example", mail: "dan@corp.example", displayName: "one" } },
  { values: { userPrincipalName: "two@corp.example", mail: "dan@corp.example", displayName: "two" } },
  { values: { userPrincipalName: "cid2@corp.example", displayName: "cid" }, synchronized: true },
] as const;

const person = fc.constantFrom(...PEOPLE);
const someone = fc.constantFrom(...PEOPLE, "one", "two");
type Step = { readonly changes: readonly Change[]; readonly kind: "full" | "delta" };
const change: fc.Arbitrary<Change> = fc.oneof(
  fc
    .record({ name: person, upn: person, mail: fc.option(someone), manager: fc.option(person), off: fc.boolean() })
    .map(({ name, upn, mail, manager, off }) => {
      const attributes = {
        userPrincipalName: `${upn}@corp.example`,
        userAccountControl: off ? "514" : "512",
        ...(mail === null ? {} : { mail: `${mail}@corp.example` }),
      };
      return managedBy(manager, aUser(name, attributes));
    }),
  fc
    .record({ name: fc.constantFrom(...GROUPS), members: fc.subarray([...PEOPLE, ...GROUPS]) })
    .map(({ name, members }) => withMembers(members, aGroup(name))),
  fc.constantFrom(...PEOPLE, ...GROUPS).map((name): Change => ({ op: "delete", objectGuid: guidOf(name) })),
  fc
    .constantFrom(...PEOPLE, ...GROUPS)
    .map((name): Change => ({ op: "leave", objectGuid: guidOf(name), reason: "below none of the units" })),
);
const step: fc.Arbitrary<Step> = fc.record({
  changes: fc.uniqueArray(change, { maxLength: 6, selector: (own) => own.objectGuid }),
  kind: fc.constantFrom("full", "delta"),
});

it("is never written to by us what is not ours (law)", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 6 }),
      fc.constantFrom("delete", "disable", "keep"),
      // Who comes after the target was read into the index is met by a create that is refused.
      fc.boolean(),
      async (steps, outOfScope, comesLater) => {
        const cloud = await createCloud({ settings: { lifecycle: { outOfScope: outOfScope as "delete" } } });
        const agent = await cloud.addDomain("corp.example");
        if (comesLater) await agent.read("full", [aUser("zoe")]);
        const users = cloud.target.seed(STRANGERS);
        const groups = cloud.target.seed([
          { type: "group", values: { displayName: "sales", mailNickname: "sales" }, members: users.slice(0, 2) },
          { type: "group", values: { displayName: "staff", uniqueName: "somebody-elses" } },
        ]);
        const strangers = [...users, ...groups];
        const look = () => strangers.map((id) => ({ ...cloud.target.object(id), members: cloud.target.membersOf(id) }));
        const before = structuredClone(look());
        for (const { kind, changes } of steps) {
          await agent.read(kind, changes);
          cloud.clock.set(cloud.clock.now() + 25 * HOUR);
          await cloud.tick();
          await cloud.driver.settled();
          await cloud.run();
        }
        const touched = [
          ...cloud.target.received.flatMap((action) => ("id" in action ? [action.id] : [])),
          ...cloud.target.receivedChanges.map((own) => own.groupId),
        ];
        expect(touched.filter((id) => strangers.includes(id))).toEqual([]);
        expect(look()).toEqual(before);
      },
    ),
    { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
  );
}, 100_000);
