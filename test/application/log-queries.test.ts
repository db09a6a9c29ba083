/** What is asked of the provisioning log: every question's pages hold just its entries, newest first, and cost the same at any size. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createTableRowStore } from "../../shared/adapters/tables/row-store.ts";
import { type AskLog, createAskLog, type LogAsked } from "../../shared/application/log/log-queries.ts";
import { createLoggedJobs } from "../../shared/application/log/logged-jobs.ts";
import { jobTable, pack, ROW } from "../../shared/application/state/job-rows.ts";
import { createProvisioningLog, type LogEntry } from "../../shared/application/state/provisioning-log.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";
import { counting, entryOf, fill, loadOf, NEWEST, objectOf, type PageUse } from "../support/log-entries.ts";

const JOBS = ["corp", "sales"] as const;
const DAY = 86_400_000;
const iso = (at: number) => new Date(at).toISOString();

interface World {
  readonly ask: AskLog;
  readonly use: PageUse;
  readonly rows: RowStore;
  readonly entries: readonly LogEntry[];
}

/** The last of the jobs have no entry: `silent` of them. */
async function open(rows: RowStore, count: number, silent: readonly string[] = []): Promise<World> {
  for (const job of JOBS) {
    const facts = { configurationId: `c-${job}`, displayName: job, targetKey: "tenant", domainFqdn: `${job}.example` };
    await jobTable(rows).transact(job, [{ op: "insert", row: ROW.job, values: pack(facts) }]);
    if (!silent.includes(job)) await fill(createProvisioningLog({ rows }), job, count / JOBS.length);
  }
  await createLoggedJobs({ rows }).noteAll(JOBS);
  const use: PageUse = { requests: 0, entities: 0 };
  const counted = counting(rows, use);
  const ask = createAskLog({
    ...{ rows: counted, clock: { now: () => NEWEST + 60_000 }, logMonths: 24 },
    provisioningLog: createProvisioningLog({ rows: counted }),
  });
  const told = JOBS.filter((job) => !silent.includes(job));
  const entries = told.flatMap((job) => Array.from({ length: count / JOBS.length }, (_, n) => entryOf(job, n)));
  return { ask, use, rows, entries };
}

const from = NEWEST - 2 * DAY;
const RANGE = `activityDateTime ge ${iso(from)} and activityDateTime lt ${iso(NEWEST - DAY / 24)}`;
const inRange = ({ at }: LogEntry) => at >= from && at < NEWEST - DAY / 24;
const isOfCorp = ({ jobId }: LogEntry) => jobId === "corp";
const isFailure = ({ status }: LogEntry) => status === "failure";
const isObject = ({ source }: LogEntry) => source.objectGuid === objectOf(12);

const QUESTIONS: readonly [string, Omit<LogAsked, "top">, (entry: LogEntry) => boolean][] = [
  ["newest first", {}, () => true],
  ["newest first, by name", { orderby: "activityDateTime desc" }, () => true],
  ["one job", { filter: "jobId eq 'corp'" }, isOfCorp],
  ["one job, as the parameter", { jobId: "corp" }, isOfCorp],
  ["one object", { filter: `sourceIdentity/id eq '${objectOf(12)}'` }, isObject],
  ["one object of a job", { jobId: "corp", objectGuid: objectOf(12) }, (own) => isObject(own) && isOfCorp(own)],
  ["failed only", { filter: "provisioningStatusInfo/status eq 'failure'" }, isFailure],
  [
    "failed only of a job",
    { filter: "provisioningStatusInfo/status eq 'failure' and jobId eq 'corp'" },
    (own) => isFailure(own) && isOfCorp(own),
  ],
  ["a time range", { filter: RANGE }, inRange],
  ["a time range of a job", { filter: `jobId eq 'corp' and (${RANGE})` }, (own) => inRange(own) && isOfCorp(own)],
  [
    "a time range of failures",
    { filter: `${RANGE} and provisioningStatusInfo/status eq 'failure'` },
    (own) => inRange(own) && isFailure(own),
  ],
  [
    "a time range of an object",
    { filter: `${RANGE} and sourceIdentity/id eq '${objectOf(12)}'` },
    (own) => inRange(own) && isObject(own),
  ],
];

