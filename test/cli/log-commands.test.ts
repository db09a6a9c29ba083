/** `uplink logs`, against the service's own routes; and how it follows what is added. */
import { beforeAll, describe, expect, it } from "vitest";
import { AgentError } from "../../agent/agent-error.ts";
import { type FollowDeps, followLog, type LogRange } from "../../cli/follow-log.ts";
import { registerLogCommands } from "../../cli/log-commands.ts";
import { configurationRoutes } from "../../functions/configurations.http.ts";
import type { Route } from "../../functions/http-route.ts";
import { jobRoutes } from "../../functions/jobs.http.ts";
import { provisioningLogRoute } from "../../functions/provisioning-log.http.ts";
import type { ProvisioningLogReply } from "../../shared/contracts/provisioning-log.ts";
import { answerByRoutes, askService, serveInTests, startAdminService } from "../support/admin-service.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";

let routes: readonly Route[];
let cloud: Cloud;
const agents: Awaited<ReturnType<Cloud["addDomain"]>>[] = [];
const { uplink, asked } = serveInTests(
  [registerLogCommands],
  answerByRoutes(() => routes),
);

beforeAll(async () => {
  cloud = await createCloud({ settings: { suffixPolicy: "escrow" } });
  for (const domain of ["corp.example", "sales.example", "third.example"]) agents.push(await cloud.addDomain(domain));
  const [corp, sales] = agents as [(typeof agents)[0], (typeof agents)[0]];
  await corp.read("full", [aUser("ann"), aUser("bob", { userPrincipalName: "bob@other.example" })]);
  cloud.clock.set(cloud.clock.now() + 3_600_000);
  await sales.read("full", [aUser("cid"), aUser("dan")]);
  routes = [
    provisioningLogRoute(cloud.cloud.routes.queries),
    ...configurationRoutes(cloud.cloud.routes.configurations),
  ];
});

/** Of people: what a schema's mappings leave out is in the log, too. */
const namesIn = (out: string) =>
  (JSON.parse(out) as ProvisioningLogReply[]).flatMap(
    ({ sourceIdentity }) => /CN=(\w+)/.exec(sourceIdentity.displayName)?.[1] ?? [],
  );
const namesBy = async (...args: string[]) => namesIn((await uplink("logs", "--json", ...args)).out);

describe("uplink logs", () => {
  it("shows all jobs', one job's, one object's, failures, and those since a moment", async () => {
    const all = await namesBy();
    expect(all.slice(0, 2).sort()).toEqual(["cid", "dan"]);
    expect(all.slice(2).sort()).toEqual(["ann", "bob"]);
    expect((await namesBy("--job", "corp.example")).sort()).toEqual(["ann", "bob"]);
    expect(await namesBy("--object", guidOf("cid").toUpperCase())).toEqual(["cid"]);
    expect(await namesBy("--failed")).toEqual(["bob"]);
    expect((await namesBy("--since", "2026-01-05T08:30:00Z")).sort()).toEqual(["cid", "dan"]);
    expect(await namesBy("--job", "sales.example", "--failed")).toEqual([]);
    expect(
      await namesBy("--filter", "provisioningStatusInfo/status eq 'failure' and activityDateTime lt 2026-02-01"),
    ).toEqual(["bob"]);
    expect(JSON.parse((await uplink("logs", "--json", "--top", "3")).out)).toHaveLength(3);
  });

  it("tells in a table, as comma-separated values, and that there is nothing", async () => {
    const table = await uplink("logs", "--failed");
    expect(table.out).toMatch(/^time +action +status +object +what\n.* failure +CN=bob.*InvalidDomain/);
    expect((await uplink("logs", "--failed", "--csv")).out).toMatch(
      /^time,job,.*properties\r\n2026-01-05T.*InvalidDomain/,
    );
    expect((await uplink("logs", "--since", "2027-01-01T00:00:00Z")).out).toBe("The log has no entry for that.\n");
  });

  it("follows @odata.nextLink as far as it must", async () => {
    expect(await namesBy("--top", "1000")).toHaveLength(4);
    const pages = asked().filter(({ url }) => url.includes("auditLogs"));
    expect(pages.length).toBeGreaterThan(0);
    for (const { url } of pages.slice(1)) expect(url).toContain("$skiptoken=");
  });

  it("says why the service refuses a filter, and what it answers", async () => {
    const { code, err } = await uplink("logs", "--filter", "cycleId eq 'x'");
    expect(code).toBe(5);
    expect(err).toContain("cycleId");
    expect(err).toContain("It answers jobId eq");
    expect((await uplink("logs", "--since", "lately")).code).toBe(2);
    expect((await uplink("logs", "--top", "many")).code).toBe(2);
  });
});

