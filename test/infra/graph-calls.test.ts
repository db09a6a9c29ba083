/** Every request that the Graph adapter makes is listed with the permission that it needs, and every listed one is made. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { NEEDS } from "../../shared/needs.ts";
import { buildCreate, connect, type Rig } from "../adapters/graph/support.ts";
import { startTestDirectory, type TestDirectory } from "../local/directory/support.ts";

const low = { priority: "low" } as const;
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

let directory: TestDirectory;
let rig: Rig;
beforeAll(async () => {
  directory = await startTestDirectory();
  directory.control.set({ quota: "off", visibilityDelayMs: 0 });
  rig = connect(directory);
});
afterAll(async () => {
  rig.close();
  await directory.close();
});

/** As the table writes it: `GET /users/{id}`. */
function callsOf(sent: string): readonly string[] {
  const [method = "", url = "", ...rest] = sent.split(" ");
  if (!url.endsWith("/$batch")) return [`${method} ${shapeOf(url)}`];
  const { requests } = JSON.parse(rest.join(" ")) as { requests: readonly { method: string; url: string }[] };
  return requests.map((one) => `${one.method} ${shapeOf(one.url)}`);
}

function shapeOf(url: string): string {
  return decodeURIComponent(url.replace(directory.graphUrl, "").replace(/\?.*$/, ""))
    .replace(/uniqueName='[^']+'/, "uniqueName='{name}'")
    .replaceAll(ID, "{id}");
}

async function doEverything(): Promise<void> {
  const { target } = rig;
  const create = async (more: Parameters<typeof buildCreate>[0] = {}) => {
    const [made] = await target.apply([buildCreate(more)], low);
    return made?.outcome === "done" ? made.id : expect.fail(JSON.stringify(made));
  };
  await target.describe();
  const boss = await create();
  const user = await create({ manager: boss });
  const own = { key: "u", type: "user", id: user } as const;
  for (const values of [{ displayName: "A" }, { manager: null }, { manager: boss }])
    await target.apply([{ kind: "update", ...own, values }], low);
  const groups = [];
  for (const uniqueName of ["uplink-a", undefined]) {
    const named = uniqueName === undefined ? {} : { uniqueName };
    const values = { displayName: "G", mailNickname: "g", mailEnabled: false, securityEnabled: true, ...named };
    const [made] = await target.apply([{ kind: "create", key: "g", type: "group", values }], low);
    groups.push(made?.outcome === "done" ? made.id : expect.fail(JSON.stringify(made)));
  }
  const [groupId = ""] = groups;
  const group = { key: "g", type: "group", id: groupId } as const;
  await target.apply([{ kind: "update", ...group, values: { displayName: "H" } }], low);
  const member = (op: "add" | "remove", memberIds: readonly string[]) =>
    target.changeMembers([{ key: "g", groupId, op, memberIds }], low);
  await member("add", [user, boss]);
  // One who is a member already makes Graph refuse all: they are added one by one.
  await member("add", [user, await create()]);
  await member("remove", [user]);
  for (const by of [
    "immutableId",
    "userPrincipalName",
    "mail",
    "uniqueName",
    "deletedImmutableId",
    "deletedUniqueName",
  ] as const)
    await target.find([{ by, value: "nobody@contoso.example" }]);
  for (const type of ["user", "group"] as const) {
    await target.find([{ by: "id", value: type === "user" ? user : groupId, type }]);
    await target.find([{ by: "id", value: "00000000-0000-4000-8000-000000000000", type }]);
    await target.page(type, ["displayName"]);
    await target.states(
      type,
      [type === "user" ? user : groupId, "00000000-0000-4000-8000-000000000000"],
      ["displayName"],
    );
  }
  for await (const _ of target.members(groupId));
  for await (const _ of target.users());
  await target.memberPages([{ groupId }]);
  directory.control.seed([
    { kind: "group", properties: { displayName: "Admins", isAssignableToRole: true }, members: [boss] },
  ]);
  await target.privileged([user]);
  for (const [kind, object] of [
    ["delete", own],
    ["restore", own],
    ["delete", group],
  ] as const)
    await target.apply([{ kind, ...object }], low);
}

it("has a permission for every request, and no permission without one", async () => {
  await doEverything();
  const made = new Set(rig.sent.flatMap(callsOf));
  const listed = new Set(NEEDS.graphPermissions.flatMap(({ calls }) => calls));
  expect([...made].toSorted()).toEqual([...listed].toSorted());
});