const isOfBlocks = ({ jobId, objectGuid, filter = "" }: Omit<LogAsked, "top">) =>
  jobId === undefined && objectGuid === undefined && !/jobId|sourceIdentity|failure/.test(filter);

/** An object, of whichever job. */
const isOfAnyJob = ({ jobId, filter = "" }: Omit<LogAsked, "top">) =>
  jobId === undefined && filter.includes("sourceIdentity") && !filter.includes("jobId");

/** Entities that a page may read which shows so many. One that shows none has read what the jobs are called, at most. */
function dearestPage(shown: number): number {
  return shown === 0 ? 1 : 2 * shown;
}

/** All pages, each held to its price; the first of `pages` only, where there are more. */
async function readAll({ ask, use }: World, asked: Omit<LogAsked, "top">, top: number, pages = 1_000) {
  const shown: { readonly change: string; readonly at: number }[] = [];
  const sizes: number[] = [];
  let skipToken: string | undefined;
  for (let page = 0; page < pages && (page === 0 || skipToken !== undefined); page++) {
    Object.assign(use, { requests: 0, entities: 0 });
    const found = await ask({ ...asked, top, skipToken });
    if (!found.ok) throw new Error(found.failure.message);
    const { value, next } = found.value;
    expect(use.requests, `requests of page ${page}`).toBeLessThanOrEqual(3);
    expect(use.entities, `entities of page ${page}`).toBeLessThanOrEqual(dearestPage(value.length));
    shown.push(...value.map((own) => ({ change: own.changeId, at: Date.parse(own.activityDateTime) })));
    sizes.push(value.length);
    skipToken = next;
  }
  return { shown, sizes };
}

function describeQueries(name: string, rows: () => RowStore, count: number, hasAll: boolean) {
  describe(name, () => {
    let world: World;
    beforeAll(async () => {
      world = await open(rows(), count);
    }, 120_000);

    it.each(QUESTIONS.map((own) => [count, ...own] as const))(
      "of %i entries: %s",
      async (_count, _name, asked, wanted) => {
        const expected = world.entries.filter(wanted).map(({ change }) => change);
        const { shown, sizes } = await readAll(world, asked, hasAll ? 7 : 50, hasAll ? 1_000 : 4);
        expect(shown.length).toBeGreaterThan(0);
        expect(new Set(shown.map(({ change }) => change)).size).toBe(shown.length);
        for (const [index, { at }] of shown.entries()) expect(at).toBeLessThanOrEqual(shown[index - 1]?.at ?? at);
        if (hasAll) return expect(shown.map(({ change }) => change).sort()).toEqual([...expected].sort());
        expect(expected).toEqual(expect.arrayContaining(shown.map(({ change }) => change)));
        // As many as were asked for, where the month has so many.
        const newest = world.entries.filter((own) => wanted(own) && new Date(own.at).getUTCMonth() === 10);
        // Of all jobs, here, a block has one entry, and no more than 27 blocks are read for a page.
        expect(sizes[0]).toBe(Math.min(isOfBlocks(asked) ? 27 : 50, newest.length));
      },
    );
  });
}

describeQueries("in memory, few", createMemoryRowStore, 50, true);
describeQueries("in memory, some", createMemoryRowStore, 3_000, true);
describeQueries("in memory, many", createMemoryRowStore, 20_000, false);

describe.each([
  ["of both jobs", []],
  ["of the first job alone", ["sales"]],
  ["of the second job alone", ["corp"]],
] as const)("a page of any size, where entries are %s", (_, silent) => {
  let world: World;
  beforeAll(async () => {
    world = await open(createMemoryRowStore(), 240, silent);
  });

  it.each([1, 2, 3, 4, 10, 119, 120, 121, 1_000])("has what it should, for two entities an entry: %i", async (top) => {
    for (const [name, asked, wanted] of QUESTIONS) {
      if (top === 1 && isOfAnyJob(asked)) {
        // The newest of either job and their names would be three entities for one that is shown.
        const refused = await world.ask({ ...asked, top });
        expect(refused, name).toMatchObject({
          failure: {
            status: 400,
            code: "query-unsupported",
            details: [{ target: "$top" }],
            remedy: expect.stringContaining("jobId eq"),
          },
        });
        continue;
      }
      const { shown, sizes } = await readAll(world, asked, top, 500);
      const expected = world.entries.filter(wanted).map(({ change }) => change);
      expect(shown.map(({ change }) => change).sort(), name).toEqual(expected.sort());
      for (const [index, { at }] of shown.entries()) expect(at).toBeLessThanOrEqual(shown[index - 1]?.at ?? at);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(top);
    }
  });
});