/** A log that somebody writes to between two looks. */
type Step = readonly [id: string, minute: number, jobId?: string][];
const minuteOf = (minute: number) => new Date(Date.UTC(2026, 0, 5, 8, minute)).toISOString();

/** `open`: at each step the minute of the oldest that is under way, by job. */
function growing(
  steps: readonly (Step | Error)[],
  open: readonly Readonly<Record<string, number>>[] = [],
  [top, windowMs] = [2, 15 * 60_000],
) {
  const stop = new AbortController();
  const all: ProvisioningLogReply[] = [];
  const shown: string[] = [];
  const reads: LogRange[] = [];
  const waits: number[] = [];
  const complaints: string[] = [];
  let now = 0;
  let failure: Error | undefined;
  let step = 0;
  const add = (entries: Step) => {
    for (const [id, minute, jobId = "a"] of entries)
      all.push({ id, jobId, activityDateTime: minuteOf(minute) } as ProvisioningLogReply);
    all.sort((one, other) => (one.activityDateTime < other.activityDateTime ? 1 : -1));
  };
  const next = () => {
    const own = steps[step++];
    failure = own instanceof Error ? own : undefined;
    if (own === undefined) stop.abort();
    else if (!(own instanceof Error)) add(own);
  };
  next();
  const deps: FollowDeps = {
    async read(range, most) {
      now += 2_000;
      if (failure) throw failure;
      reads.push(range);
      const { jobId, since = "", before = "~" } = range;
      const found = all.filter(({ activityDateTime: at }) => at >= since && at < before);
      return found.filter((own) => jobId === undefined || own.jobId === jobId).slice(0, most);
    },
    async underWay() {
      return new Map(Object.entries(open[step - 1] ?? {}).map(([jobId, minute]) => [jobId, minuteOf(minute)]));
    },
    show: (entries) => shown.push(...entries.map(({ id }) => id)),
    complain: (message) => complaints.push(message),
    async wait(ms) {
      waits.push(ms);
      next();
    },
    now: () => now,
    stop: stop.signal,
  };
  return { run: () => followLog(deps, { top, windowMs, everyMs: 5_000 }), shown, reads, waits, complaints };
}

const unreachable = () => new AgentError("service-unreachable", "Nobody answers.", "Look.");

