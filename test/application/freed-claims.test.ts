/** Who may go on of those who wait for a value, over real rows and index: many, and one whom a defect keeps from being asked. */
import { expect, it } from "vitest";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import type { Evaluation } from "../../shared/application/mapping/job-mapping.ts";
import { whoMayGoOn } from "../../shared/application/matching/freed-claims.ts";
import { createClaimIndex, ownerOf } from "../../shared/application/state/claim-index.ts";
import { createObjectStore } from "../../shared/application/state/object-store.ts";
import type { Claim, ObjectRecord } from "../../shared/domain/object-record.ts";
import { guidOf } from "../support/cloud.ts";

const CONFIGURATION = guidOf("configuration");
const HOLDER = ownerOf(CONFIGURATION, guidOf("holder"));
const upnOf = (name: string) => `${name}@corp.example`;
const nameClaim = (name: string): Claim => ({ kind: "userPrincipalName", value: upnOf(name) });

function recordOf(name: string): ObjectRecord {
  return {
    ...{ configurationId: CONFIGURATION, objectGuid: guidOf(name), objectClass: "user", dn: `CN=${name}` },
    ...{ image: { sAMAccountName: [name] }, state: "live", version: "1", scope: "in" },
  } as ObjectRecord;
}

/** Everybody wants a name of his own and has no target object; those who are `held` up by somebody, and those who meet a defect. */
async function waiting(names: readonly string[], held: readonly string[], broken: readonly string[] = []) {
  const deps = { rows: createMemoryRowStore(), targetKey: "tenant" };
  const objects = createObjectStore(deps);
  const claims = createClaimIndex(deps);
  await objects.write(names.map((name) => ({ record: recordOf(name) })));
  await claims.claim(held.map((name) => ({ owner: HOLDER, claim: nameClaim(name) })));
  const nameOf = new Map(names.map((name) => [guidOf(name), name]));
  const mapping = {
    evaluate({ objectGuid }: ObjectRecord): Evaluation {
      const name = nameOf.get(objectGuid) ?? "";
      if (broken.includes(name)) throw new TypeError("poison");
      const identity = { type: "user" as const, immutableId: "", userPrincipalName: upnOf(name) };
      return { kind: "present", identity, values: {}, references: {}, creationOnly: [], warnings: [], scope: "in" };
    },
  };
  const asked: number[] = [];
  const context = {
    mapping,
    claims,
    objects: {
      getMany: (configurationId: string, guids: readonly string[]) => {
        asked.push(guids.length);
        return objects.getMany(configurationId, guids);
      },
    },
  };
  const found = await whoMayGoOn(
    context,
    CONFIGURATION,
    names.map((name) => guidOf(name)),
  );
  return { found: found.map((guid) => nameOf.get(guid)), asked };
}

it("asks for at most 200 whole rows at a time, and answers for all of them in order", async () => {
  const names = Array.from({ length: 450 }, (_, at) => `user${at}`);
  const isHeld = (_: string, at: number) => at % 3 === 0;
  const { found, asked } = await waiting(names, names.filter(isHeld));
  expect(found).toEqual(names.filter((name, at) => !isHeld(name, at)));
  expect(asked).toHaveLength(3 + 3);
  expect(asked.every((count) => count <= 200)).toBe(true);
});

it("leaves out whom a defect keeps from being asked, and nobody else", async () => {
  const { found } = await waiting(["ann", "bob", "cid", "dan"], ["cid"], ["bob"]);
  expect(found).toEqual(["ann", "dan"]);
});
