/** What-ifs: the real pipeline with nobody at its end. What they say comes true, and by saying it nothing changes. */
import { describe, expect, it } from "vitest";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import {
  WhatIfApprovalReply,
  WhatIfDetailReply,
  WhatIfReply,
  type WhatIfRequest,
} from "../../shared/contracts/what-if-api.ts";
import { aGroup, aManagedUser, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";
import { schemaWith } from "../support/schema.ts";

const BY = "admin ann";
const names = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => `user${String(at + from).padStart(3, "0")}`);
const toTitle = (expression: string) => schemaWith({ user: { attributes: { Title: { source: { expression } } } } });
const onlyWhere = (sourceOperandName: string, value: string) =>
  schemaWith({
    user: {
      scope: {
        groups: [
          {
            name: "some",
            clauses: [{ sourceOperandName, operatorName: "EQUALS", targetOperand: { values: [value] } }],
          },
        ],
      },
    },
  });

async function start(options: CloudOptions = {}, settings: Partial<JobSettings> = {}) {
  const cloud = await createCloud({ chunkObjects: 4, ...options });
  const agent = await cloud.addDomain("corp.example", settings);
  const { jobId } = agent;
  const { whatIfs, schemas } = cloud.cloud.routes;
  const ask = async (request: WhatIfRequest) => {
    const asked = await whatIfs.run(jobId, request, BY);
    if (!asked.ok) throw new Error(JSON.stringify(asked.failure));
    return WhatIfReply.parse(asked.value).id;
  };
  const show = async (id: string) => {
    const found = await whatIfs.get(jobId, id);
    if (!found.ok) throw new Error(found.failure.message);
    return WhatIfDetailReply.parse(found.value);
  };
  /** Carried out to its end. */
  const tryOut = async (request: WhatIfRequest) => {
    const id = await ask(request);
    await cloud.run();
    const shown = await show(id);
    if (!shown.result || shown.digest === null) throw new Error(`The what-if is ${shown.state}: ${shown.failure}`);
    return { ...shown, result: shown.result, digest: shown.digest };
  };
  const approve = async (digest: string) => {
    const done = await whatIfs.approve(jobId, digest, BY);
    if (!done.ok) throw new Error(JSON.stringify(done.failure));
    return WhatIfApprovalReply.parse(done.value);
  };
  return { cloud, agent, jobId, whatIfs, schemas, ask, show, tryOut, approve };
}

/** Every row of every table, without what says that a run runs and that something was tried. */
async function allRows(cloud: Cloud): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  for (const table of await cloud.rows.listTables())
    for await (const rows of cloud.rows.table(table).scan())
      for (const { partition, row, etag, values } of rows)
        if (table !== "jobs" || !/^(runner|inbox|work|whatif):/.test(row))
          found.set(`${table} ${partition} ${row}`, { etag, values });
  return found;
}

async function allBlobs(cloud: Cloud): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of cloud.blobs.list("")) paths.push(path);
  return paths.filter((path) => !path.startsWith("what-ifs/"));
}

describe("a what-if", () => {
  it("says of another schema what it would change, for each attribute with examples", async () => {
    const { agent, tryOut } = await start();
    const all = names(30);
    await agent.read(
      "full",
      all.map((name) => aUser(name, { title: "old" })),
    );
    const { result, state, counts, base } = await tryOut({
      kind: "schema",
      schema: toTitle('Join("-", [title], "new")'),
    });
    expect(state).toBe("done");
    expect(base).toEqual({ schemaVersion: 1, scopeVersion: 1 });
    expect(counts).toEqual(result.counts);
    expect(result).toMatchObject({ objects: 30, counts: { update: 30, none: 0 }, guard: [], failures: [] });
    expect(result.attributes).toEqual([
      expect.objectContaining({ objectClass: "user", attribute: "jobTitle", changed: 30, cleared: 0, set: 0 }),
    ]);
    expect(result.attributes[0]?.samples).toHaveLength(5);
    expect(result.attributes[0]?.samples[0]).toMatchObject({ before: "old", after: "old-new" });
    expect(result.samples["update"]).toHaveLength(10);
    expect(result.estimate.writes).toBe(30);
  });

  it("writes nothing in the target, and changes no row or blob but its own", async () => {
    const { cloud, agent, tryOut } = await start();
    await agent.read("full", [
      ...names(20).map((name) => aManagedUser(name, name === "user000" ? null : "user000", { title: "old" })),
      withMembers(names(20), aGroup("everybody")),
      aUser("user000b", { userPrincipalName: "user000@corp.example" }),
    ]);
    const [rows, blobs, writes] = [await allRows(cloud), await allBlobs(cloud), cloud.target.writes()];
    const escrowed = (await agent.status()).escrowed;
    await tryOut({ kind: "present" });
    await tryOut({ kind: "schema", schema: onlyWhere("title", "new") });
    await tryOut({
      kind: "schema",
      schema: schemaWith({
        user: { attributes: { UserPrincipalName: { source: { expression: '"same@corp.example"' } } } },
      }),
    });
    await tryOut({ kind: "scope", scope: { organizationalUnits: [], groups: [guidOf("everybody")] } });
    expect(cloud.target.writes()).toBe(writes);
    expect(await allBlobs(cloud)).toEqual(blobs);
    expect(await allRows(cloud)).toEqual(rows);
    expect((await agent.status()).escrowed).toBe(escrowed);
  });

  it("says of a job that is in order that there is nothing to do", async () => {
    const { agent, tryOut } = await start();
    await agent.read("full", [
      ...names(10).map((name) => aManagedUser(name, name === "user000" ? null : "user000")),
      withMembers([...names(10), "stranger"], aGroup("everybody")),
    ]);
    const { result } = await tryOut({ kind: "present" });
    expect(result).toMatchObject({
      objects: 11,
      counts: { none: 11 },
      attributes: [],
      estimate: { writes: 0 },
      memberships: { adds: 0, removes: 0, pending: 1 },
    });
  });
});
