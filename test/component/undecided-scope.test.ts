/** An object that a scoping filter can't be evaluated for is held as it is: nothing is created, changed or removed. */
import { expect, it } from "vitest";
import { schemaPath } from "../../shared/application/schemas/schema-store.ts";
import { gzipJson } from "../../shared/application/state/packing.ts";
import type { Change } from "../../shared/contracts/change.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import type { ScopeFilter } from "../../shared/domain/synchronization-schema.ts";
import type { BlobStore } from "../../shared/ports/blob-store.ts";
import { aUser, createCloud } from "../support/cloud.ts";

const SYSTEM = "AQEAAAAAAAUSAAAA";
const PERSON = "AQIAAAAAAAUgAAAAIAIAAA==";
/** Three bytes are no security identifier: they have no text that a clause could compare. */
const BROKEN = "AQID";

const FILTER: ScopeFilter = {
  groups: [
    {
      name: "People",
      clauses: [
        { sourceOperandName: "objectSid", operatorName: "NOT EQUALS", targetOperand: { values: ["S-1-5-18"] } },
      ],
    },
  ],
};

function withScope(scope: ScopeFilter) {
  const schema = defaultSchema();
  const rules = schema.synchronizationRules.map((rule) => ({
    ...rule,
    objectMappings: rule.objectMappings.map((mapping) => ({ ...mapping, scope })),
  }));
  return { ...schema, synchronizationRules: rules };
}

function aPerson(name: string, sid: string, more: Readonly<Record<string, string>> = {}): Change {
  const user = aUser(name, more);
  if (user.op !== "upsert") throw new Error("A user is an upsert.");
  return { ...user, attributes: { ...user.attributes, objectSid: [{ base64: sid }] } };
}

it("keeps who is there, takes up nobody, and lets go and takes up once the filter can tell", async () => {
  let blobs: BlobStore | undefined;
  const cloud = await createCloud({
    wrapBlobs: (own) => {
      blobs = own;
      return own;
    },
  });
  const agent = await cloud.addDomain("corp.example");
  await blobs?.put(schemaPath(agent.jobId, 1), gzipJson(withScope(FILTER)));
  const names = () =>
    cloud.target
      .objects()
      .filter(({ deleted }) => !deleted)
      .map(({ values }) => `${values["userPrincipalName"]} ${values["jobTitle"] ?? "-"}`)
      .sort();
  const ann = "ann@corp.example -";

  await agent.read("full", [aPerson("ann", PERSON), aPerson("sys", SYSTEM)]);
  expect(names()).toEqual([ann]);

  // A new title, a newcomer: neither is told, since neither can be judged.
  await agent.read("delta", [aPerson("ann", BROKEN, { title: "Chief" }), aPerson("new", BROKEN)]);
  expect(names()).toEqual([ann]);
  expect(await agent.status()).toMatchObject({ escrowed: 2, lastCycle: { deleted: 0 } });
  const escrows = await cloud.cloud.routes.queries.escrows(agent.jobId);
  expect(escrows.ok ? escrows.value : []).toMatchObject([
    { code: "ScopingFilterFailed", message: expect.stringContaining("objectSid NOT EQUALS 'S-1-5-18' in People") },
    { code: "ScopingFilterFailed" },
  ]);

  // A full read sees them again and still can't tell: nobody is taken for gone.
  await agent.read("full", [
    aPerson("ann", BROKEN, { title: "Chief" }),
    aPerson("new", BROKEN),
    aPerson("sys", SYSTEM),
  ]);
  expect(names()).toEqual([ann]);

  await agent.read("delta", [aPerson("ann", PERSON, { title: "Chief" }), aPerson("new", PERSON)]);
  expect(names()).toEqual(["ann@corp.example Chief", "new@corp.example -"]);
  expect(await agent.status()).toMatchObject({ escrowed: 0 });
  await agent.read("delta", [aPerson("ann", SYSTEM)]);
  expect(names()).toEqual(["new@corp.example -"]);
});
