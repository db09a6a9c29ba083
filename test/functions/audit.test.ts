/**
 * The audit log: every operation that changes something leaves an entry, because the one wrapper writes it; what changed is told by the
 * rows before and after; nothing secret and nobody's name is in it.
 */
import type { HttpRequest } from "@azure/functions";
import { describe, expect, test } from "vitest";
import { adminRoutes } from "../../functions/admin-routes.ts";
import { answer } from "../../functions/http-answer.ts";
import type { Route } from "../../functions/http-route.ts";
import { createMemorySecretStore } from "../../shared/adapters/memory/secret-store.ts";
import { ok } from "../../shared/application/failure.ts";
import { jobTable, pack, ROW } from "../../shared/application/state/job-rows.ts";
import { actOnAgent } from "../../shared/contracts/admin/agents.ts";
import { listDirectoryAudits } from "../../shared/contracts/admin/audit.ts";
import { createConfiguration } from "../../shared/contracts/admin/configurations.ts";
import { createEnrolmentToken, revokeEnrolmentToken } from "../../shared/contracts/admin/enrolment-tokens.ts";
import { addExclusion, removeExclusion } from "../../shared/contracts/admin/exclusions.ts";
import { changeJobSettings } from "../../shared/contracts/admin/job-settings.ts";
import { actOnJob, setLifecycle, setScope, wakeAnew } from "../../shared/contracts/admin/jobs.ts";
import { moveLink, unlink } from "../../shared/contracts/admin/links.ts";
import { provisionOnDemand } from "../../shared/contracts/admin/provision-on-demand.ts";
import { putSchema } from "../../shared/contracts/admin/schemas.ts";
import { putSecrets } from "../../shared/contracts/admin/secrets.ts";
import { decideStaged, listStaged } from "../../shared/contracts/admin/staged.ts";
import { deleteJob } from "../../shared/contracts/admin/synchronization.ts";
import { paramsOf, pathWith } from "../../shared/contracts/operation.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import { StorageError } from "../../shared/ports/row-store.ts";
import { createAdminApi } from "../support/admin-api.ts";
import { aUser, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";
import { schemaWith } from "../support/schema.ts";

const SETTINGS = { signIn: "ownProcess" } as const;

/** A valid body of each operation that needs more than an empty one. */
const BODIES: Readonly<Record<string, unknown>> = {
  CreateConfiguration: { displayName: "a", domainFqdn: "a.example", domainNetBios: "A", settings: SETTINGS },
  AddExclusion: { reason: "never" },
  ProvisionOnDemand: { parameters: [{ subjects: [{ objectId: "CN=annabella,DC=corp,DC=example" }] }] },
  PutSecrets: { value: [] },
  CreateSynchronizationJob: { templateId: "AD2AADProvisioning" },
  SetJobMode: { mode: "staging" },
  SetScope: {},
  SetLifecycle: { outOfScope: "keep" },
  JoinLink: { targetId: "t" },
  MoveLink: { toObjectGuid: guidOf("bob") },
  RebuildLinks: { shard: "0" },
  SeekTargets: { type: "user", page: 0 },
  RestoreRows: { backupId: "b", part: 0 },
  AskReconcile: { policy: "report" },
  PutSchema: defaultSchema(),
  DecideStaged: { digest: "d" },
  RunWhatIf: { kind: "present" },
  ApproveWhatIf: { digest: "d" },
};
const ACTIONS: Readonly<Record<string, string>> = { AgentAction: "approve", DecideStaged: "approve" };

async function start(options: CloudOptions = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  const api = createAdminApi(cloud.cloud);
  // No two changes come in one moment.
  const ask: typeof api = (operation, asked) => {
    cloud.clock.set(cloud.clock.now() + 1);
    return api(operation, asked);
  };
  const entries = async () => (await ask(listDirectoryAudits, {})).body.value;
  const params = { configurationId: agent.configurationId, jobId: agent.jobId };
  /** Of the newest entry: by property, old and new value. */
  const changed = async () =>
    Object.fromEntries(
      ((await entries())[0]?.targetResources[0]?.modifiedProperties ?? []).map((own) => [
        own.displayName,
        [own.oldValue, own.newValue],
      ]),
    );
  return { ...cloud, agent, ask, entries, changed, params };
}

/** Through the wrapper, as the host calls it, by an admin with a token. */
async function throughWrapper(
  route: Route,
  deps: Awaited<ReturnType<typeof start>>["cloud"]["routes"],
  agentId: string,
) {
  const { operation } = route;
  const samples: Record<string, string> = { jobId: "j", configurationId: "c", agentId, class: "deletes", id: "w" };
  const params = Object.fromEntries(
    paramsOf(operation.path).map(({ name }) => [
      name,
      name === "action" ? (ACTIONS[operation.id] ?? "start") : (samples[name] ?? guidOf("ann")),
    ]),
  );
  const body = BODIES[operation.id] ?? (operation.body ? {} : undefined);
  const request = {
    method: operation.method,
    url: `https://uplink.example/api/${pathWith(operation, params)}`,
    headers: new Headers({ authorization: "Bearer x" }),
    query: new URLSearchParams(operation.id === "DeleteSynchronizationJob" ? { objects: "keep" } : {}),
    params,
    arrayBuffer: async () => Buffer.from(body === undefined ? "" : JSON.stringify(body)),
  } as unknown as HttpRequest;
  const adminTokens = { verify: async () => ok({ id: "ann", roles: [] }) };
  return answer({ ...deps, adminTokens }, route, request);
}

describe("every operation that changes something", () => {
  test("leaves one entry that names it, who asked and the request", async () => {
    const { cloud, entries } = await start();
    const done = async () =>
      ok({ id: "made", token: "SHOWN-ONCE", expiresAt: 0, secret: "SECRET-ANSWER", "@odata.etag": "W/1" });
    const useCase = new Proxy({}, { get: () => done });
    const own = new Proxy(cloud.routes, {
      get: (routes, name) =>
        name === "audit" ? routes.audit : typeof routes[name as "queries"] === "function" ? done : useCase,
    });
    const changing = adminRoutes(own).filter((route) => route.guard === "admin-write");
    expect(changing.length).toBeGreaterThan(20);
    let before = (await entries()).length;
    for (const route of changing) {
      const { status, headers } = await throughWrapper(route, cloud.routes, "a");
      expect([route.name, Number(status) < 300]).toEqual([route.name, true]);
      const all = await entries();
      expect([route.name, all.length]).toEqual([route.name, ++before]);
      const entry = all.find((one) => one.operationType === route.name);
      expect(entry).toMatchObject({
        result: "success",
        initiatedBy: { user: { id: "ann" }, app: null },
        correlationId: (headers as Record<string, string>)["request-id"],
      });
    }
    expect(JSON.stringify(await entries())).not.toMatch(/SHOWN-ONCE|SECRET-ANSWER|annabella/);
  });

  test("and is untold leaves the code of its failure alone: the message may name people", async () => {
    const { cloud, entries } = await start();
    const message = "The directory has no object with the UPN 'annabella@corp.example'.";
    const failure = { status: 404, code: "object-not-found", message, remedy: "Look.", isUnderWay: true } as const;
    const failed = async () => ({ ok: false, failure });
    const useCase = new Proxy({}, { get: () => failed });
    const own = new Proxy(cloud.routes, {
      get: (routes, name) =>
        name === "audit" ? routes.audit : typeof routes[name as "queries"] === "function" ? failed : useCase,
    });
    const untold = adminRoutes(own).filter((route) => route.guard === "admin-write" && route.operation.isUntold);
    expect(untold.map(({ name }) => name)).toContain("ProvisionOnDemand");
    for (const route of untold) {
      expect([route.name, (await throughWrapper(route, cloud.routes, "a")).status]).toEqual([route.name, 404]);
      const [entry] = await entries();
      expect(entry).toMatchObject({ operationType: route.name, result: "failure", resultReason: "object-not-found" });
    }
    expect(JSON.stringify(await entries())).not.toContain("annabella");
  });
});

describe("an entry", () => {
  test("says what it was and what it became", async () => {
    const { agent, ask, changed, params, entries } = await start();
    const unit = guidOf("unit");
    await ask(setScope, { params, body: { organizationalUnits: [unit], groups: [] }, by: "eve" });
    expect(await changed()).toMatchObject({ scopeVersion: ["1", "2"] });
    expect((await changed())["settings.scope"]?.[1]).toContain(unit);
    expect((await entries())[0]).toMatchObject({
      operationType: "SetScope",
      initiatedBy: { user: { id: "eve" } },
      targetResources: [{ type: "Job", id: agent.jobId, displayName: "corp.example" }],
    });
    await ask(setLifecycle, { params, body: { outOfScope: "keep" } });
    expect(await changed()).toMatchObject({ "settings.lifecycle": [null, '{"outOfScope":"keep"}'] });
    await ask(actOnJob, { params: { ...params, action: "pause" } });
    expect(await changed()).toEqual({ state: ['"active"', '"paused"'] });
    const { agentId } = agent.proven.agent;
    await ask(actOnAgent, { params: { configurationId: params.configurationId, agentId, action: "revoke" } });
    expect(await changed()).toEqual({ status: ['"active"', '"revoked"'] });
    await ask(addExclusion, { params: { guid: unit }, body: { reason: "break glass" } });
    await ask(removeExclusion, { params: { guid: unit } });
    expect(await changed()).toMatchObject({ reason: ['"break glass"', null] });
    const schema = defaultSchema();
    const [rule] = schema.synchronizationRules;
    const body = { ...schema, synchronizationRules: [{ ...rule, name: "Renamed" }] } as typeof schema;
    await ask(putSchema, { params, body });
    expect(await changed()).toMatchObject({ schemaVersion: ["1", "2"] });
    expect(JSON.stringify((await entries())[0])).not.toContain("Renamed");
  });

  test("names people by objectGUID alone", async () => {
    const { agent, ask, params, entries, changed } = await start();
    await agent.read("full", [aUser("annabella")]);
    const done = await ask(unlink, { params: { jobId: params.jobId, objectGuid: guidOf("annabella") } });
    expect(done.body.dn).toContain("annabella");
    expect(Object.keys(await changed())).toContain("targetId");
    expect((await entries())[0]?.targetResources[0]).toMatchObject({ type: "Link", id: guidOf("annabella") });
    expect(JSON.stringify(await entries())).not.toContain("annabella");
  });

  test("of a new configuration names what was made; of a token which one, and never the token", async () => {
    const { ask, entries, params } = await start();
    const made = await ask(createConfiguration, {
      body: { displayName: "New", domainFqdn: "new.example", domainNetBios: "NEW", settings: SETTINGS },
    });
    expect((await entries())[0]?.targetResources[0]).toMatchObject({
      ...{ type: "Configuration", id: made.body.id, displayName: "New" },
      modifiedProperties: expect.arrayContaining([
        { displayName: "domainFqdn", oldValue: null, newValue: '"new.example"' },
      ]),
    });
    const { configurationId } = params;
    const body = { policy: "pending" as const, minutes: 5 };
    const { id, token } = (await ask(createEnrolmentToken, { params: { configurationId }, body })).body;
    expect((await entries())[0]?.targetResources[0]).toMatchObject({
      ...{ type: "EnrolmentToken", id, displayName: "corp.example" },
      modifiedProperties: [
        { displayName: "expiresAt", oldValue: null, newValue: expect.stringMatching(/^"2026-01-05T08:05/) },
        { displayName: "madeBy", oldValue: null, newValue: '"ann"' },
        { displayName: "policy", oldValue: null, newValue: '"pending"' },
      ],
    });
    expect(JSON.stringify(await entries())).not.toContain(token.split(".")[1]);
  });

  test.each([
    ["keep", "deleting"],
    ["delete", "emptying"],
  ] as const)("of a job that is deleted says what was to become of its objects: %s", async (objects, became) => {
    const { agent, ask, changed, entries, params } = await start();
    await agent.read("full", [aUser("annabella")]);
    expect((await ask(deleteJob, { params, query: { objects } })).failure).toBeUndefined();
    const [entry] = await entries();
    expect(entry).toMatchObject({ operationType: "DeleteSynchronizationJob", result: "success" });
    expect(entry?.additionalDetails).toContainEqual({ key: "query.objects", value: JSON.stringify(objects) });
    expect((await changed())[became]).toEqual([null, expect.stringMatching(/"by":"ann","at":"2026-01-05T/)]);
    expect(JSON.stringify(await entries())).not.toContain("annabella");
  });

  test("of a job that is renamed says what it was called", async () => {
    const { ask, changed, params } = await start();
    expect((await ask(changeJobSettings, { params, body: { displayName: "Head Office" } })).failure).toBeUndefined();
    expect(await changed()).toEqual({ displayName: ['"corp.example"', '"Head Office"'] });
  });

  test("of a token that is revoked says whose it was", async () => {
    const { ask, changed, entries, params } = await start();
    const { configurationId } = params;
    const { id: tokenId } = (await ask(createEnrolmentToken, { params: { configurationId }, body: { minutes: 5 } }))
      .body;
    expect((await ask(revokeEnrolmentToken, { params: { configurationId, tokenId } })).status).toBe(204);
    expect(await changed()).toEqual({
      expiresAt: [expect.stringMatching(/^"2026-01-05T08:05/), null],
      madeBy: ['"ann"', null],
      policy: ['"active"', null],
    });
    const subject = { type: "EnrolmentToken", id: tokenId, displayName: "corp.example" };
    expect((await entries())[0]?.targetResources[0]).toMatchObject(subject);
  });

  test.each([
    ["approved", { isApproved: ["false", "true"] }],
    ["dropped", { class: ['"deletes"', null], isApproved: ["false", null], objects: ["2", null] }],
  ] as const)("of a staged set that is %s says what it was and what it became", async (decision, changes) => {
    const { agent, ask, changed, entries, params } = await start({
      settings: { guard: { floor: 0, count: 1, percent: 100 } },
    });
    const { jobId } = params;
    const names = ["annabella", "bob", "cid"];
    await agent.read(
      "full",
      names.map((name) => aUser(name)),
    );
    await agent.read(
      "delta",
      names.slice(0, 2).map((name) => ({ op: "delete" as const, objectGuid: guidOf(name) })),
    );
    const [set] = (await ask(listStaged, { params: { jobId } })).body.value;
    const digest = set?.digest ?? "";
    const action = decision === "approved" ? "approve" : "drop";
    expect((await ask(decideStaged, { params: { jobId, class: "deletes", action }, body: { digest } })).status).toBe(
      200,
    );
    expect(await changed()).toEqual(changes);
    const subject = { type: "StagedSet", id: digest, displayName: "corp.example" };
    expect((await entries())[0]?.targetResources[0]).toMatchObject(subject);
    expect(JSON.stringify(await entries())).not.toContain("annabella");
  });

  test("of a wake says which runs were set aside", async () => {
    const { ask, changed, params, rows } = await start();
    const { jobId } = params;
    const runner = { epoch: 7, instanceId: "i", state: "running", movedAt: 0 };
    await jobTable(rows).transact(jobId, [{ op: "upsert", row: ROW.runner("live"), values: pack(runner) }]);
    expect((await ask(wakeAnew, { params: { jobId }, body: {} })).body.replaced).toEqual(["live"]);
    expect(await changed()).toEqual({
      "runner.live": ['{"state":"running","epoch":7}', '{"state":"idle","epoch":8}'],
    });
    expect((await ask(wakeAnew, { params: { jobId }, body: {} })).body.replaced).toEqual([]);
    expect(await changed()).toEqual({});
  });

  test("of a link that is moved says of who takes it, too, what he had and has", async () => {
    const { agent, ask, changed, params, target } = await start();
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const { jobId } = params;
    const [ann, bob] = [guidOf("ann"), guidOf("bob")];
    const idOf = (name: string) => target.objects().find((own) => own.values["displayName"] === name)?.id;
    const [anns, bobs] = [idOf("ann"), idOf("bob")];
    await ask(unlink, { params: { jobId, objectGuid: bob } });
    const moved = await ask(moveLink, { params: { jobId, objectGuid: ann }, body: { toObjectGuid: bob } });
    expect(moved.status).toBe(200);
    expect(bobs).not.toBe(anns);
    expect(await changed()).toMatchObject({
      targetId: [`"${anns}"`, null],
      "taker.targetId": [null, `"${anns}"`],
      "taker.origin": [null, '"adopted"'],
      "taker.unlinked": [expect.stringContaining('"by":"ann"'), null],
    });
  });

  test("is missing for what was refused: nothing changed", async () => {
    const { ask, entries, params } = await start();
    expect((await ask(setLifecycle, { params: { jobId: "nobody" }, body: {} })).status).toBe(404);
    expect((await ask(putSchema, { params, body: defaultSchema(), ifMatch: "7" })).status).toBe(412);
    expect(await entries()).toEqual([]);
  });

  test("says that it isn't known how far a request came that ended in an error", async () => {
    const { cloud, ask, entries, params } = await start();
    cloud.routes.lifecycles.set = async () => Promise.reject(new Error("The disk is full."));
    await expect(ask(setLifecycle, { params, body: { outOfScope: "keep" } })).rejects.toThrow("The disk is full.");
    expect((await entries())[0]).toMatchObject({ result: "failure", operationType: "SetLifecycle" });
  });

  test("is there for what was refused and goes on all the same", async () => {
    const { cloud, ask, entries, params } = await start();
    const failure = { status: 408, code: "provisioning-timeout", message: "It goes on.", remedy: "Look." } as const;
    cloud.routes.lifecycles.set = async () => ({ ok: false, failure: { ...failure, isUnderWay: true } });
    expect((await ask(setLifecycle, { params, body: { outOfScope: "keep" } })).status).toBe(408);
    expect(await entries()).toMatchObject([{ result: "failure", operationType: "SetLifecycle" }]);
  });

  test("is there for what was refused after it had written something", async () => {
    const { cloud, ask, entries, params, agent } = await start();
    const failure = { status: 409, code: "object-busy", message: "It changed.", remedy: "Look." } as const;
    cloud.routes.lifecycles.set = async () => {
      await cloud.routes.configurations.setPaused(agent.jobId, true);
      return { ok: false, failure };
    };
    expect((await ask(setLifecycle, { params, body: { outOfScope: "keep" } })).status).toBe(409);
    expect(await entries()).toMatchObject([{ result: "failure", resultReason: "object-busy: It changed." }]);
  });

  test("is begun before the first write: a process that dies after any write leaves no change without one", async () => {
    const outcomes: string[] = [];
    for (let writes = 0; outcomes.at(-1) !== "changed, success"; writes++) {
      let left = Number.POSITIVE_INFINITY;
      const { ask, entries, params, rows } = await start({
        secrets: createMemorySecretStore(),
        wrapRows: (own) => ({
          ...own,
          table: (name) => {
            const table = own.table(name);
            const dead = () => Promise.reject(new StorageError("storage-unreachable", "The process is gone."));
            return { ...table, transact: (...args) => (left-- > 0 ? table.transact(...args) : dead()) };
          },
        }),
      });
      const rowOf = async () => JSON.stringify((await jobTable(rows).get(params.jobId, ROW.job))?.values);
      const before = await rowOf();
      left = writes;
      await ask(putSchema, { params, body: without("Title") }).catch(() => undefined);
      left = Number.POSITIVE_INFINITY;
      const [entry, ...more] = await entries();
      expect(more).toEqual([]);
      const change = (await rowOf()) === before ? "unchanged" : "changed";
      outcomes.push(`${change}, ${entry?.result ?? "no entry"}`);
      if (entry?.result === "failure")
        expect(entry).toMatchObject({
          operationType: "PutSchema",
          initiatedBy: { user: { id: "ann" } },
          resultReason: expect.stringContaining("It was begun"),
          targetResources: [{ type: "Job", id: params.jobId }],
        });
      expect(outcomes.length).toBeLessThan(10);
    }
    expect(outcomes[0]).toBe("unchanged, no entry");
    expect(outcomes).toContain("unchanged, failure");
    expect(outcomes).toContain("changed, failure");
    expect(outcomes).not.toContain("changed, no entry");
  });

  test("of secrets is begun before they are replaced", async () => {
    const kept = createMemorySecretStore();
    const seen: unknown[] = [];
    const { ask, entries, changed, params } = await start({
      secrets: {
        ...kept,
        set: async (name, value) => {
          seen.push((await entries())[0]);
          return kept.set(name, value);
        },
      },
    });
    const body = { value: [{ key: "AppKey" as const, value: "s3cret-value" }] };
    expect((await ask(putSecrets, { params, body })).status).toBe(204);
    expect(seen).toMatchObject([{ operationType: "PutSecrets", result: "failure" }]);
    expect(await entries()).toMatchObject([{ operationType: "PutSecrets", result: "success" }]);
    expect(await changed()).toEqual({ savedKeys: ["[]", '["AppKey"]'] });
    expect((await entries())[0]?.additionalDetails).toContainEqual({ key: "request.keys", value: "AppKey" });
    expect((await ask(putSecrets, { params, body: { value: [] } })).status).toBe(204);
    expect(await changed()).toEqual({ savedKeys: ['["AppKey"]', "[]"] });
    expect(JSON.stringify([seen, await entries()])).not.toContain("s3cret-value");
  });

  test.each([
    [guidOf("ann"), guidOf("ann")],
    ["CN=annabella,DC=corp,DC=example", "by distinguished name"],
    ["annabella@corp.example", "by user principal name"],
  ])(
    "of %s on demand names it by objectGUID or not at all, and says whether it was for good",
    async (objectId, told) => {
      const { cloud, entries } = await start();
      const own = new Proxy(cloud.routes, {
        get: (routes, name) =>
          name === "provisionOnDemand"
            ? async () => ok({ key: "{}", value: "[]" })
            : routes[name as keyof typeof cloud.routes],
      });
      const api = createAdminApi({ ...cloud, routes: own });
      const params = { configurationId: "c", jobId: "j" };
      for (const dryRun of [true, false]) {
        const body = { parameters: [{ subjects: [{ objectId }] }], dryRun };
        expect((await api(provisionOnDemand, { params, body })).status).toBe(200);
        const [entry] = await entries();
        expect(entry?.operationType).toBe("ProvisionOnDemand");
        expect(entry?.additionalDetails).toEqual(
          expect.arrayContaining([
            { key: "request.dryRun", value: String(dryRun) },
            { key: "request.object", value: told },
          ]),
        );
      }
      expect(JSON.stringify(await entries())).not.toContain("annabella");
    },
  );

  test("that can't be written is no success, and is told to the service's log", async () => {
    let isAway = false;
    const { ask, params, logged, entries, cloud } = await start({
      wrapRows: (rows) => ({
        ...rows,
        table: (name) => {
          const table = rows.table(name);
          const away = () => Promise.reject(new StorageError("storage-unreachable", "away"));
          return isAway && name.startsWith("audit") ? { ...table, transact: away } : table;
        },
      }),
    });
    isAway = true;
    await expect(ask(actOnJob, { params: { ...params, action: "pause" } })).rejects.toThrow("away");
    isAway = false;
    // What can't be noted isn't done.
    expect((await cloud.routes.configurations.job(params.jobId))?.state).toBe("active");
    expect(logged.filter((line) => line.event === "audit-lost")).toMatchObject([
      { level: "error", fields: { operation: "JobAction", by: "ann", subject: params.jobId } },
    ]);
    expect(await entries()).toEqual([]);
  });
});

function without(target: string) {
  return schemaWith({ user: { attributes: { [target]: null } } });
}

describe("a page", () => {
  test("goes on where the last one ended, over months; old months are dropped with the log", async () => {
    const { ask, params, clock, tick } = await start();
    const pause = () => ask(actOnJob, { params: { ...params, action: "pause" } });
    const MONTH = 31 * 86_400_000;
    for (let month = 0; month < 3; month++) {
      await pause();
      clock.set(clock.now() + 1_000);
      await pause();
      clock.set(clock.now() + MONTH);
    }
    const seen: string[] = [];
    let from: string | undefined;
    for (let pages = 0; pages < 10; pages++) {
      const query: Record<string, string> = { $top: "2", ...(from === undefined ? {} : { $skiptoken: from }) };
      const { body } = await ask(listDirectoryAudits, { query });
      seen.push(...body.value.map((own) => own.activityDateTime));
      const next = body["@odata.nextLink"];
      if (next === undefined) break;
      from = new URL(next).searchParams.get("$skiptoken") ?? "";
    }
    expect(seen).toHaveLength(6);
    expect(seen).toEqual(seen.toSorted().reverse());
    expect((await ask(listDirectoryAudits, { query: { $skiptoken: "nonsense" } })).failure).toMatchObject({
      ...{ status: 400, code: "invalid-skiptoken" },
    });
    clock.set(clock.now() + 11 * MONTH);
    await tick();
    expect((await ask(listDirectoryAudits, {})).body.value.length).toBeLessThan(6);
    clock.set(clock.now() + 3 * MONTH);
    await tick();
    expect((await ask(listDirectoryAudits, {})).body.value).toEqual([]);
  });
});