describe("the largest page there is, after a first load", () => {
  let rows: RowStore;
  const entries = loadOf("corp", 3_000, 43);
  beforeAll(async () => {
    rows = createMemoryRowStore();
    const log = createProvisioningLog({ rows });
    for (let at = 0; at < entries.length; at += 500) await log.write(entries.slice(at, at + 500));
    for (const job of JOBS) {
      const facts = {
        configurationId: `c-${job}`,
        displayName: job,
        targetKey: "tenant",
        domainFqdn: `${job}.example`,
      };
      await jobTable(rows).transact(job, [{ op: "insert", row: ROW.job, values: pack(facts) }]);
    }
    await createLoggedJobs({ rows }).noteAll(JOBS);
  });

  it.each([999, 1_000])("costs three requests at most, and no more blocks than an answer holds: %i", async (top) => {
    const begin = NEWEST - 45 * 60_000;
    const object = entries[0]?.source.objectGuid ?? "";
    const questions: readonly [Omit<LogAsked, "top">, (entry: LogEntry) => boolean][] = [
      [{}, () => true],
      [{ filter: "jobId eq 'corp'" }, isOfCorp],
      // The first thousand of these end an hour: the next page asks for its rest, and for a thousand of the hours before.
      [{ filter: `jobId eq 'corp' and activityDateTime le ${iso(begin)}` }, ({ at }) => at <= begin],
      [{ filter: "provisioningStatusInfo/status eq 'failure'" }, isFailure],
      [{ filter: `sourceIdentity/id eq '${object}'` }, ({ source }) => source.objectGuid === object],
    ];
    for (const [asked, wanted] of questions) {
      const use: PageUse = { requests: 0, entities: 0 };
      const counted = counting(rows, use);
      const provisioningLog = createProvisioningLog({ rows: counted });
      // Of each page anew: nothing is remembered.
      const open = () => createAskLog({ rows: counted, clock: { now: () => NEWEST }, provisioningLog, logMonths: 24 });
      const ask: AskLog = (own) => open()(own);
      const { shown } = await readAll({ ask, use, rows, entries }, asked, top, 100);
      const expected = entries.filter(wanted).map(({ change }) => change);
      expect(shown.map(({ change }) => change).sort()).toEqual(expected.sort());
      Object.assign(use, { requests: 0, entities: 0 });
      await ask({ top });
      expect(use.entities).toBeLessThanOrEqual(28);
    }
  });
});

describe("on Azurite", () => {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(() => azurite.stop());
  describeQueries("tables", () => createTableRowStore({ connectionString: azurite.connectionString }), 500, true);
});

