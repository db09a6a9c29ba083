/** Who is in a staged set, by name and edge by edge, page by page. */
import { describe, expect, it } from "vitest";
import { StagedObjectReply, type StagedSetReply } from "../../shared/contracts/admin/staged.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";

const names = (count: number) => Array.from({ length: count }, (_, at) => `user${String(at).padStart(3, "0")}`);

async function start(options: CloudOptions = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  const { staged, stagedContents } = cloud.cloud.routes;
  const { jobId } = agent;
  const setOf = async (of: StagedSetReply["class"]) => {
    const found = await staged.list(jobId, { members: false });
    const own = found.ok ? found.value.find((set) => set.class === of) : undefined;
    if (!own) throw new Error(`Nothing of ${of} is staged.`);
    return { class: own.class, digest: own.digest };
  };
  const contentsOf = async (of: StagedSetReply["class"], top = 1_000) => {
    const set = await setOf(of);
    const pages: StagedObjectReply[][] = [];
    let from: string | null = null;
    do {
      const page = await stagedContents(jobId, set, from, top);
      if (!page.ok) throw new Error(page.failure.message);
      pages.push(page.value.value.map((own) => StagedObjectReply.parse(own)));
      from = page.value.next ?? null;
    } while (from !== null);
    return pages;
  };
  return { cloud, agent, jobId, stagedContents, setOf, contentsOf };
}

/** Two groups that lost thirty members each, one of them with members of another domain. */
async function twoGroups() {
  const world = await start();
  const other = await world.cloud.addDomain("other.example");
  const strangers = names(40).map((name) => `far-${name}`);
  await other.read(
    "full",
    strangers.map((name) => aUser(name, { displayName: `Far ${name}` })),
  );
  const all = [...names(40), ...strangers];
  const group = (name: string, members: readonly string[]) => withMembers(members, aGroup(name));
  await world.agent.read("full", [
    group("sales", all),
    group("ads", names(40)),
    ...names(60).map((name) => aUser(name)),
  ]);
  await world.agent.read("delta", [group("sales", [...names(40), ...strangers.slice(30)]), group("ads", names(10))]);
  return { ...world, strangers };
}

describe("what is in a staged set", () => {
  it("is each membership, with the names of group and member, also of another domain", async () => {
    const { contentsOf, strangers } = await twoGroups();
    const edges = (await contentsOf("memberships")).flat();
    const of = (group: string) =>
      edges
        .filter((own) => own.objectGuid === guidOf(group))
        .map((own) => own.member?.displayName)
        .sort();
    expect(of("ads")).toEqual(names(40).slice(10));
    expect(of("sales")).toEqual(strangers.slice(0, 30).map((name) => `Far ${name}`));
    expect(edges).toHaveLength(60);
    expect(edges.find((own) => own.objectGuid === guidOf("ads"))).toMatchObject({
      objectClass: "group",
      displayName: "ads",
      dn: expect.stringContaining("CN=ads,"),
      member: { objectClass: "user", dn: expect.stringContaining("CN=user0") },
      becomes: null,
    });
  });

  it("comes page by page, whole and once, whatever the page holds", async () => {
    const { contentsOf } = await twoGroups();
    const whole = (await contentsOf("memberships")).flat();
    for (const top of [7, 30, 59, 60]) {
      const pages = await contentsOf("memberships", top);
      expect(pages.slice(0, -1).every((page) => page.length === top)).toBe(true);
      expect(pages.flat()).toEqual(whole);
    }
  });

  it("says of names what they become, and nothing that the job redacts", async () => {
    const { agent, contentsOf } = await start({ settings: { redact: ["displayName", "mail"] } });
    const renamed = names(60).map((name) => aUser(name, { mail: `new-${name}@corp.example` }, ["mail"]));
    await agent.read(
      "full",
      names(60).map((name) => aUser(name, { mail: `${name}@corp.example` })),
    );
    await agent.read("delta", renamed);
    const found = (await contentsOf("names")).flat();
    expect(found.length).toBeGreaterThan(20);
    expect(found[0]).toMatchObject({ displayName: "[Redact]", becomes: { mail: "[Redact]" }, member: null });
    expect(found[0]?.dn).toBe("CN=[Redact],OU=People,DC=corp,DC=example");
  });

  it("is told of no other set than the one that is named", async () => {
    const { jobId, setOf, stagedContents } = await twoGroups();
    const set = await setOf("memberships");
    expect(await stagedContents(jobId, { ...set, digest: "0".repeat(32) }, null, 10)).toMatchObject({
      failure: { status: 409, code: "staged-set-changed" },
    });
    expect(await stagedContents(jobId, set, "far", 10)).toMatchObject({
      failure: { status: 400, code: "staged-page" },
    });
    expect(await stagedContents("no-job", set, null, 10)).toMatchObject({ failure: { status: 404 } });
  });
});
