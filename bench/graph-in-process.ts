/**
 * The real Graph adapter on the directory stand-in, both in this process: requests and answers are the texts that would
 * go over the wire, without a wire. Calls and bytes are counted where the wire would be, writes and refusals in the stand-in.
 */
import { randomBytes } from "node:crypto";
import { createBatchRunner } from "../local/directory/batch.ts";
import { createDirectory } from "../local/directory/directory.ts";
import { createFaults } from "../local/directory/faults.ts";
import { memoryJournal } from "../local/directory/journal.ts";
import { createQuota, type QuotaSetting } from "../local/directory/quota.ts";
import { renderAnswer } from "../local/directory/render.ts";
import { createService } from "../local/directory/service.ts";
import { emptyStats } from "../local/directory/stats.ts";
import { createStore, type Store } from "../local/directory/store.ts";
import { createGraphTargetDirectory } from "../shared/adapters/graph/graph-target-directory.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { Log } from "../shared/ports/log.ts";
import type { TargetDirectory } from "../shared/ports/target-directory.ts";

const TENANT = "tenant";
const APPLICATION = "uplink";
const ROOT = "https://graph.invalid/v1.0";
const PERMISSIONS = [
  "User.ReadWrite.All",
  "User.DeleteRestore.All",
  "Group.ReadWrite.All",
  "Directory.Read.All",
  "RoleManagement.Read.Directory",
  "Organization.Read.All",
  "Domain.Read.All",
];
/** As the host has it, see `functions/cloud-side.ts`. */
const PARALLEL_BATCHES = 8;

export interface GraphInProcess {
  readonly target: TargetDirectory;
  /** HTTP exchanges, of which a `$batch` is one, and their bytes without headers. */
  exchanges(): { readonly calls: number; readonly bytes: number };
  /** Writes that the quota counts, in effect or not, and those that it refused. */
  counts(): { readonly written: number; readonly refused: number };
  /** Updates of people that took effect. */
  updates(): number;
  people(): number;
  groups(): number;
  /** Of all groups. */
  memberships(): number;
  /** Somebody else writes under the same quota; false: it refused. */
  writeAsSomebodyElse(): boolean;
}

export function createGraphInProcess(deps: {
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
  /** How long an exchange takes. */
  readonly callMs: number;
  readonly quota: QuotaSetting;
  readonly verifiedDomains: readonly string[];
  readonly log: Log;
  /** What the directory holds; absent: nothing at first, and nobody else sees it. */
  readonly store?: Store;
  /** After each exchange. */
  readonly onExchange?: () => void;
}): GraphInProcess {
  const now = () => deps.clock.now();
  const store = deps.store ?? createStore({ journal: () => memoryJournal });
  const directory = createDirectory({
    ...{ store, now, visibilityDelayMs: () => 0 },
    tenant: {
      id: TENANT,
      initialDomain: "bench.onmicrosoft.com",
      domains: { verified: new Set(["bench.onmicrosoft.com", ...deps.verifiedDomains]), federated: new Set() },
    },
  });
  const quota = createQuota({ now, tenantId: TENANT, users: () => store.count("user"), setting: deps.quota });
  const stats = emptyStats();
  const service = createService({ directory, quota, faults: createFaults(), stats: () => stats, root: () => ROOT });
  const batches = createBatchRunner({ service });
  const caller = {
    ...{ applicationId: APPLICATION, tenantId: TENANT },
    ...{ permissions: new Set(PERMISSIONS), roles: new Set<string>() },
  };
  const use = { calls: 0, bytes: 0 };

  const exchange = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const sent = typeof init.body === "string" ? init.body : "";
    await deps.sleep(deps.callMs / 2);
    const body: unknown = sent === "" ? undefined : JSON.parse(sent);
    const path = url.slice(ROOT.length + 1);
    const headers = new Headers(init.headers);
    const answer =
      path === "$batch"
        ? batches.run(body, caller).answer
        : service.execute({
            ...{ method: init.method ?? "GET", url: path, body, caller },
            header: (name) => headers.get(name) ?? undefined,
          });
    const rendered = renderAnswer(answer);
    const text = rendered.body === undefined ? "" : JSON.stringify(rendered.body);
    use.calls++;
    use.bytes += url.length + Buffer.byteLength(sent) + Buffer.byteLength(text);
    deps.onExchange?.();
    await deps.sleep(deps.callMs / 2);
    return new Response(text === "" ? null : text, { status: rendered.status, headers: rendered.headers });
  };

  const target = createGraphTargetDirectory({
    baseUrl: ROOT,
    credential: { getToken: async () => ({ token: "bench", expiresOnTimestamp: now() + 86_400_000 }) },
    scope: "https://graph.invalid/.default",
    log: deps.log,
    random: { bytes: (count) => randomBytes(count) },
    clock: deps.clock,
    maxParallelBatches: PARALLEL_BATCHES,
    fetch: (url, init) => exchange(String(url), init),
    sleep: deps.sleep,
  });

  return {
    target,
    exchanges: () => ({ ...use }),
    counts: () => ({ written: stats.writeCalls - stats.throttled, refused: stats.throttled }),
    updates: () => stats.writes.updateUser ?? 0,
    people: () => store.count("user"),
    groups: () => store.count("group"),
    memberships() {
      let sum = 0;
      for (const group of store.scan("group", 0)) sum += store.membersOf(group.id).size;
      return sum;
    },
    writeAsSomebodyElse: () => !("rule" in quota.book({ write: true, units: 1, applicationId: APPLICATION })),
  };
}