describe("the log's queries", () => {
  let world: World;
  beforeAll(async () => {
    world = await open(createMemoryRowStore(), 200);
  });
  const refused = async (asked: Partial<LogAsked>) => {
    const answer = await world.ask({ top: 10, ...asked });
    if (answer.ok) throw new Error("It was answered.");
    return answer.failure;
  };

  it.each([
    ["cycleId eq 'corp-1'", "cycleId"],
    ["provisioningAction eq 'create'", "provisioningAction"],
    ["contains(sourceIdentity/displayName, 'ann')", "sourceIdentity/displayName"],
    ["provisioningStatusInfo/status eq 'success'", "success"],
    ["provisioningStatusInfo/status ne 'failure'", "ne"],
    ["jobId eq 'corp' or jobId eq 'sales'", "'or'"],
    ["jobID eq 'corp'", "did you mean jobId"],
    ["activityDateTime ne 2026-01-01", "ne"],
    [`sourceIdentity/id eq '${objectOf(1)}' and provisioningStatusInfo/status eq 'failure'`, "failures of one object"],
  ])("refuses what it has no rows for, and says what it answers: %s", async (filter, words) => {
    const failure = await refused({ filter });
    expect(failure).toMatchObject({ status: 400, code: "query-unsupported" });
    expect(failure.message).toContain(words);
    expect(failure.remedy).toContain("activityDateTime");
  });

  it.each([
    "activityDateTime ge yesterday",
    "activityDateTime ge 2026-13-45T00:00:00Z",
    "jobId eq corp",
    "jobId eq '../secrets'",
    "jobId eq 'a b'",
    `jobId eq '${"j".repeat(129)}'`,
    "sourceIdentity/id eq 'nobody'",
    "jobId eq 'corp",
  ])("refuses what is malformed, before it reaches a key: %s", async (filter) => {
    expect(await refused({ filter })).toMatchObject({ status: 400, code: "invalid-query" });
  });

  it("refuses another order than newest first", async () => {
    for (const orderby of ["activityDateTime", "activityDateTime asc", "jobId desc", ""])
      expect(await refused({ orderby })).toMatchObject({ code: "query-unsupported" });
  });

  it("answers nothing where two terms contradict each other", async () => {
    for (const filter of [
      "jobId eq 'corp' and jobId eq 'sales'",
      "activityDateTime gt 2026-03-01 and activityDateTime lt 2026-02-01",
    ])
      expect(await world.ask({ top: 10, filter })).toEqual({ ok: true, value: { value: [] } });
    expect(await world.ask({ top: 10, filter: "jobId eq 'nobody'" })).toMatchObject({ value: { value: [] } });
  });

  it("binds a skip token to its question, and refuses one that was changed", async () => {
    const page = await world.ask({ top: 5, filter: "jobId eq 'corp'" });
    const token = (page.ok && page.value.next) || "";
    expect(await world.ask({ top: 7, filter: "jobId eq 'corp'", skipToken: token })).toMatchObject({ ok: true });
    const told = Buffer.from(token, "base64url").toString();
    const forged = (text: string) => Buffer.from(text).toString("base64url");
    const wrong = [
      { filter: "jobId eq 'sales'", skipToken: token },
      { skipToken: token },
      { sinceDays: 3, filter: "jobId eq 'corp'", skipToken: token },
      ...[
        "",
        "x",
        "%%%",
        `${token}AAAA`,
        forged(told.replace(":", "/")),
        forged(`${told}|1|2`),
        forged(`${told}' or 1`),
      ].map((skipToken) => ({ filter: "jobId eq 'corp'", skipToken })),
    ];
    for (const asked of wrong) expect(await refused(asked)).toMatchObject({ status: 400, code: "log-page" });
    const [digest] = told.split("|");
    for (const place of ["000000000000000", "999999999999999"])
      expect(
        await world.ask({ top: 5, filter: "jobId eq 'corp'", skipToken: forged(`${digest}|${place}`) }),
      ).toMatchObject({ ok: true });
  });

  it("asks for the job of an object where there are more than two", async () => {
    const { ask, rows } = await openMany(3);
    const filter = `sourceIdentity/id eq '${objectOf(1)}'`;
    expect(await ask({ top: 5, filter })).toMatchObject({
      failure: { code: "query-unsupported", remedy: expect.stringContaining("jobId eq") },
    });
    expect(await ask({ top: 5, filter: `${filter} and jobId eq 'job-1'` })).toMatchObject({ ok: true });
    // One of them is gone, and its entries aren't.
    await createLoggedJobs({ rows }).noteAll(["job-0", "job-2"]);
    expect(await ask({ top: 5, filter })).toMatchObject({ ok: true });
  });
});