describe("uplink logs --follow", () => {
  it("asks the service what its jobs have under way, and shows what is written behind newer entries", async () => {
    const own = await createCloud();
    const slow = await own.addDomain("slow.example");
    const quick = await own.addDomain("quick.example");
    await slow.sendRead("full", [[aUser("eve")], [aUser("fay")]], 2);
    own.bells.length = 0;
    const acceptedAt = new Date(own.clock.now()).toISOString();
    own.clock.set(own.clock.now() + 3_600_000);
    await quick.read("full", [aUser("gus")]);
    const service = await startAdminService(
      answerByRoutes(() => [
        provisioningLogRoute(own.cloud.routes.queries),
        ...configurationRoutes(own.cloud.routes.configurations),
        ...jobRoutes(own.cloud.routes),
      ]),
    );
    const stop = new AbortController();
    const running = askService(service.url, [registerLogCommands], ["logs", "--follow", "--json"], {
      stop: stop.signal,
    });
    const looks = () => service.asked.filter(({ url }) => url.includes("auditLogs")).length;
    while (looks() < 1) await new Promise((go) => setTimeout(go, 20));
    for (const lane of ["bulk", "live"] as const) await own.wakeJob(slow.jobId, lane);
    await own.driver.settled();
    while (looks() < 3) await new Promise((go) => setTimeout(go, 100));
    await new Promise((go) => setTimeout(go, 200));
    stop.abort();
    const { out } = await running;
    await service.close();
    const entries = out.trim().split("\n");
    const [first, ...late] = namesIn(`[${entries.join(",")}]`);
    expect([first, ...late.sort()]).toEqual(["gus", "eve", "fay"]);
    expect(entries.at(-1)).toContain(acceptedAt);
  }, 30_000);

  it("shows the newest, then what is added, each once, oldest first", async () => {
    const log = growing([
      [
        ["a", 0],
        ["b", 1],
        ["c", 2],
      ],
      [["d", 3]],
      [],
      [
        ["e", 4],
        ["f", 5],
      ],
    ]);
    await log.run();
    expect(log.shown).toEqual(["b", "c", "d", "e", "f"]);
  });

  it("misses none that comes late within the window, and shows nothing that was there before", async () => {
    const log = growing([
      [
        ["old", 0],
        ["b", 10],
        ["c", 11],
      ],
      [
        ["late", 5],
        ["d", 12],
      ],
      [
        ["later", 0],
        ["same moment", 12],
      ],
      [["next", 30]],
      [
        ["too late", 10],
        ["in time", 16],
      ],
    ]);
    await log.run();
    expect(log.shown).toEqual(["b", "c", "late", "d", "later", "same moment", "next", "in time"]);
  });

  it("misses none of a first load that is worked off behind newer entries, of this job or another one", async () => {
    const log = growing(
      [
        [
          ["first", 0, "a"],
          ["live", 120, "b"],
        ],
        [["second", 0, "a"]],
        [["delta", 121, "a"]],
        [
          ["third", 1, "a"],
          ["fourth", 2, "a"],
        ],
        [["last", 2, "a"]],
        [["too late", 2, "a"]],
      ],
      [{ a: 0 }, { a: 0 }, { a: 0 }, { a: 2 }, {}, {}],
    );
    await log.run();
    expect(log.shown).toEqual(["first", "live", "second", "delta", "third", "fourth", "last"]);
  });

  it("asks for more than the window of those jobs alone that have something older under way", async () => {
    const log = growing([[["a", 60]], [["b", 61]], [["c", 62]]], [{ a: 10, b: 55 }, { a: 10 }, {}], [9, 15 * 60_000]);
    await log.run();
    expect(log.reads).toEqual([
      {},
      { since: minuteOf(45) },
      { jobId: "a", since: minuteOf(10), before: minuteOf(45) },
      { since: minuteOf(46) },
      { jobId: "a", since: minuteOf(10), before: minuteOf(46) },
    ]);
  });

  it("begins with an empty log", async () => {
    const log = growing([[], [["a", 0]], [["b", 0]]]);
    await log.run();
    expect(log.shown).toEqual(["a", "b"]);
  });

  it("waits several times as long as a look takes, longer while nobody answers, and then goes on", async () => {
    const log = growing([[["a", 0]], [["b", 1]], unreachable(), unreachable(), [["c", 2]]]);
    await log.run();
    expect(log.shown).toEqual(["a", "b", "c"]);
    expect(log.waits).toEqual([5_000, 8_000, 16_000, 32_000, 8_000]);
    expect(log.complaints).toEqual(["Nobody answers. Trying again in 16 s.", "Nobody answers. Trying again in 32 s."]);
  });

  it("ends with what the service refuses", async () => {
    const refused = new AgentError("service-refused", "No.", "Ask otherwise.");
    await expect(growing([[["a", 0]], refused]).run()).rejects.toBe(refused);
  });
});
