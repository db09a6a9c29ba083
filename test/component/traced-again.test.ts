/** What the service maps again by itself, in its log: which work had it done and why, and who read the image that it goes by. */
import { describe, expect, it } from "vitest";
import { objectPartition } from "../../shared/application/state/log-keys.ts";
import { unpackJson } from "../../shared/application/state/packing.ts";
import { type LogEntry, logTableName } from "../../shared/application/state/provisioning-log.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { runSchema, schemaWith } from "../support/schema.ts";

const OTHER_TITLES = schemaWith({
  user: { attributes: { Title: { source: { expression: 'Join("-", [title], "x")' } } } },
});

async function entriesOf(cloud: Cloud, jobId: string, name: string): Promise<LogEntry[]> {
  const table = cloud.rows.table(logTableName(cloud.clock.now()));
  const found: LogEntry[] = [];
  for await (const rows of table.range(objectPartition(jobId, guidOf(name)), { from: "", to: "~" }))
    for (const { row, values } of rows)
      if (row.startsWith(guidOf(name))) found.push(unpackJson<LogEntry>(values["data"] as Uint8Array));
  return found;
}

const importOf = ({ steps }: LogEntry) => steps.find((step) => step.type === "import")?.description;

async function start() {
  const cloud = await createCloud();
  const agent = await cloud.addDomain("corp.example");
  const later = async () => {
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
  };
  return { cloud, agent, jobId: agent.jobId, later };
}

describe("what is mapped again from the images", () => {
  it("by another schema names who read them, and why it was", async () => {
    const { cloud, agent, jobId, later } = await start();
    await agent.read("full", [aUser("ann", { title: "boss" })]);
    const [first] = await entriesOf(cloud, jobId, "ann");
    await runSchema(cloud, jobId, OTHER_TITLES);
    await later();
    const entries = await entriesOf(cloud, jobId, "ann");
    const again = entries.find((own) => own.after["jobTitle"] === "boss-x");
    expect(first?.agentId).not.toBe("");
    expect(again).toMatchObject({ agentId: first?.agentId, server: first?.server });
    expect(again?.change).toMatch(/-work-.*:0$/);
    expect(again && importOf(again)).toBe(
      `Mapped again from the stored image (every object is: another schema, a release of held exports, or an admin's wish), as agent ${first?.agentId} read it from ${first?.server} in read 1.`,
    );
  });

  it("when exports are released names who read them, members too", async () => {
    const { cloud, agent, jobId, later } = await start();
    const { heldExports } = cloud.cloud.routes;
    await agent.read("full", [aUser("bob"), aGroup("team")]);
    await heldExports.setMode(jobId, "staging", "admin");
    await agent.read("delta", [aUser("ann"), withMembers(["ann", "bob"], aGroup("team"))]);
    await heldExports.setMode(jobId, "normal", "admin");
    await later();
    const made = (await entriesOf(cloud, jobId, "ann")).find(
      (own) => own.action === "create" && own.outcome === "exported",
    );
    const members = (await entriesOf(cloud, jobId, "team")).find((own) => own.after["members"] !== undefined);
    const [reader] = await entriesOf(cloud, jobId, "bob");
    for (const entry of [made, members])
      expect(entry).toMatchObject({ agentId: reader?.agentId, server: reader?.server });
    expect(made && importOf(made)).toContain("in read 2.");
    // The change that told of them waited by itself.
    expect(members && importOf(members)).toBe(`Read by agent ${reader?.agentId} from ${reader?.server}.`);
  });

  it("says that nobody knows who read them once that read's account is gone", async () => {
    const { cloud, agent, jobId, later } = await start();
    await agent.read("full", [aUser("ann", { title: "boss" })]);
    const jobs = cloud.rows.table("jobs");
    for await (const rows of jobs.range(jobId, { from: "cycle:", to: "cycle;" }))
      for (const { row } of rows) await jobs.transact(jobId, [{ op: "delete", row }]);
    await runSchema(cloud, jobId, OTHER_TITLES);
    await later();
    const again = (await entriesOf(cloud, jobId, "ann")).find((own) => own.after["jobTitle"] === "boss-x");
    expect(again).toMatchObject({ agentId: "", server: "" });
    expect(again && importOf(again)).toContain("as it was in read 1; whose that was isn't known any more.");
  });
});