/** So many jobs, each with as many entries, at the same moments: a page newest first has entries of many. */
async function openMany(count: number, each = 20) {
  const rows = createMemoryRowStore();
  const jobIds = Array.from({ length: count }, (_, n) => `job-${n}`);
  for (const jobId of jobIds) {
    const facts = {
      configurationId: `c-${jobId}`,
      displayName: `Domain of ${jobId}`,
      targetKey: "t",
      domainFqdn: jobId,
    };
    await jobTable(rows).transact(jobId, [{ op: "insert", row: ROW.job, values: pack(facts) }]);
    await fill(createProvisioningLog({ rows }), jobId, each);
  }
  await createLoggedJobs({ rows }).noteAll(jobIds);
  const use: PageUse = { requests: 0, entities: 0 };
  const counted = counting(rows, use);
  const provisioningLog = createProvisioningLog({ rows: counted });
  const clock = { now: () => NEWEST + 60_000 };
  const open = () => createAskLog({ rows: counted, clock, logMonths: 1, provisioningLog });
  return { ask: open(), open, use, rows, jobIds };
}

describe("the jobs that a page names", () => {
  it.each([
    [2, 10],
    [40, 10],
    [40, 100],
    [300, 100],
  ])("cost one request, where the log is of %i jobs and a page of %i entries", async (count, top) => {
    const { open, use } = await openMany(count, 10);
    for (const filter of [undefined, "provisioningStatusInfo/status eq 'failure'", "activityDateTime le 2026-11-05"]) {
      // Nothing is remembered yet.
      const ask = open();
      let skipToken: string | undefined;
      for (let page = 0; page < 3; page++) {
        Object.assign(use, { requests: 0, entities: 0 });
        const found = await ask({ top, filter, skipToken });
        if (!found.ok) throw new Error(found.failure.message);
        const { value, next } = found.value;
        expect(use.requests).toBeLessThanOrEqual(3);
        expect(use.entities).toBeLessThanOrEqual(dearestPage(value.length));
        for (const { jobId, servicePrincipal } of value)
          expect(servicePrincipal.displayName).toBe(`Domain of ${jobId}`);
        if (page === 0 && filter === undefined)
          expect(new Set(value.map(({ jobId }) => jobId)).size).toBeGreaterThan(1);
        skipToken = next;
      }
    }
  });

  it("are found one by one where none were noted yet, after an upgrade", async () => {
    const { open, rows, jobIds } = await openMany(2);
    const jobs = jobTable(rows);
    await jobs.transact("catalogue", [
      { op: "delete", row: "logged-jobs" },
      ...jobIds.map((jobId) => ({ op: "insert" as const, row: `configuration:c-${jobId}`, values: pack({ jobId }) })),
      { op: "insert", row: "configuration:c-none", values: pack({ jobId: "" }) },
    ]);
    const filter = `sourceIdentity/id eq '${objectOf(1)}'`;
    const shownOf = async () => {
      const found = await open()({ top: 5, filter });
      if (!found.ok) throw new Error(found.failure.message);
      return new Set(found.value.value.map(({ servicePrincipal }) => servicePrincipal.displayName));
    };
    const shown = await shownOf();
    expect(shown.size).toBeGreaterThan(0);
    for (const name of shown) expect(name).toContain("Domain of job-");
    // The first to be noted takes the others along.
    await createLoggedJobs({ rows }).note("job-0");
    expect([...(await createLoggedJobs({ rows }).all()).keys()]).toEqual(jobIds);
    expect(await shownOf()).toEqual(shown);
  });

  it("are called by their ids until they are noted, and as they were when they are gone", async () => {
    const { open, rows, jobIds } = await openMany(3);
    const named = async () => {
      const found = await open()({ top: 20 });
      if (!found.ok) throw new Error(found.failure.message);
      return [...new Set(found.value.value.map(({ servicePrincipal }) => servicePrincipal.displayName))].sort();
    };
    const all = ["Domain of job-0", "Domain of job-1", "Domain of job-2"];
    expect(await named()).toEqual(all);
    const facts = { configurationId: "", displayName: "Renamed", targetKey: "t", domainFqdn: "" };
    await jobTable(rows).transact("job-1", [{ op: "replace", row: ROW.job, values: pack(facts) }]);
    await createLoggedJobs({ rows }).noteAll(jobIds.slice(1));
    expect(await named()).toEqual(["Domain of job-0", "Domain of job-2", "Renamed"]);
    await fill(createProvisioningLog({ rows }), "new", 20);
    expect(await named()).toContain("new");
  });
});
