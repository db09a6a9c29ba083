/** What the target has of a name: found by whole values, the deleted too, with who has it by the index. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listExclusions } from "../../shared/contracts/admin/exclusions.ts";
import { listTargetObjects, type TargetObjectReply } from "../../shared/contracts/admin/target-objects.ts";
import { openApi } from "../../shared/contracts/service.ts";
import { TargetUnavailable } from "../../shared/ports/target-directory.ts";
import { connect } from "../adapters/graph/support.ts";
import { startTestDirectory } from "../local/directory/support.ts";
import { aGroup } from "../support/changes.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";
import { createService, type Service } from "../support/service.ts";

let service: Service;
beforeAll(async () => {
  service = await createService();
  await service.corp.read("full", [
    aUser("ann", { mail: "ann.mail@corp.example" }),
    aUser("bob", { mail: "bob@corp.example" }),
    aGroup("crew"),
  ]);
});
afterAll(() => service?.close());

const ask = (name: string) => service.ask(listTargetObjects, { query: { name }, as: "reader" });
const found = async (name: string) => {
  const { status, body } = await ask(name);
  expect(status, JSON.stringify(body)).toBe(200);
  return body.value as readonly TargetObjectReply[];
};
const byName = (displayName: string) => {
  const object = service.cloud.target.objects().find((own) => own.values["displayName"] === displayName);
  if (!object) throw new Error(`The target has no ${displayName}.`);
  return object;
};
const text = (value: unknown) => {
  expect(value).toEqual(expect.stringMatching(/./));
  return String(value);
};
const linkedTo = (name: string) => ({ configurationId: service.corp.configurationId, objectGuid: guidOf(name) });

describe("an object of the target", () => {
  test("is found once by each of its values, by who may only read, with the object that has it", async () => {
    const { id, values } = byName("ann");
    const ann: TargetObjectReply = {
      ...{ id, type: "user", userPrincipalName: "ann@corp.example", mail: "ann.mail@corp.example" },
      ...{ displayName: "ann", accountEnabled: true, immutableId: text(values["onPremisesImmutableId"]) },
      ...{ uniqueName: null, synchronized: false, deleted: false, linkedTo: linkedTo("ann") },
    };
    for (const name of [id, id.toUpperCase(), "ANN@corp.example", " ann.mail@corp.example ", ann.immutableId ?? ""])
      expect(await found(name), name).toEqual([ann]);
    // Both his name and his mail.
    expect(await found("bob@corp.example")).toMatchObject([{ id: byName("bob").id }]);
  });

  test("that is a group is found by its id and by the name that it was made with", async () => {
    const { id, values } = byName("crew");
    const crew = { id, type: "group", userPrincipalName: null, accountEnabled: null, linkedTo: linkedTo("crew") };
    for (const name of [id, text(values["uniqueName"])]) expect(await found(name), name).toMatchObject([crew]);
  });

  test("that is deleted is found by id and source anchor, and that nobody has, as nobody's", async () => {
    const values = { userPrincipalName: "gone@corp.example", onPremisesImmutableId: "R29uZQ==", accountEnabled: false };
    const [id = ""] = service.cloud.target.seed([{ values, deleted: true }]);
    for (const name of [id, "R29uZQ=="])
      expect(await found(name), name).toMatchObject([{ id, deleted: true, accountEnabled: false, linkedTo: null }]);
    expect(await found("gone@corp.example")).toEqual([]);
  });

  test("and another one with the same value are both told", async () => {
    const mail = "shared@corp.example";
    const ids = service.cloud.target.seed([
      { values: { userPrincipalName: "one@corp.example", mail } },
      { values: { userPrincipalName: "two@corp.example", mail }, synchronized: true },
    ]);
    expect((await found(mail)).map(({ id, synchronized }) => [id, synchronized])).toEqual([
      [ids[0], false],
      [ids[1], true],
    ]);
  });

  test("is not there: an empty list, by the beginning of a name too", async () => {
    for (const name of ["ann", "nobody@corp.example", guidOf("nobody"), "bm9ib2R5"])
      expect(await found(name), name).toEqual([]);
  });
});

test("without a name, with an empty one or control characters it is refused, and the document says that it has to be given", async () => {
  for (const query of [{}, { name: " " }, { name: "a\u0000b" }, { name: "a".repeat(257) }]) {
    const { status, code, body } = await service.ask(listTargetObjects, { query });
    expect([status, code, body.error.details[0].target]).toEqual([400, "invalid-query", "name"]);
  }
  const { paths } = (await service.ask(openApi)).body;
  expect(paths[`/${listTargetObjects.path}`].get.parameters).toMatchObject([
    { name: "name", required: true },
    { name: "$top", required: false },
    { name: "$skiptoken", required: false },
  ]);
  for (const { required } of paths[`/${listExclusions.path}`].get.parameters) expect(required).toBe(false);
});

test("what the target says is told, of one question only where nothing else was found", async () => {
  const { target } = service.cloud;
  const message = "That is no value.";
  const failure = { code: "InvalidAnchor", message, remedy: "Mend it.", retriable: false } as const;
  target.refuse("odd", failure);
  const { status, code, body } = await ask("odd");
  expect([status, code, body.error.message]).toEqual([409, "target-refused", message]);
  // With letters: it is asked by its id in lower case, and as an anchor as it was given.
  const values = { displayName: "lettered", userPrincipalName: "lettered@corp.example" };
  const [id = ""] = target.seed([{ id: "0000000a-0000-4000-8000-00000000000b", values }]);
  target.refuse(id.toUpperCase(), failure);
  expect(await found(id.toUpperCase())).toMatchObject([{ id }]);
  target.setUnavailable(new TargetUnavailable("target-unreachable", "It is away.", "Wait.", 5_000));
  const away = await ask(id);
  expect([away.status, away.code, away.headers["retry-after"]]).toEqual([503, "target-unreachable", "5"]);
  target.setUnavailable(undefined);
});

test("over Microsoft Graph's adapter each kind of value finds the same, the deleted too, and an anchor with a slash is no fault", async () => {
  const directory = await startTestDirectory();
  const rig = connect(directory);
  try {
    const cloud = await createCloud({ targetDirectory: rig.target });
    const corp = await cloud.addDomain("corp.example");
    await corp.read("full", [aUser("ann", { mail: "ann.mail@corp.example" }), aGroup("crew")]);
    const idsOf = async (name: string) => {
      const answer = await cloud.cloud.routes.findTargetObjects(name);
      if (!answer.ok) throw new Error(answer.failure.message);
      return answer.value.map((own) => [own.type, own.id, own.deleted, own.linkedTo?.objectGuid]);
    };
    const all = [...directory.control.list()];
    const of = (name: string) => all.find((own) => own.properties["displayName"] === name);
    const [annId = "", crewId = ""] = [of("ann")?.id, of("crew")?.id];
    // Its tenant hasn't verified the directory's domain.
    const principal = text(of("ann")?.properties["userPrincipalName"]);
    const [anchor, uniqueName] = [
      text(of("ann")?.properties["onPremisesImmutableId"]),
      text(of("crew")?.properties["uniqueName"]),
    ];
    for (const name of [annId, annId.toUpperCase(), principal, "ann.mail@corp.example", anchor])
      expect(await idsOf(name), name).toEqual([["user", annId, false, guidOf("ann")]]);
    for (const name of [crewId, uniqueName])
      expect(await idsOf(name), name).toEqual([["group", crewId, false, guidOf("crew")]]);
    for (const name of ["a/b+c==", "o'neil@corp.example", guidOf("nobody")])
      expect(await idsOf(name), name).toEqual([]);
    const gone = { kind: "delete", key: "ann", type: "user", id: annId } as const;
    await rig.target.apply([gone], { priority: "normal" });
    for (const name of [annId, anchor]) expect(await idsOf(name), name).toEqual([["user", annId, true, guidOf("ann")]]);
  } finally {
    rig.close();
    await directory.close();
  }
});
